"""How well animals were followed: HOTA, IDF1 and identity switches, as TrackEval computes them."""
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from pycocotools import mask as rle

from plugin.utils import UserError

MISSING = ('HOTA, IDF1 and identity switches need trackeval, which is not installed: '
           "pip install -e '.[tracking]'")
Shape = Mapping[str, Any] | Sequence[float]  # an RLE, or x, y, width, height


class TrackScores(NamedTuple):
    """Scores of one or more videos.

    Attributes:
        hota (float): Mean over the 19 thresholds of the geometric mean of detection and
            association accuracy, 0..1 (Luiten et al., IJCV 2021, eq. 13).
        deta (float): Mean of the detection accuracy, 0..1.
        assa (float): Mean of the association accuracy, 0..1.
        idf1 (float): 0..1, at IoU 0.5 (Ristani et al., ECCV Workshops 2016).
        switches (int): Times that an animal was found by another track than the last time, at
            IoU 0.5 (CLEAR MOT; Bernardin and Stiefelhagen, 2008).
    """

    hota: float
    deta: float
    assa: float
    idf1: float
    switches: int


class TrackedVideo:
    """Gathers the true and the found animals of a video, frame by frame.

    What is kept of a frame is how much its animals overlap, not their masks.

    Example:
        >>> from plugin.evaluation.tracking import TrackedVideo
        >>> video = TrackedVideo()
        >>> for frame in range(4):
        ...     video.add({7: (0, 0, 9, 5)}, {1 if frame < 2 else 2: (0, 0, 9, 5)})
        >>> scores = video.scores()  # doctest: +SKIP
        >>> scores.switches, scores.idf1  # doctest: +SKIP
        (1, 0.5)
    """

    def __init__(self) -> None:
        self._truth: dict[int, int] = {}
        self._found: dict[int, int] = {}
        self._frames: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    @property
    def identities(self) -> int:
        """Different identities that were found: their sum is no count of animals."""
        return len(self._found)

    def add(self, truth: Mapping[int, Shape], found: Mapping[int, Shape]) -> None:
        """Take the next frame.

        Args:
            truth (Mapping[int, Shape]): The true animals by their numbers: RLEs of COCO
                (compressed), or boxes x, y, width, height in pixels.
            found (Mapping[int, Shape]): The tracks by their ids, in the same form.
        """
        similarity = np.zeros((len(truth), len(found)))
        if truth and found:
            shapes: list[Any] = [list(part.values()) for part in (truth, found)]
            if not isinstance(shapes[0][0], Mapping):
                shapes = [np.asarray(part, float) for part in shapes]
            similarity[:] = rle.iou(*shapes, [0] * len(found))
        places = [np.array([known.setdefault(one, len(known)) for one in part], int)
                  for known, part in ((self._truth, truth), (self._found, found))]
        self._frames.append((places[0], places[1], similarity))

    def scores(self) -> TrackScores:
        """Scores of this video; :func:`track_scores` tells the errors."""
        return track_scores([self])

    def data(self) -> dict[str, Any]:
        """The video as the metrics of TrackEval take one."""
        truth, found, similarity = zip(*self._frames, strict=True) if self._frames else ((),) * 3
        return dict(
            gt_ids=list(truth), tracker_ids=list(found), similarity_scores=list(similarity),
            num_timesteps=len(self._frames), num_gt_ids=len(self._truth),
            num_tracker_ids=len(self._found), num_gt_dets=sum(map(len, truth)),
            num_tracker_dets=sum(map(len, found)))


def track_scores(videos: Sequence[TrackedVideo]) -> TrackScores:
    """Score videos together: their detections are pooled, as TrackEval combines sequences.

    Args:
        videos (Sequence[TrackedVideo]): One or more.

    Returns:
        TrackScores: Of all of them.

    Raises:
        UserError: If there is no video, or trackeval is not installed.
    """
    if not videos:
        raise UserError('there is no video to score; give one or more')
    try:
        from trackeval.metrics import CLEAR, HOTA, Identity
    except ImportError as error:
        raise UserError(MISSING) from error
    quiet = dict(PRINT_CONFIG=False)
    found: dict[str, Any] = {}
    for metric in (HOTA(), CLEAR(quiet), Identity(quiet)):
        parts = {str(place): metric.eval_sequence(video.data())
                 for place, video in enumerate(videos)}
        found |= metric.combine_sequences(parts)
    hota, deta, assa = (float(np.mean(found[name])) for name in ('HOTA', 'DetA', 'AssA'))
    return TrackScores(hota, deta, assa, float(found['IDF1']), int(found['IDSW']))
