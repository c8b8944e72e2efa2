"""Batches with labelled and unlabelled images: their parts, strong views and statistics."""
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList
from torch import Tensor, nn

from plugin.utils import UserError

from ..semi.mixing import Mix, apply_mix, mix_pseudo_labels
from ..semi.pseudo_labels import IGNORE, PseudoLabels
from ..semi.sources import labelled_first


class SemiBatch(NamedTuple):
    """A batch by its sources; H, W are the size of all images.

    Attributes:
        images_l (Tensor): Labelled images, (N_l, 3, H, W).
        samples_l (list[SegDataSample]): Their labels.
        images_u (Tensor): Unlabelled images, (N_u, 3, H, W).
        samples_u (list[SegDataSample]): Their metadata, and the truth where it is known.
        valid (Tensor): Where the unlabelled images are not padding, (N_u, H, W) bool.
    """

    images_l: Tensor
    samples_l: SampleList
    images_u: Tensor
    samples_u: SampleList
    valid: Tensor

    @property
    def labels_l(self) -> Tensor:
        """Truth of the labelled images, (N_l, H, W) int64, 255 where there is none."""
        return torch.cat([sample.gt_sem_seg.data for sample in self.samples_l])

    @property
    def truth_u(self) -> Tensor | None:
        """Truth of the unlabelled images, used for statistics alone; None if it is not known."""
        if any('gt_sem_seg' not in sample for sample in self.samples_u):
            return None
        return torch.cat([sample.gt_sem_seg.data for sample in self.samples_u])


class Mixed(NamedTuple):
    """Unlabelled images as the student sees them.

    Attributes:
        images (Tensor): (N_u, 3, H, W).
        pseudo (PseudoLabels): The teacher's labels of them.
        targets (Tensor, optional): The teacher's probabilities, (N_u, C, H, W).
        truth (Tensor, optional): True classes for statistics, (N_u, H, W), 255 where there is none.
    """

    images: Tensor
    pseudo: PseudoLabels
    targets: Tensor | None = None
    truth: Tensor | None = None


def split_batch(inputs: Tensor, samples: SampleList) -> SemiBatch:
    """Divide a batch by its sources; ``PackSemiInputs`` marks the unlabelled images.

    Args:
        inputs (Tensor): Normalised and padded images, (N_l + N_u, 3, H, W), in any order.
        samples (list[SegDataSample]): Of all images.

    Raises:
        UserError: If no image is labelled.
    """
    inputs, samples, number = labelled_first(inputs, samples)
    return SemiBatch(inputs[:number], samples[:number], inputs[number:], samples[number:],
                     _valid_pixels(samples[number:], inputs[number:]))


def strong_views(batch: SemiBatch, number: int,
                 preprocessor: nn.Module) -> list[Tensor] | None:
    """The strongly augmented images that ``PackSemiInputs(views=number)`` made.

    Args:
        batch (SemiBatch): The batch.
        number (int): How many of each image are needed.
        preprocessor (nn.Module): The model's, which normalises and pads.

    Returns:
        list[Tensor] | None: ``number`` times (N_u, 3, H, W); None if the pipeline makes none.

    Raises:
        UserError: If it makes some, but too few.
    """
    if any('strong_views' not in sample for sample in batch.samples_u):
        return None
    images = [sample.strong_views.data.split(3) for sample in batch.samples_u]
    made = min(map(len, images))
    if made < number:
        raise UserError(f'{number} strong views of an image are needed, but the pipeline makes '
                        f"{made}: set dict(type='PackSemiInputs', views={number}, strong=[...])")
    # without labels, which the preprocessor would pad a second time
    views = [dict(inputs=[views[index] for views in images],
                  data_samples=[SegDataSample() for _ in images]) for index in range(number)]
    return [_fill(preprocessor(view, training=True)['inputs'], batch.images_u, preprocessor)
            for view in views]


def mixed_by(mix: Mix, images: Tensor, pseudo: PseudoLabels, batch: SemiBatch,
             targets: Tensor | None = None) -> Mixed:
    """Images and all that is known of them, mixed alike.

    Args:
        mix (Mix): Which pixels are replaced.
        images (Tensor): Views of the unlabelled images, (N_u, 3, H, W).
        pseudo (PseudoLabels): Their pseudo-labels.
        batch (SemiBatch): The batch, which may know the truth.
        targets (Tensor, optional): The teacher's probabilities, (N_u, C, H, W).
    """
    truth = batch.truth_u
    return Mixed(apply_mix(mix, images), mix_pseudo_labels(mix, pseudo),
                 None if targets is None else apply_mix(mix, targets),
                 None if truth is None else apply_mix(mix, truth, IGNORE))


def strong_view(batch: SemiBatch, preprocessor: nn.Module) -> Tensor:
    """The first strong view of each image, (N_u, 3, H, W); the images where there is none."""
    views = strong_views(batch, 1, preprocessor)
    return batch.images_u if views is None else views[0]


def label_statistics(labels: Tensor, truth: Tensor | None,
                     num_classes: int) -> tuple[Tensor, Tensor | None]:
    """Which classes labels have, and how many are right.

    Args:
        labels (Tensor): Pseudo-labels of N images, (N, H, W) int64, 255 where there is none.
        truth (Tensor, optional): (N, H, W) int64, 255 where there is none.
        num_classes (int): Number of classes C.

    Returns:
        tuple[Tensor, Tensor | None]: The share of the labels that each class has, (C,), 0 where
        there is no label at all; the share of the labels that is right, 0-dim, None without truth.

    Example:
        >>> import torch
        >>> labels, truth = torch.tensor([[[0, 1, 1, 255]]]), torch.tensor([[[0, 1, 0, 1]]])
        >>> shares, right = label_statistics(labels, truth, num_classes=2)
        >>> [round(share, 2) for share in shares.tolist()], round(right.item(), 2)
        ([0.33, 0.67], 0.67)
    """
    # what has no label is counted as one class more
    places = torch.where(labels == IGNORE, num_classes, labels).flatten()
    counts = torch.zeros(num_classes + 1, device=labels.device)
    counts.scatter_add_(0, places, torch.ones_like(places, dtype=counts.dtype))
    shares = counts[:-1] / counts[:-1].sum().clamp(min=1)
    if truth is None:
        return shares, None
    known = (labels != IGNORE) & (truth != IGNORE)
    return shares, ((labels == truth) & known).sum() / known.sum().clamp(min=1)


def _fill(views: Tensor, images: Tensor, preprocessor: nn.Module) -> Tensor:
    """Views padded as the images are: the largest image of a batch may be a labelled one."""
    height, width = (whole - own for whole, own in zip(images.shape[2:], views.shape[2:]))
    return F.pad(views, (0, width, 0, height), value=getattr(preprocessor, 'pad_val', 0))


def _valid_pixels(samples: SampleList, images: Tensor) -> Tensor:
    """Where images are not padding, (N, H, W) bool."""
    valid = torch.ones((len(images), *images.shape[2:]), dtype=torch.bool, device=images.device)
    for mask, sample in zip(valid, samples):
        left, right, top, bottom = sample.metainfo.get('padding_size', (0, 0, 0, 0))
        height, width = mask.shape
        mask[:top] = mask[height - bottom:] = False
        mask[:, :left] = mask[:, width - right:] = False
    return valid
