"""How far an exported graph is from PyTorch on images, and how fast both are."""
import copy
from collections.abc import Sequence
from typing import NamedTuple

import mmcv
import numpy as np
import torch
from mmengine.model import BaseModel
from torch import Tensor

from plugin.models.onnx import (
    Difference,
    LogitsOf,
    OnnxNetwork,
    compare_logits,
    median_seconds,
    predicting_network,
)

# share of the pixels that must get the same class
NEEDED = 0.999
SECOND_SIZE = 0.7


class Row(NamedTuple):
    """What was measured at one size.

    Attributes:
        size (str): Width and height in pixels.
        images (int): How many were compared.
        largest (float): Largest difference of two logits.
        agreement (float): Share of the pixels that get the same class, from 0 to 1.
        pytorch (float): Seconds that PyTorch takes for an image.
        onnx (float): Seconds that onnxruntime takes.
    """

    size: str
    images: int
    largest: float
    agreement: float
    pytorch: float
    onnx: float


def compare(model: BaseModel, network: OnnxNetwork, images: Sequence[np.ndarray],
            turns: int) -> list[Row]:
    """Measure at the size of the images one by one, and at a smaller one in batches of two.

    Args:
        model (nn.Module): The model.
        network (OnnxNetwork): Its graph.
        images (Sequence[np.ndarray]): (H, W, channels).
        turns (int): Of each time.
    """
    # odd, so that every stride has to round
    height, width = (max(int(extent * SECOND_SIZE) | 1, 1) for extent in images[0].shape[:2])
    small = [resized(image, (height, width)) for image in images]
    # whatever there is to compare on, the batch must be free too
    small += small if len(small) == 1 else []
    batches = [small[first:first + 2] for first in range(0, len(small), 2)]
    return [_row(model, network, [stacked([image]) for image in images], turns),
            _row(model, network, [stacked(batch) for batch in batches], turns)]


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An image (H, W, channels) at ``(height, width)``."""
    # OpenCV drops the axis of a single channel
    return mmcv.imresize(image, size[::-1]).reshape(*size, -1)


def stacked(images: Sequence[np.ndarray]) -> Tensor:
    """Images of one size as a batch, (N, H, W, channels)."""
    return torch.from_numpy(np.stack(images))


def _row(model: BaseModel, network: OnnxNetwork, batches: list[Tensor], turns: int) -> Row:
    whole = predicting_network(model)
    reference = LogitsOf(whole).eval()
    prepare = LogitsOf(whole, model.data_preprocessor).prepare
    threshold = getattr(whole.decode_head, 'threshold', None) or 0.5
    prepared = [prepare(batch) for batch in batches]
    given = batches if network.facts.preprocessing else prepared
    with torch.no_grad():
        found = [(_difference(reference, one, network(other), threshold), len(one))
                 for one, other in zip(prepared, given)]
        first, same = prepared[0][:1], given[0][:1]
        times = (median_seconds(lambda: reference(first), turns),
                 median_seconds(lambda: network(same), turns))
    number = sum(count for _, count in found)
    height, width = batches[0].shape[1:3]
    return Row(f'{width}x{height}', number, max(one.largest for one, _ in found),
               sum(one.agreement * count for one, count in found) / number, *times)


def _difference(reference: torch.nn.Module, inputs: Tensor, given: Tensor,
                threshold: float) -> Difference:
    """Between a graph's logits and PyTorch's, which are exact where rounding decides."""
    found = compare_logits(reference(inputs), given, threshold)
    if found.agreement >= NEEDED:
        return found
    # on even surfaces rounding chooses SegNet's maxima, in PyTorch no less than in onnxruntime
    exact = copy.deepcopy(reference).double()(inputs.double())
    return max(found, compare_logits(exact, given, threshold), key=lambda one: one.agreement)
