"""Random boxes, as each method's published code samples them."""
import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from plugin.utils import UserError

Box = tuple[int, int, int, int]
# a number of values, uniform in [0, 1)
Uniform = Callable[[int], list[float]]


def sample_boxes(kind: str, number: int, height: int, width: int, *,
               generator: Generator | None = None,
               device: torch.device | None = None) -> Tensor:
    """One box in each image, or several.

    Args:
        kind (str): ``'u2pl'``: half of the area, the width uniform above half of the image's.
            ``'cutmix-seg'``: half of the area, the shares of height and width log-uniform.
            ``'unimatch'``: 2% to 40% of the area, height by width uniform in 0.3..1/0.3, measured
            in shares of the image.
            ``'cps'``: three boxes of a third of 25% to 50% of the area each, the shares of height
            and width log-uniform; where two of them overlap, pixels are outside again.
        number (int): Images N.
        height (int): H in pixels.
        width (int): W in pixels.
        generator (torch.Generator, optional): Of the CPU. Defaults to torch's own.
        device (torch.device, optional): Of the result.

    Returns:
        Tensor: (N, 1, H, W) bool, True in the box; of several boxes, in an odd number of them.

    Raises:
        UserError: If the kind is unknown or the images are empty.
    """
    if kind not in BOXES:
        raise UserError(f'boxes={kind!r} is unknown: use {", ".join(map(repr, BOXES))}')
    if min(height, width) < 1:
        raise UserError(f'images of {width}x{height} pixels have no boxes: they are empty')

    def uniform(count: int) -> list[float]:
        return torch.rand(count, generator=generator, dtype=torch.float64).tolist()

    count = COUNTS.get(kind, 1)
    boxes = [BOXES[kind](height, width, uniform) for _ in range(number * count)]
    corners = torch.tensor(boxes, dtype=torch.int64).view(number, count, 4, 1, 1)
    top, left, bottom, right = corners.to(device, non_blocking=True).unbind(2)
    rows = torch.arange(height, device=device)[:, None]
    columns = torch.arange(width, device=device)
    inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
    return inside.sum(1, keepdim=True) % 2 == 1


def _u2pl(height: int, width: int, uniform: Uniform) -> Box:
    """``generate_cutout_mask`` of U2PL's ``u2pl/dataset/augmentation.py``."""
    width_share, *place = uniform(3)
    smallest = min(width // 2 + 1, width)
    box_width = smallest + int(width_share * max(1, width - smallest))
    box_height = min(height, round(height * width / 2 / box_width))
    return _place(box_height, box_width, height, width, place)


def _cutmix_seg(height: int, width: int, uniform: Uniform) -> Box:
    """``BoxMaskGenerator`` of CutMix-Seg's ``mask_gen.py`` with ``prop_range=0.5``."""
    exponent, *place = uniform(3)
    share = 0.5 ** exponent
    return _place(round(height * share), round(width * 0.5 / share), height, width, place)


def _cps(height: int, width: int, uniform: Uniform) -> Box:
    """One of the three boxes of ``mask_gen.py`` in the experiments with CutMix of TorchSemiSeg."""
    share, exponent, *place = uniform(4)
    area = 0.25 + 0.25 * share
    tall = area ** exponent
    side = math.sqrt(1 / COUNTS['cps'])
    return _place(round(height * tall * side), round(width * area / tall * side), height, width,
                  place)


def _unimatch(height: int, width: int, uniform: Uniform) -> Box:
    """``obtain_cutmix_box`` of UniMatch, for images that need not be square.

    A box that does not fit is sampled again, place and shape, which favours small boxes.
    """
    area = 0.02 + 0.38 * uniform(1)[0]
    while True:
        shape, row, column = uniform(3)
        aspect = 0.3 + (1 / 0.3 - 0.3) * shape
        box_height = int(height * math.sqrt(area * aspect))
        box_width = int(width * math.sqrt(area / aspect))
        top, left = int(row * height), int(column * width)
        if top + box_height <= height and left + box_width <= width:
            return top, left, top + box_height, left + box_width


def _place(box_height: int, box_width: int, height: int, width: int, place: list[float]) -> Box:
    """A box of this size whose place is uniform over the image."""
    top = int(place[0] * (height - box_height + 1))
    left = int(place[1] * (width - box_width + 1))
    return top, left, top + box_height, left + box_width


BOXES: dict[str, Callable[[int, int, Uniform], Box]] = {
    'u2pl': _u2pl, 'cutmix-seg': _cutmix_seg, 'unimatch': _unimatch, 'cps': _cps}
# boxes in an image, where there are several
COUNTS = {'cps': 3}
