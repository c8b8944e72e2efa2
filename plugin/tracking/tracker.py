"""Gives the outlines of each frame of a video their identities."""
from collections.abc import Sequence
from typing import Any

import numpy as np

from plugin.utils import UserError

from .association import Agreement, agreement, assign, merged
from .outlines import Cropped, outlines_of, shared_pixels
from .track import Found, Living, Track

STRICTER = 2  # times the least overlap that an unsure detection needs
DOUBLE = 0.6  # IoU from which two outlines of one frame are one animal
COVERED, GROWTH = 0.7, 1.5  # see `merged`
LONGEST = 10  # times the memory that a track lives below a merged outline


class Tracker:
    """Follows animals by the overlap of their masks and their motion.

    Two stages, as in ByteTrack (Zhang et al., ECCV 2022): sure detections are given to the tracks
    first, then the unsure ones to the tracks that are left, since an animal that is half hidden
    is found with a low score. What is left of the sure ones begins new tracks. The similarity is
    the IoU of the mask that a track had last, moved to where a Kalman filter of constant velocity
    expects it, with the mask of the detection; visible masks of animals that stand close hardly
    overlap, while their boxes do. ``box_only=True`` compares boxes instead, as ByteTrack does.

    Kept libraries do not serve: ByteTrack of ``supervision`` is deprecated (0.28, to go in 0.30) in
    favour of that of ``trackers`` (Apache-2.0), which matches boxes alone, counts its memory in
    frames where cameras have no steady rate, cannot save its state so that a killed run goes on,
    and brings ``supervision`` and ``requests`` along. SciPy's assignment is all of it that is
    needed.

    Two things are no animals of their own: a sure outline that lies over two or more confirmed
    tracks (merged animals: those tracks wait below it), and a second outline of the same animal.

    Args:
        high (float): Score from which a detection is sure. Defaults to 0.5.
        low (float): Detections below it are left out. Defaults to 0.1.
        overlap (float): Least IoU of a track and a sure detection; an unsure one needs twice as
            much. Defaults to 0.2.
        confirm (int): Frames in which a track must be seen, without a gap, until it is confirmed.
            Defaults to 3.
        memory (float): Seconds for which a confirmed track that is not seen is kept. Defaults to 2.
        rate (float): Frames a second where no times are given. Defaults to 25.
        box_only (bool): Compare boxes in the place of masks. Defaults to False.
        class_agnostic (bool): Let a track take detections of another class. Defaults to False.

    Raises:
        UserError: If a value is out of range.

    Example:
        >>> import numpy as np
        >>> from plugin.tracking import Tracker
        >>> tracker, masks = Tracker(rate=5), np.zeros((1, 20, 40), bool)
        >>> for frame in range(4):
        ...     masks[:] = False
        ...     masks[0, 5:15, 4 * frame:4 * frame + 12] = True
        ...     tracks = tracker.update(masks, [0.9], [0])
        >>> [(track.id, track.confirmed, track.hits, track.box) for track in tracks]
        [(1, True, 4, (12, 5, 12, 10))]
    """

    def __init__(self, *, high: float = 0.5, low: float = 0.1, overlap: float = 0.2,
                 confirm: int = 3, memory: float = 2.0, rate: float = 25.0,
                 box_only: bool = False, class_agnostic: bool = False) -> None:
        if not 0 <= low <= high <= 1:
            raise UserError(f'low={low}, high={high}: give scores from 0 to 1, low not above high')
        if not 0 < overlap <= 1:
            raise UserError(f'overlap={overlap} is no share: give one above 0, up to 1')
        if confirm < 1 or memory < 0 or not rate > 0:
            raise UserError(f'confirm={confirm}, memory={memory}, rate={rate}: give 1 frame or '
                            'more, 0 seconds or more, and a rate above 0')
        self.high, self.low, self.overlap, self.confirm = high, low, overlap, confirm
        self.memory, self.rate = memory, rate
        self.box_only, self.class_agnostic = box_only, class_agnostic
        self._living: list[Living] = []
        self._number, self._now = 0, float('-inf')

    @property
    def begun(self) -> int:
        """Tracks that were begun so far; no number of animals."""
        return self._number

    def update(self, masks: np.ndarray | Sequence[Cropped], scores: Sequence[float] | np.ndarray,
               labels: Sequence[int] | np.ndarray, time: float | None = None) -> list[Track]:
        """Take the next frame.

        Args:
            masks (np.ndarray | Sequence[Cropped]): ``(N, H, W)`` bool, or N instances of a
                detector. One without a pixel is left out.
            scores (Sequence[float]): N scores, 0..1.
            labels (Sequence[int]): N class ids.
            time (float, optional): When, in seconds from any start. Defaults to one more frame at
                the ``rate``.

        Returns:
            list[Track]: The animals that are seen in this frame, by their ids.

        Raises:
            UserError: If the numbers do not fit each other, or the time runs backwards.
        """
        self._begin(len(masks), len(scores), len(labels), time)
        found = [Found(outline, float(score), int(label)) for outline, score, label in zip(
            outlines_of(masks), scores, labels, strict=True)
            if outline is not None and score >= self.low]
        similar = agreement(self._living, found, self.box_only, self.class_agnostic)
        confirmed = [row for row, one in enumerate(self._living) if one.confirmed]
        others = [row for row, one in enumerate(self._living) if not one.confirmed]
        sure = [place for place, one in enumerate(found) if one.score >= self.high]
        sure = self._without_merged(found, sure, confirmed, similar)
        confirmed, sure = self._match(confirmed, found, sure, similar, self.overlap)
        tracked = [row for row in confirmed if self._living[row].missed == 0]
        unsure = [place for place, one in enumerate(found) if one.score < self.high]
        self._match(tracked, found, unsure, similar, min(1, STRICTER * self.overlap))
        if not self.box_only and confirmed and sure:
            sure = self._match_boxes(found, sure)
        _, sure = self._match(others, found, sure, similar, self.overlap)
        self._end()
        for place in sorted(sure, key=lambda place: -found[place].score):
            self._begin_track(found[place])
        return sorted((one.shown(self._now) for one in self._living if one.seen == self._now),
                      key=lambda track: track.id)

    def _begin(self, masks: int, scores: int, labels: int, time: float | None) -> None:
        """Move all tracks to the time of the frame."""
        if not masks == scores == labels:
            raise UserError(f'{masks} masks, {scores} scores and {labels} labels: give one of each '
                            'for a detection')
        before = self._now
        now = max(before, -1 / self.rate) + 1 / self.rate if time is None else float(time)
        if not now > before:
            raise UserError(f'time={now} does not lie behind that of the frame before, '
                            f'{before}: give times that grow')
        # one of the frame before is looked for, however long ago that was
        self._living = [one for one in self._living
                        if one.missed == 0 or now - one.kept <= self.memory]
        for one in self._living:
            one.motion.predict(now - before)
        self._now = now

    def _without_merged(self, found: list[Found], sure: list[int], confirmed: list[int],
                        similar: Agreement) -> list[int]:
        """Leave out outlines over several animals, whose tracks wait below them."""
        if self.box_only:  # boxes of animals that stand close cover each other anyway
            return sure
        joined = merged([self._living[row] for row in confirmed], [found[place] for place in sure],
                        similar.covered[np.ix_(confirmed, sure)], COVERED, GROWTH)
        for rows in joined.values():
            for track in (self._living[confirmed[row]] for row in rows):
                track.motion.stop()
                if self._now - track.seen <= LONGEST * self.memory:
                    track.kept = self._now
        return [place for column, place in enumerate(sure) if column not in joined]

    def _match(self, rows: list[int], found: list[Found], places: list[int], similar: Agreement,
               least: float) -> tuple[list[int], list[int]]:
        """Give detections to tracks; returns the tracks and the detections that are left."""
        pairs = assign(similar.iou[np.ix_(rows, places)], least)
        for row, column in pairs:
            self._living[rows[row]].take(found[places[column]], self._now, self.confirm)
        taken, given = {row for row, _ in pairs}, {column for _, column in pairs}
        return ([row for place, row in enumerate(rows) if place not in taken],
                [one for place, one in enumerate(places) if place not in given])

    def _match_boxes(self, found: list[Found], sure: list[int]) -> list[int]:
        """Give what is left to tracks that are left, where the boxes agree.

        Of an animal behind a post, slivers are seen that hardly overlap from frame to frame.
        """
        left = [row for row, one in enumerate(self._living)
                if one.confirmed and one.seen != self._now]
        boxes = agreement(self._living, found, True, self.class_agnostic)
        return self._match(left, found, sure, boxes, self.overlap)[1]

    def _end(self) -> None:
        """Forget the tracks whose time is over."""
        for one in self._living:
            one.missed += one.seen != self._now
        self._living = [one for one in self._living if one.missed == 0 or
                        one.confirmed and self._now - one.kept <= self.memory]

    def _begin_track(self, found: Found) -> None:
        """Begin a track, unless the outline is one that an animal of this frame has already."""
        if not self.box_only and self._is_double(found):
            return
        self._number += 1
        living = Living(self._number, found, self._now, self.box_only)
        living.confirmed = self.confirm <= 1
        self._living.append(living)

    def _is_double(self, found: Found) -> bool:
        """Whether an animal of this frame has this outline already."""
        for one in self._living:
            if one.seen == self._now and (self.class_agnostic or one.label == found.label):
                shared, area = shared_pixels(one.outline, (0, 0), found.outline)
                if shared > DOUBLE * (area + found.outline.area - shared):
                    return True
        return False

    def state(self) -> dict[str, Any]:
        """What :meth:`restore` needs to go on from here, as JSON can hold it."""
        return dict(number=self._number, now=None if self._now == float('-inf') else self._now,
                    living=[one.state() for one in self._living])

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`; the settings are those of this tracker."""
        self._number = state['number']
        self._now = float('-inf') if state['now'] is None else state['now']
        self._living = [Living.of_state(one, self.box_only) for one in state['living']]
