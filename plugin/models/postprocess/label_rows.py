"""Logits that come band by band, turned into labels at the image's own size."""
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


class LabelRows:
    """Labels of one image, made while its logits come from the top to the bottom.

    They are those that ``BaseSegmentor.postprocess_result`` makes of the whole logits: padding
    is cut off, and what is left is enlarged or reduced bilinearly to the original size before
    the labels are taken. Only the last row of a band is kept for the next one.

    Args:
        size (Sequence[int]): ``(H, W)`` of the network's image.
        meta (dict): ``ori_shape`` and ``padding_size`` or ``img_padding_size`` (left, right,
            top, bottom) of the image, as mmseg names them; without, there is no padding and
            the size stays.
        align_corners (bool): How logits are brought to another size.
        to_labels (callable): From logits (C, h, w) to labels (1, h, w).

    Attributes:
        labels (Tensor): (1, H', W'), once all rows have come.
    """

    def __init__(self, size: Sequence[int], meta: dict[str, Any], align_corners: bool,
                 to_labels: Callable[[Tensor], Tensor]) -> None:
        left, right, self._top, bottom = meta.get('img_padding_size',
                                                  meta.get('padding_size', (0, 0, 0, 0)))
        self._columns = slice(left, size[1] - right)
        self._height, self._width = size[0] - self._top - bottom, size[1] - left - right
        self._target = tuple(meta.get('ori_shape', (self._height, self._width))[:2])
        self._align_corners, self._to_labels = align_corners, to_labels
        self._lines = interpolated_lines(self._height, self._target[0], align_corners)
        self._come, self._done = -self._top, 0
        self._last: list[Tensor] = []

    def add(self, band: Tensor) -> None:
        """Add the next rows of the logits, (C, h, W)."""
        first, self._come = self._come, self._come + band.shape[1]
        band = band[:, max(-first, 0):max(self._height - first, 0), self._columns]
        if band.shape[1]:
            for rows in self._resized(max(first, 0), band):
                self._store(self._to_labels(rows))

    def _store(self, labels: Tensor) -> None:
        if self._done == 0:
            self.labels = labels.new_empty((1, *self._target))
        self.labels[:, self._done:self._done + labels.shape[1]] = labels
        self._done += labels.shape[1]

    def _resized(self, first: int, band: Tensor) -> list[Tensor]:
        """Those rows at the original size that follow from what has come, none or (C, h, W')."""
        if (self._height, self._width) == self._target:
            return [band]
        # bilinear interpolation is separable: the columns can be done at once
        wide = F.interpolate(band[None], (band.shape[1], self._target[1]), mode='bilinear',
                             align_corners=self._align_corners)[0]
        held = torch.cat([*self._last, wide], 1)
        first -= len(self._last)
        self._last = [wide[:, -1:].clone()]
        upper, lower, share = self._lines
        ready = int((lower < first + held.shape[1]).sum())
        if ready == self._done:
            return []
        lines = slice(self._done, ready)
        above, below = (held[:, index[lines].to(held.device) - first] for index in (upper, lower))
        return [torch.lerp(above, below, share[lines].to(held)[:, None])]


def interpolated_lines(length: int, target: int,
                       align_corners: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The rows that bilinear interpolation to ``target`` rows mixes.

    Args:
        length (int): Rows there are.
        target (int): Rows wanted.
        align_corners (bool): As in ``F.interpolate``.

    Returns:
        tuple[Tensor, Tensor, Tensor]: For each of the wanted rows the upper one, the lower one
        and the share of the lower one.
    """
    place = torch.arange(target, dtype=torch.float64)
    if align_corners:
        place = place * ((length - 1) / (target - 1) if target > 1 else 0)
    else:
        place = ((place + 0.5) * (length / target) - 0.5).clamp(min=0)
    upper = place.floor().clamp(max=length - 1).long()
    return upper, (upper + 1).clamp(max=length - 1), (place - upper).float()
