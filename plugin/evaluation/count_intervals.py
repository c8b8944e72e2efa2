"""Intervals in which true counts lie, calibrated on the counts of a validation."""
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import stats

from plugin.utils.counts import KEPT_COUNTS

from .count_threshold import best_count_threshold

LEVEL = 90  # percent
PARTS = 20  # of the validation, each counted at the threshold that the others choose
HINT = 'let tools/calibrate.py count the validation images'


@dataclass(frozen=True)
class CountIntervals:
    """Intervals of counts, from what a model counted in N images of known counts.

    **An image** (split conformal prediction with a scaled residual, Lei et al., *Distribution-Free
    Predictive Inference for Regression*, JASA 2018). Of each image that was validated, with ``y``
    animals there and ``f`` found, the score is ``(|y - f| - h) / sqrt(f + 1)``: errors grow with
    the root of the count, as those of independent misses do; ``h`` is half an animal where some
    are missing, else 0, so that a miss comes before an extra of the same size and fewer scores are
    equal. The interval holds every count whose score is at most the k-th smallest of the N, ``k =
    ceil((N + 1) level)``. Where weights and threshold were fixed without these N images, a new
    image that is drawn like them has its true count inside with a probability of at least
    ``level``, whatever the distribution and N. Where ``k > N``, that is below 9 images at 90%, no
    finite interval has that property, and there is none.

    Two choices are usually made on the same images, and with either the coverage is approximate.
    A threshold that counts best in them: then :meth:`CountCalibration.held_out` counts each at the
    threshold of others, which is a jackknife. Its coverage is near ``level`` if leaving out a part
    hardly moves the threshold, and has no guarantee otherwise (Barber et al., *Predictive Inference
    with the Jackknife+*, Annals of Statistics 2021). And the checkpoint, where it is the best of
    several validations: its errors on these images are somewhat smaller than on new ones. With
    ``tools/calibrate.py`` and images that did not choose the checkpoint only the first is left.

    **A total** of M images. With ``d = y - f`` and the scale ``s = sqrt(f + 1)`` of the N images,
    ``m = sum d / sum s`` is what the model misses, and ``u = d - m s`` what is left. With ``S1``
    and ``S2`` for the sums of ``s`` and ``s ** 2``, primed for the M new images::

        sum f' + m S1' +- t sqrt(e (S2' / S2 + (S1' / S1) ** 2)),  e = (1 + sum u ** 2) N / (N - 1)

    where ``t`` is Student's quantile of N - 1 degrees. Where all scales are equal that is the
    prediction interval of a sum: the first part are the errors of the new images, the second how
    little N images tell of ``m``. The 1 is one more image that is wrong by one animal, so that N
    right images do not make a model infallible. It supposes that images are independent and like
    those of the validation, and not so skewed that sums of a few are far from normal. Images of
    one scene are not independent; then the interval is too narrow.

    Args:
        found (Sequence[int]): What was counted in the N images.
        truth (Sequence[int]): What was there.
        level (int): Probability in percent. Defaults to 90.
        reason (str): Why there are none; for :meth:`none`.

    Example:
        >>> from plugin.evaluation import CountIntervals
        >>> intervals = CountIntervals([4, 9, 3, 5, 8, 2, 6, 7, 4], [4, 8, 3, 6, 8, 2, 6, 7, 4])
        >>> intervals.of(5), intervals.total([5, 5, 5])
        ((5, 6), (13, 17))
        >>> CountIntervals([1, 2], [1, 2]).reason
        'val has 2 images: too few for a 90% interval, which takes 9'
    """

    found: Sequence[int]
    truth: Sequence[int]
    level: int = LEVEL
    reason: str = ''

    def __post_init__(self) -> None:
        least = -(-self.level // (100 - self.level))
        if not self.reason and len(self.truth) < least:
            images = '1 image' if len(self.truth) == 1 else f'{len(self.truth)} images'
            object.__setattr__(self, 'reason', f'val has {images}: too few for a {self.level}% '
                               f'interval, which takes {least}')

    @classmethod
    def none(cls, reason: str) -> 'CountIntervals':
        """No intervals, for a reason."""
        return cls((), (), reason=reason)

    @property
    def images(self) -> int:
        """N."""
        return len(self.truth)

    def of(self, found: int) -> tuple[int, int] | None:
        """The interval of an image.

        Args:
            found (int): What was counted.

        Returns:
            tuple[int, int], optional: Lowest and highest true count, 0 or more; None where there
            is none, see ``reason``.
        """
        if self.reason:
            return None
        reach = self._quantile() * math.sqrt(found + 1)
        # what is equal but for rounding lies inside
        return (max(0, math.ceil(found - reach - 1e-9)), math.floor(found + reach + 0.5 + 1e-9))

    def total(self, found: Sequence[int]) -> tuple[int, int] | None:
        """The interval of the total of M images; that of one image is its own.

        Args:
            found (Sequence[int]): What was counted in each.

        Returns:
            tuple[int, int], optional: Lowest and highest true total, 0 or more.
        """
        if self.reason or len(found) == 0:
            return None
        if len(found) == 1:
            return self.of(found[0])
        off, scale, images = self._off(), self._scale(), len(self.truth)
        missed = off.sum() / scale.sum()
        errors = (1 + ((off - missed * scale) ** 2).sum()) * images / (images - 1)
        squares = np.asarray(found, np.float64) + 1
        first = float(np.sqrt(squares).sum())
        middle = sum(found) + float(missed) * first
        reach = float(stats.t.ppf(0.5 + self.level / 200, images - 1) * math.sqrt(
            errors * (squares.sum() / (scale ** 2).sum() + (first / scale.sum()) ** 2)))
        return max(0, math.ceil(middle - reach)), max(0, math.floor(middle + reach))

    def as_table(self, most: int) -> dict[str, Any]:
        """All that a program needs which has no statistics, as JSON holds it.

        Args:
            most (int): The highest count of an image.

        Returns:
            dict: ``level``, ``images`` and ``reason``; where that is empty also ``of``, the
            interval of an image for each count from 0, and what :meth:`total` adds up:
            ``missed`` (m), ``reach`` (t times the root of e), ``S1`` and ``S2``.
        """
        known: dict[str, Any] = dict(level=self.level, images=self.images, reason=self.reason)
        if self.reason:
            return known
        off, scale = self._off(), self._scale()
        missed = float(off.sum() / scale.sum())
        number = self.images
        errors = (1 + ((off - missed * scale) ** 2).sum()) * number / (number - 1)
        reach = stats.t.ppf(0.5 + self.level / 200, number - 1) * math.sqrt(errors)
        return dict(known, of=[self.of(count) for count in range(most + 1)], missed=missed,
                    reach=float(reach), S1=float(scale.sum()), S2=float((scale ** 2).sum()))

    def holds(self, found: Sequence[int], truth: Sequence[int]) -> list[bool]:
        """Whether the true count of each image lies in its interval."""
        pairs = zip(map(self.of, found), truth, strict=True)
        return [span is not None and span[0] <= true <= span[1] for span, true in pairs]

    def _off(self) -> np.ndarray:
        return np.asarray(self.truth, np.float64) - np.asarray(self.found, np.float64)

    def _scale(self) -> np.ndarray:
        return np.sqrt(np.asarray(self.found, np.float64) + 1)

    def _quantile(self) -> float:
        off = self._off()
        scores = np.sort((np.abs(off) - 0.5 * (off > 0)) / self._scale())
        # in whole numbers: 0.9 * 70 is more than 63
        return float(scores[-(-(len(off) + 1) * self.level // 100) - 1])


@dataclass(frozen=True)
class CountCalibration:
    """What a validation counted in its N images, at any threshold.

    Attributes:
        scores (list[np.ndarray]): Scores of the predictions of each image, ``(n, )``.
        truth (list[int]): True numbers of instances.
    """

    scores: list[np.ndarray]
    truth: list[int]

    def found(self, threshold: float) -> list[int]:
        """Counts of the images at a threshold."""
        return [int(np.count_nonzero(scores >= threshold)) for scores in self.scores]

    def held_out(self) -> list[int]:
        """Counts of the images, each at the threshold that counts best in others.

        The best threshold of images makes their own errors smaller than those of new ones. So the
        images are divided into 20 parts, or one image a part, and each part is counted at the
        threshold of the others. That is a jackknife: as good as new images if these thresholds are
        about the same as that of all, and no more than an approximation otherwise.
        """
        number = len(self.truth)
        parts = np.arange(number) % min(number, PARTS)
        found = np.zeros(number, np.int64)
        for part in range(parts.max() + 1):
            own, others = np.flatnonzero(parts == part), np.flatnonzero(parts != part)
            threshold, _ = best_count_threshold([self.scores[place] for place in others],
                                                [self.truth[place] for place in others])
            found[own] = [np.count_nonzero(self.scores[place] >= threshold) for place in own]
        return found.tolist()

    def intervals(self, threshold: float, chosen: float | None = None) -> CountIntervals:
        """Intervals for counts at a threshold.

        Args:
            threshold (float): That of the counts.
            chosen (float, optional): The one that counted best in these images; at it, or as near
                as a slider in hundredths comes, the counts of :meth:`held_out` are taken.
        """
        if chosen is not None and abs(threshold - chosen) <= 0.005 and len(self.truth) > 1:
            return CountIntervals(self.held_out(), self.truth)
        return CountIntervals(self.found(threshold), self.truth)

    def as_dict(self) -> dict[str, torch.Tensor]:
        """The same as tensors, for a checkpoint: ``truth`` and ``numbers`` (N, ), ``scores``."""
        scores = np.concatenate([*self.scores, np.zeros(0)]).astype(np.float32)
        return dict(truth=torch.tensor(self.truth, dtype=torch.int64),
                    numbers=torch.tensor([len(one) for one in self.scores], dtype=torch.int64),
                    scores=torch.from_numpy(scores))

    @classmethod
    def of_checkpoint(cls, checkpoint: Mapping[str, Any]) -> 'CountCalibration | None':
        """What the last validation before a checkpoint counted; None if it keeps nothing usable.

        Args:
            checkpoint (Mapping): As MMEngine's ``Runner`` saves it.
        """
        kept = checkpoint.get('message_hub', {}).get('runtime_info', {}).get(KEPT_COUNTS)
        try:
            truth, numbers, scores = (kept[name].cpu().numpy() for name in (
                'truth', 'numbers', 'scores'))
            parts = np.split(scores.astype(np.float64), np.cumsum(numbers)[:-1])
            good = (len(truth) == len(numbers) == len(parts) > 0 and min(numbers) >= 0
                    and numbers.sum() == len(scores) and truth.min() >= 0)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return None
        return cls(parts, truth.tolist()) if good else None


def cross_coverage(folds: Sequence[CountCalibration]) -> list[bool]:
    """Whether true counts lie in intervals that the other folds calibrate.

    Threshold and interval of each fold come from the counts of the other ones, so that nothing of
    an image tells what its interval is.

    Args:
        folds (Sequence[CountCalibration]): What each of K folds counted in its own images.

    Returns:
        list[bool]: Of all images, fold by fold; empty where the other folds have too few.
    """
    inside: list[bool] = []
    for number, fold in enumerate(folds):
        others = [other for place, other in enumerate(folds) if place != number]
        joint = CountCalibration([one for other in others for one in other.scores],
                                 [one for other in others for one in other.truth])
        if not joint.truth:
            return []
        threshold, _ = best_count_threshold(joint.scores, joint.truth)
        intervals = joint.intervals(threshold, threshold)
        if intervals.reason:
            return []
        inside += intervals.holds(fold.found(threshold), fold.truth)
    return inside
