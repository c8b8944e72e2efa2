"""Batches with labelled and unlabelled pictures of instances, and their strong views."""
from typing import NamedTuple

import numpy as np
import torch
from mmdet.structures import DetDataSample, SampleList
from mmengine.structures import InstanceData
from torch import Tensor, nn

from ..semi.sources import labelled_first


class InstanceBatch(NamedTuple):
    """A batch by its sources; H, W are the size of all images, padding included.

    Attributes:
        images_l (Tensor): Labelled images, (N_l, 3, H, W).
        samples_l (list[DetDataSample]): Their instances.
        images_u (Tensor): Unlabelled images as the teacher sees them, (N_u, 3, H, W).
        samples_u (list[DetDataSample]): Their metadata, and the truth where it is known.
    """

    images_l: Tensor
    samples_l: SampleList
    images_u: Tensor
    samples_u: SampleList


class View(NamedTuple):
    """The unlabelled images as the student sees them.

    Attributes:
        images (Tensor): (N_u, 3, H', W').
        samples (list[DetDataSample]): Their metadata.
        matrices (Tensor): From the teacher's view to this one, (N_u, 3, 3).
        sizes (Tensor): Height and width without padding, (N_u, 2).
    """

    images: Tensor
    samples: SampleList
    matrices: Tensor
    sizes: Tensor


def split_instances(inputs: Tensor, samples: SampleList) -> InstanceBatch:
    """Divide a batch by its sources; ``PackSemiDetInputs`` marks the unlabelled images.

    Raises:
        UserError: If no image is labelled.
    """
    inputs, samples, number = labelled_first(inputs, samples)
    return InstanceBatch(inputs[:number], samples[:number], inputs[number:], samples[number:])


def strong_view(batch: InstanceBatch, preprocessor: nn.Module) -> View:
    """The strong views that ``PackSemiDetInputs`` made; the images themselves without them.

    Args:
        batch (InstanceBatch): The batch.
        preprocessor (nn.Module): The model's, which normalises and pads.
    """
    device = batch.images_u.device
    if any('strong_view' not in sample for sample in batch.samples_u):
        samples = [DetDataSample(metainfo=sample.metainfo) for sample in batch.samples_u]
        matrices = torch.eye(3, device=device).expand(len(samples), 3, 3)
        return View(batch.images_u, samples, matrices, sizes_of(samples, device))
    samples = [_view_sample(sample) for sample in batch.samples_u]
    data = dict(inputs=[sample.strong_view.data for sample in batch.samples_u],
                data_samples=samples)
    data = preprocessor(data, training=True)
    matrices = torch.from_numpy(np.stack(
        [sample.strong_matrix for sample in batch.samples_u]).astype(np.float32))
    return View(data['inputs'], data['data_samples'], matrices.to(device, non_blocking=True),
                sizes_of(samples, device))


def outlined_labels(sample: DetDataSample) -> Tensor:
    """Classes of what a person outlined in a labelled picture, (L,) int64.

    ``SemiDataset`` tells it; elsewhere it is what the pipeline left.
    """
    return sample.outlined if 'outlined' in sample else sample.gt_instances.labels


def sizes_of(samples: SampleList, device: torch.device) -> Tensor:
    """Height and width of images without padding, (N, 2)."""
    sizes = torch.tensor([sample.img_shape[:2] for sample in samples], dtype=torch.float32)
    return sizes.to(device, non_blocking=True)


def _view_sample(sample: DetDataSample) -> DetDataSample:
    size = tuple(sample.strong_view.shape)
    view = DetDataSample(metainfo=dict(img_shape=size, ori_shape=size, scale_factor=(1., 1.)))
    view.gt_instances = InstanceData()  # the preprocessor asks whether there are masks to pad
    return view
