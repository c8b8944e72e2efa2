"""Animals as moving rectangles, whose way is known."""
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from plugin.tracking import Track, Tracker

SHAPE = (60, 120)
RATE = 10.0
Place = tuple[float, float]


def boxes(places: Iterable[Place], side: int = 12, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Masks ``(N, H, W)`` of squares whose centres lie at places x, y; later ones lie on top."""
    masks: list[np.ndarray] = []
    for x, y in places:
        mask = np.zeros(shape, bool)
        left, top = round(x - side / 2), round(y - side / 2)
        mask[max(top, 0):max(top + side, 0), max(left, 0):max(left + side, 0)] = True
        masks = [one & ~mask for one in masks]
        masks.append(mask)
    return np.array(masks, bool).reshape(-1, *shape)


def play(tracker: Tracker, frames: Sequence[np.ndarray], counter=None,
         scores: Callable[[int, int], float] = lambda frame, place: 0.9) -> list[list[Track]]:
    """Give frames of masks to a tracker and a counter, ten a second; returns the tracks of each."""
    result = []
    for frame, masks in enumerate(frames):
        found = [scores(frame, place) for place in range(len(masks))]
        tracks = tracker.update(masks, found, [0] * len(masks), frame / RATE)
        if counter is not None:
            counter.update(frame / RATE, tracks)
        result.append(tracks)
    return result


def walk(start: Place, step: Place, frames: int) -> list[Place]:
    """Places of an animal that goes on by the same step."""
    return [(start[0] + step[0] * frame, start[1] + step[1] * frame) for frame in range(frames)]


def one(places: Iterable[Place | None], side: int = 12) -> list[np.ndarray]:
    """Frames with a single animal; None where it is not found."""
    return [boxes([] if place is None else [place], side) for place in places]
