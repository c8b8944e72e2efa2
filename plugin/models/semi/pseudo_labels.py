"""Pseudo-labels: the classes that a teacher gives to the pixels of unlabelled images."""
from typing import NamedTuple

import torch
from torch import Tensor

from plugin.utils import UserError

from .blocks import check_logits, row_blocks
from .entropy import entropy_of_block

IGNORE = 255


class PseudoLabels(NamedTuple):
    """Pseudo-labels of N images of H x W pixels.

    Attributes:
        labels (Tensor): Most probable class, (N, H, W) int64; 255 where not valid.
        entropy (Tensor): Of the probabilities, (N, H, W) float32, in nats.
        confidence (Tensor): Largest probability, (N, H, W) float32.
        valid (Tensor): False in padding and holes, (N, H, W) bool.
    """

    labels: Tensor
    entropy: Tensor
    confidence: Tensor
    valid: Tensor


@torch.no_grad()
def predict_pseudo_labels(logits: Tensor, valid: Tensor) -> PseudoLabels:
    """Class, entropy and confidence of each pixel, in one pass over the logits.

    Args:
        logits (Tensor): Of the teacher, before the softmax, (N, C, H, W), of any floating type;
            2 to 255 classes C. Of equal scores the first class wins.
        valid (Tensor): False in padding, (N, H, W) bool.

    Returns:
        PseudoLabels: Without gradient. The entropy is that of :func:`.entropy`, equation 5 of
        `U2PL <https://arxiv.org/abs/2203.03884>`_.

    Raises:
        UserError: If C or a shape does not fit.
    """
    check_logits(logits)
    number, classes, height, width = logits.shape
    if valid.shape != (number, height, width):
        raise UserError(f'valid has the shape {tuple(valid.shape)}, logits have '
                        f'{tuple(logits.shape)}: bring them to the same size first')
    best, sure, unsure = (logits.new_empty(valid.shape, dtype=dtype)
                          for dtype in (torch.uint8, torch.float32, torch.float32))
    # faster than argmax along the classes; of equal scores the first has the largest weight
    weights = torch.arange(classes, 0, -1, dtype=torch.uint8, device=logits.device)[:, None, None]
    for image, rows in row_blocks(logits):
        block = logits[image, :, rows].float()
        top = block.amax(0)
        best[image, rows] = ((block == top) * weights).amax(0)
        unsure[image, rows], sure[image, rows] = entropy_of_block(block, top)
    # NaN scores equal nothing and would give the class C
    labels = (classes - best.long()).clamp_(max=classes - 1)
    return PseudoLabels(labels.masked_fill_(~valid, IGNORE), unsure, sure, valid.clone())


def reliable_labels(pseudo: PseudoLabels, gamma: Tensor) -> Tensor:
    """Pseudo-labels of which the teacher is sure enough.

    Equation 6 of `U2PL <https://arxiv.org/abs/2203.03884>`_. A pixel whose entropy equals gamma is
    kept, so that with ``alpha = 0``, where gamma is the largest entropy, no pixel is lost, and
    so that equal entropies are not all dropped; the equation asks for less than gamma.

    Args:
        pseudo (PseudoLabels): Of N images.
        gamma (Tensor): Largest entropy of a reliable pixel, 0-dim, of :func:`.masked_quantile`.

    Returns:
        Tensor: (N, H, W) int64, 255 where not reliable or not valid.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[4., 1.], [0., 0.]]).view(1, 2, 1, 2)  # C = 2, W = 2
        >>> pseudo = predict_pseudo_labels(logits, torch.ones(1, 1, 2, dtype=torch.bool))
        >>> pseudo.labels.tolist()
        [[[0, 0]]]
        >>> reliable_labels(pseudo, gamma=torch.tensor(0.3)).tolist()
        [[[0, 255]]]
    """
    return pseudo.labels.masked_fill((pseudo.entropy > gamma) | ~pseudo.valid, IGNORE)
