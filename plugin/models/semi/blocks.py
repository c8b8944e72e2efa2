"""Logits at the size of the images, processed a few rows at a time to save memory."""
from collections.abc import Iterator

from torch import Tensor

from plugin.utils import UserError

# values of a block: few enough for the caches of a CPU, enough to keep a GPU busy
BLOCK_VALUES = 1 << 20


def row_blocks(logits: Tensor) -> Iterator[tuple[int, slice]]:
    """Cut N images into blocks of rows that have about ``BLOCK_VALUES`` values each.

    An intermediate result of a block that is then reduced over the classes never exists for the
    whole batch, which saves a tensor of the size of ``logits`` for each step.

    Args:
        logits (Tensor): (N, C, H, W).

    Yields:
        tuple[int, slice]: Image and rows; ``logits[image, :, rows]`` is (C, rows, W).
    """
    number, classes, height, width = logits.shape
    rows = max(1, BLOCK_VALUES // max(1, classes * width))
    for image in range(number):
        for top in range(0, height, rows):
            yield image, slice(top, top + rows)


def check_logits(logits: Tensor) -> None:
    """Raise ``UserError`` unless the logits allow a softmax over 2 to 255 classes.

    Args:
        logits (Tensor): Should be (N, C, H, W) floating with 2 <= C <= 255.
    """
    if logits.ndim != 4 or not logits.is_floating_point():
        raise UserError(f'logits are {logits.dtype} of shape {tuple(logits.shape)}: give floating '
                        'point scores of shape (N, C, H, W), before the softmax')
    classes = logits.shape[1]
    if classes == 1:
        raise UserError('logits have 1 channel, whose softmax is always 1: set num_classes=2 and '
                        'out_channels=2 in the decode head')
    if classes > 255:
        raise UserError(f'logits have {classes} classes, but 255 marks ignored pixels: at most '
                        '255 classes can be told apart')
