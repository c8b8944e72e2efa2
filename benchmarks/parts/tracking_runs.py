"""A video of ``make_barn.py --video``: its truth, what a model finds in it, what is counted."""
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from pycocotools import mask as rle

from plugin.evaluation.tracking import TrackedVideo
from plugin.inference.video.zones import read_ways
from plugin.tracking import Tracker
from plugin.utils import write_atomically
from plugin.utils.console import progress

DIRECTIONS = ('forward', 'backward')
LOW = 0.5  # of the threshold of a model, as `predict.py --track` sets it


class Detections(NamedTuple):
    """Outlines of all frames: RLEs and scores, and the scores from which they are sure or used."""

    frames: list[tuple[list[dict[str, Any]], list[float]]]
    high: float
    low: float


class DrawnVideo:
    """The truth of a video.

    Args:
        folder (Path): That holds ``clip.mp4``, ``truth.json`` and the others.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.truth = json.loads((folder / 'truth.json').read_text('utf-8'))
        self.times: list[float] = self.truth['times']
        self.frames: list[dict[int, dict[str, Any]]] = [{} for _ in self.times]
        content = json.loads((folder / 'masks.json').read_text('utf-8'))
        for one in content['annotations']:
            self.frames[one['image_id'] - 1][one['track_id']] = one['segmentation']

    def true_detections(self) -> Detections:
        """What a model would find that makes no mistake."""
        return Detections([(list(frame.values()), [1.0] * len(frame)) for frame in self.frames],
                          0.5, 0.25)

    def found_by(self, model: Any, store: Path) -> Detections:
        """What a model finds; kept in ``store``, from where it is read the next time."""
        path = store / f'{self.folder.parent.name}-{self.folder.name}.json'
        low = max(model.least_score, LOW * model.score_thr)
        if not path.exists():
            with model.at_threshold(low):
                found = [[dict(one.rle(), score=one.score) for one in model(image)]
                         for image in progress(self._images(), self.folder.name,
                                               total=len(self.times))]
            write_atomically(path, json.dumps(found))
        frames = [([dict(size=one['size'], counts=one['counts']) for one in frame],
                   [one['score'] for one in frame])
                  for frame in json.loads(path.read_text('utf-8'))]
        return Detections(frames, model.score_thr, low)

    def _images(self) -> Iterator[np.ndarray]:
        video = cv2.VideoCapture(str(self.folder / 'clip.mp4'))
        try:
            good, image = video.read()
            while good:
                yield image
                good, image = video.read()
        finally:
            video.release()

    def true_counts(self, until: float = float('inf')) -> dict[str, int]:
        """Crossings in both directions until a time in seconds."""
        seen = [one['direction'] for one in self.truth['events'] if one['time'] <= until]
        return {name: seen.count(name) for name in DIRECTIONS}


@dataclass
class Outcome:
    """What was counted in a video.

    Attributes:
        true (dict[str, int]): True crossings in each direction.
        counted (dict[str, int]): Those that were counted.
        video (TrackedVideo): Tracks against the truth; its identities are the sum of ids.
        animals (int): How many there were.
        minutes (list[tuple[int, int]]): Crossings in both directions, true and counted, until the
            end of each minute.
    """

    true: Mapping[str, int]
    counted: Mapping[str, int]
    video: TrackedVideo
    animals: int
    minutes: list[tuple[int, int]] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        """Crossings that are missing or too many, each direction by itself."""
        return sum(abs(self.counted[name] - self.true[name]) for name in DIRECTIONS)


def follow(drawn: DrawnVideo, found: Detections, box_only: bool) -> Outcome:
    """Follow and count what was found in a video.

    Args:
        drawn (DrawnVideo): The video, whose gate is counted at.
        found (Detections): Outlines of its frames.
        box_only (bool): Associate by boxes in the place of masks.
    """
    tracker = Tracker(high=found.high, low=found.low, rate=drawn.truth['rate'], box_only=box_only)
    gate = read_ways([str(drawn.folder / 'gate.json')]).counters()[0]
    video, minutes = TrackedVideo(), []
    for time, truth, (shapes, scores) in zip(drawn.times, drawn.frames, found.frames, strict=True):
        while time >= 60 * (len(minutes) + 1):
            minutes.append(_until(drawn, gate, 60 * (len(minutes) + 1)))
        masks = rle.decode(shapes).transpose(2, 0, 1).astype(bool) if shapes else []
        tracks = tracker.update(masks, scores, [0] * len(scores), time)
        gate.update(time, tracks)
        video.add(truth, {track.id: rle.encode(np.asfortranarray(track.mask, np.uint8))
                          for track in tracks if track.confirmed})
    minutes.append(_until(drawn, gate, float('inf')))
    counted = {name: getattr(gate, name) for name in DIRECTIONS}
    return Outcome(drawn.true_counts(), counted, video, drawn.truth['animals'], minutes)


def _until(drawn: DrawnVideo, gate: Any, time: float) -> tuple[int, int]:
    return sum(drawn.true_counts(time).values()), gate.forward + gate.backward
