"""The two sources of a batch: labelled images, and unlabelled ones."""
from collections.abc import Sequence
from typing import TypeVar

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from plugin.utils import UserError

Sample = TypeVar('Sample', bound=BaseDataElement)


def labelled_first(inputs: Tensor, samples: Sequence[Sample]) -> tuple[Tensor, list[Sample], int]:
    """Order a batch by its sources; the packing transform marks the unlabelled images.

    Args:
        inputs (Tensor): Images, (N, 3, H, W), in any order.
        samples (Sequence[BaseDataElement]): Of all images.

    Returns:
        tuple: Images and samples, and how many of them are labelled.

    Raises:
        UserError: If no image is labelled.
    """
    marks = [sample.metainfo.get('unlabeled', False) for sample in samples]
    order = sorted(range(len(samples)), key=lambda index: marks[index])
    number = len(marks) - sum(marks)
    if number == 0:
        raise UserError(f'none of the {len(samples)} images of a batch has labels: sample them '
                        "with dict(type='PairedSampler'), from a SemiDataset")
    if order != list(range(len(order))):
        inputs = torch.stack([inputs[index] for index in order])
    return inputs, [samples[index] for index in order], number
