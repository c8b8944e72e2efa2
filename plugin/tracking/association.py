"""How much tracks and detections agree, and which belong together."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from .outlines import Outline, shared_pixels
from .track import Found, Living


class Agreement(NamedTuple):
    """T tracks against N detections.

    Attributes:
        iou (np.ndarray): Of the moved outline of each track with each detection, ``(T, N)``.
        covered (np.ndarray): Share of the moved outline that lies in the detection, ``(T, N)``.
    """

    iou: np.ndarray
    covered: np.ndarray


def agreement(tracks: Sequence[Living], found: Sequence[Found], box_only: bool = False,
              class_agnostic: bool = False) -> Agreement:
    """Compare where tracks should be now with what was found.

    Masks are compared pixel by pixel, in the part that their boxes share; what a track would have
    outside of the frame does not count.

    Args:
        tracks (Sequence[Living]): T tracks, predicted.
        found (Sequence[Found]): N detections.
        box_only (bool): Compare boxes, which need the prediction of their size as well.
        class_agnostic (bool): Let a track take another class. Defaults to False.

    Returns:
        Agreement: 0 where the classes differ.
    """
    iou, covered = np.zeros((2, len(tracks), len(found)))
    moves = [track.moved() for track in tracks]
    near = np.ones_like(iou, bool) if box_only else _touching(tracks, moves, found)
    if not class_agnostic:
        near &= np.equal.outer([track.label for track in tracks], [one.label for one in found])
    for row, column in np.argwhere(near):
        other = found[column].outline
        if box_only:
            shared, own, area = _boxes(tracks[row], other)
        else:
            shared, own = shared_pixels(tracks[row].outline, moves[row], other)
            area = other.area
        if shared > 0:
            iou[row, column] = shared / (own + area - shared)
            covered[row, column] = shared / own
    return Agreement(iou, covered)


def _touching(tracks: Sequence[Living], moves: Sequence[tuple[int, int]],
              found: Sequence[Found]) -> np.ndarray:
    """Whether the boxes of moved outlines and detections have pixels in common, ``(T, N)``."""
    boxes = np.array([track.outline.box for track in tracks]).reshape(-1, 1, 4)
    others = np.array([one.outline.box for one in found]).reshape(1, -1, 4)
    begin = boxes[..., :2] + np.reshape(moves, (-1, 1, 2))
    inside = np.minimum(begin + boxes[..., 2:], others[..., :2] + others[..., 2:])
    return (inside > np.maximum(begin, others[..., :2])).all(2)


def _boxes(track: Living, other: Outline) -> tuple[float, float, float]:
    """What the predicted box shares with that of an outline, and both areas, in pixels."""
    x, y, width, height = track.motion.place
    left, top, columns, rows = other.box
    across = min(x + width / 2, left + columns - 0.5) - max(x - width / 2, left - 0.5)
    down = min(y + height / 2, top + rows - 0.5) - max(y - height / 2, top - 0.5)
    return max(across, 0) * max(down, 0), width * height, columns * rows


def assign(similarity: np.ndarray, least: float) -> list[tuple[int, int]]:
    """Pairs of rows and columns with the largest sum of similarities, none below ``least``."""
    if not similarity.size:
        return []
    usable = np.where(similarity >= least, similarity, 0)
    rows, columns = linear_sum_assignment(usable, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True)
            if usable[row, column] > 0]


def merged(tracks: Sequence[Living], found: Sequence[Found], covered: np.ndarray,
           share: float, growth: float) -> dict[int, list[int]]:
    """Detections that are one outline over several animals.

    Args:
        tracks (Sequence[Living]): T tracks.
        found (Sequence[Found]): N detections.
        covered (np.ndarray): Of :func:`agreement`, ``(T, N)``.
        share (float): Of a track that must lie in the detection.
        growth (float): How many times as large as the largest of those tracks it is at least.

    Returns:
        dict[int, list[int]]: Places of these detections, and the places of the tracks in each.
    """
    result = {}
    for column, one in enumerate(found):
        rows = [int(row) for row in np.flatnonzero(covered[:, column] >= share)]
        largest = max((tracks[row].outline.area for row in rows), default=0)
        if len(rows) > 1 and one.outline.area >= growth * largest:
            result[column] = rows
    return result
