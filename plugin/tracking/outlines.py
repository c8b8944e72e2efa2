"""Outlines of which only the part with pixels is kept, and how far they lie on each other."""
import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np


class Cropped(Protocol):
    """What is taken for an outline: an instance of a detector, for example."""

    @property
    def left(self) -> int:
        """Column of the frame at which the mask begins."""

    @property
    def top(self) -> int:
        """Row of the frame at which the mask begins."""

    @property
    def mask(self) -> np.ndarray:
        """``(h, w)`` bool, no larger than the animal."""

    @property
    def height(self) -> int:
        """H of the frame in pixels."""

    @property
    def width(self) -> int:
        """W of the frame in pixels."""


@dataclass(frozen=True, eq=False)
class Outline:
    """The mask of an animal in a frame of H x W pixels, cut to its box.

    Attributes:
        left (int): Column of the frame at which the mask begins.
        top (int): Row of the frame at which the mask begins.
        mask (np.ndarray): ``(h, w)`` bool, with at least one pixel.
        height (int): H.
        width (int): W.
    """

    left: int
    top: int
    mask: np.ndarray
    height: int
    width: int

    @classmethod
    def of_mask(cls, mask: np.ndarray) -> 'Outline | None':
        """Cut an outline out of a mask of the frame, ``(H, W)`` bool; None if it has no pixel."""
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not len(rows):
            return None
        top, left = int(rows[0]), int(columns[0])
        crop = mask[top:rows[-1] + 1, left:columns[-1] + 1] != 0
        return cls(left, top, crop, *mask.shape)

    @cached_property
    def area(self) -> int:
        """Pixels of the mask."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def centroid(self) -> tuple[float, float]:
        """x and y of the centre of gravity, in pixels of the frame."""
        columns, rows = self.mask.sum(0), self.mask.sum(1)
        x = float(columns @ np.arange(len(columns)) / self.area)
        y = float(rows @ np.arange(len(rows)) / self.area)
        return self.left + x, self.top + y

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width and height in pixels."""
        return self.left, self.top, self.mask.shape[1], self.mask.shape[0]

    def whole(self) -> np.ndarray:
        """The mask in the frame, ``(H, W)`` bool."""
        whole = np.zeros((self.height, self.width), bool)
        whole[self.top:self.top + self.mask.shape[0],
              self.left:self.left + self.mask.shape[1]] = self.mask
        return whole

    def state(self) -> dict[str, Any]:
        """What :meth:`of_state` makes the outline of, as JSON can hold it."""
        bits = base64.b64encode(np.packbits(self.mask).tobytes()).decode('ascii')
        return dict(place=[self.left, self.top, *self.mask.shape, self.height, self.width],
                    bits=bits)

    @classmethod
    def of_state(cls, state: dict[str, Any]) -> 'Outline':
        """The outline of a :meth:`state`."""
        left, top, rows, columns, height, width = state['place']
        bits = np.frombuffer(base64.b64decode(state['bits']), np.uint8)
        mask = np.unpackbits(bits, count=rows * columns).reshape(rows, columns).view(bool)
        return cls(left, top, mask, height, width)


def outlines_of(masks: np.ndarray | Sequence[Cropped]) -> list[Outline | None]:
    """Outlines of masks ``(N, H, W)`` bool, or of N crops; None for each without a pixel."""
    if isinstance(masks, np.ndarray):
        return [Outline.of_mask(mask) for mask in masks]
    return [Outline(one.left, one.top, one.mask, one.height, one.width) if one.mask.any() else None
            for one in masks]


def shared_pixels(moved: Outline, by: tuple[int, int], other: Outline) -> tuple[int, int]:
    """What an outline shares with another one when it is moved by whole pixels.

    Args:
        moved (Outline): The outline that is moved.
        by (tuple[int, int]): Columns and rows.
        other (Outline): The one that stays.

    Returns:
        tuple[int, int]: Pixels that both have, and those of the moved one that are left in the
        frame.
    """
    left, top = moved.left + by[0], moved.top + by[1]
    inside = _window(moved.mask, left, top, 0, 0, other.width, other.height)
    bottom, right = other.top + other.mask.shape[0], other.left + other.mask.shape[1]
    own = _window(moved.mask, left, top, other.left, other.top, right, bottom)
    if not own.size:
        return 0, int(np.count_nonzero(inside))
    fits = _window(other.mask, other.left, other.top, left, top, left + moved.mask.shape[1],
                   top + moved.mask.shape[0])
    return int(np.count_nonzero(own & fits)), int(np.count_nonzero(inside))


def _window(mask: np.ndarray, left: int, top: int, from_x: int, from_y: int, to_x: int,
            to_y: int) -> np.ndarray:
    """The part of a mask at ``left, top`` that lies between two corners of the frame."""
    rows = slice(max(0, from_y - top), max(0, to_y - top))
    columns = slice(max(0, from_x - left), max(0, to_x - left))
    return mask[rows, columns]
