"""Probabilities of the classes, from what a segmentor returns and back.

MMSegmentation's ``seg_logits`` are logits where a network has two or more output channels. Of a
network with one they hold the probability of the foreground, as the sigmoid has been taken. This
file is the only place that makes the difference.
"""
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor

# a probability of 0 or 1 has no finite logit
EPS = 1e-7


def probabilities(seg_logits: Tensor) -> Tensor:
    """The probability of each class.

    Args:
        seg_logits (Tensor): ``seg_logits.data`` of a prediction, (C, H, W), float32. C = 1 is the
            probability of the foreground.

    Returns:
        Tensor: (C, H, W), a new one that sums to one over the C classes; of a network with one
        channel (2, H, W), the second of which is the foreground.

    Example:
        >>> import torch
        >>> from plugin.models.postprocess import probabilities
        >>> probabilities(torch.tensor([0.75]).view(1, 1, 1)).flatten()
        tensor([0.2500, 0.7500])
    """
    if _is_foreground(seg_logits):
        return torch.cat([1 - seg_logits, seg_logits])
    return seg_logits.softmax(0)


def logits(seg_logits: Tensor) -> Tensor:
    """The logits that losses take.

    Args:
        seg_logits (Tensor): ``seg_logits.data`` of a prediction, (C, H, W).

    Returns:
        Tensor: (C, H, W); the same where they are logits already.
    """
    return seg_logits.logit(eps=EPS) if _is_foreground(seg_logits) else seg_logits


def set_probabilities(sample: SegDataSample, values: Tensor, threshold: float | None) -> None:
    """Replace a prediction by other probabilities.

    Args:
        sample (SegDataSample): With the ``seg_logits`` of the network. It gets ``seg_logits`` of as
            many channels, whose :func:`probabilities` are the given ones, and ``pred_sem_seg``
            (1, H, W).
        values (Tensor): Probabilities, as of :func:`probabilities`.
        threshold (float, optional): Of the head; from above it on, one channel is foreground.
    """
    if _is_foreground(sample.seg_logits.data):
        assert threshold is not None, 'a head with one channel has a threshold'
        scores = values[1:]
        labels = (scores > threshold).to(scores)
    else:
        scores = values.clamp(min=torch.finfo(values.dtype).tiny).log()
        labels = values.max(0, keepdim=True)[1]  # as argmax, and faster
    sample.set_data(dict(seg_logits=PixelData(data=scores), pred_sem_seg=PixelData(data=labels)))


def _is_foreground(seg_logits: Tensor) -> bool:
    """Whether the scores are the probability of the foreground alone."""
    return len(seg_logits) == 1
