"""Paired differences over seeds, and when they may be called differences. Pure functions."""
import math
from collections.abc import Sequence
from typing import NamedTuple

from scipy import stats

ALPHA = 0.05
BETTER, WORSE, SAME = 'better', 'worse', 'not distinguishable'


class Paired(NamedTuple):
    """The differences of two rows over the seeds that both have.

    Attributes:
        n (int): Number of seeds.
        mean (float | None): Mean difference; None where n = 0.
        error (float | None): Standard error of the mean; None where n < 2.
        p (float): Of the two-sided paired t-test, 0..1; 1 where nothing can be tested.
    """

    n: int
    mean: float | None
    error: float | None
    p: float


class Verdict(NamedTuple):
    """What a paired difference says, as one of a family.

    Attributes:
        word (str): ``better``, ``worse`` or ``not distinguishable``.
        low (float | None): Lower end of the interval; None where there is none.
        high (float | None): Upper end.
        level (float): Of the interval, 0..1: 0.95, or more where several rows are compared.
    """

    word: str
    low: float | None
    high: float | None
    level: float


def paired(values: Sequence[float | None], reference: Sequence[float | None]) -> Paired:
    """The paired differences of a row to another one.

    Args:
        values (Sequence[float | None]): A score for each seed; None where there is none.
        reference (Sequence[float | None]): That of the other row, for the same seeds.

    Returns:
        Paired: With p = 1 where fewer than two seeds are there, and where all differences are
        equal: then the seeds have no spread by which a difference could be judged.

    Example:
        >>> from plugin.runs.compare.statistics import paired
        >>> found = paired([3., 4.], [1., 1.])
        >>> found.mean, found.error, round(found.p, 4)
        (2.5, 0.5, 0.1257)
    """
    differences = [float(one - other) for one, other in zip(values, reference, strict=True)
                   if one is not None and other is not None]
    n = len(differences)
    if not n:
        return Paired(0, None, None, 1.)
    mean = math.fsum(differences) / n
    if n < 2:
        return Paired(n, mean, None, 1.)
    squares = math.fsum((value - mean)**2 for value in differences)
    error = math.sqrt(squares / (n - 1) / n)
    if max(differences) - min(differences) <= 1e-9 * max(map(abs, (*differences, 1.))):
        return Paired(n, mean, 0., 1.)
    return Paired(n, mean, error, float(2 * stats.t.sf(abs(mean) / error, n - 1)))


def judge(family: Sequence[Paired], lower_is_better: bool = False,
          alpha: float = ALPHA) -> list[Verdict]:
    """Holm's procedure: all verdicts together are wrong in at most ``alpha`` of the cases.

    The interval of a row has the level at which Holm tests it, so that it holds 0 exactly where
    the row is not distinguishable. Of one comparison it is the plain interval of 95 %.

    Args:
        family (Sequence[Paired]): The differences of M rows to the same one.
        lower_is_better (bool): Whether a smaller score is the better one.
        alpha (float): Share of families of equal rows in which one is told to be different.

    Returns:
        list[Verdict]: M, in the same order.
    """
    order = sorted(range(len(family)), key=lambda place: family[place].p)
    verdicts = [Verdict(SAME, None, None, 1 - alpha) for _ in family]
    divisor, told = len(family), True
    for rank, place in enumerate(order):
        found = family[place]
        if told:
            divisor = len(family) - rank
            told = found.p <= alpha / divisor
        level = 1 - alpha / divisor
        low, high = interval(found, level)
        word = SAME
        if told and found.mean is not None:
            word = WORSE if (found.mean < 0) != lower_is_better else BETTER
        verdicts[place] = Verdict(word, low, high, level)
    return verdicts


def interval(found: Paired, level: float = 1 - ALPHA) -> tuple[float | None, float | None]:
    """Student's interval of a mean difference; None where its spread is not known.

    Args:
        found (Paired): The differences.
        level (float): 0..1.
    """
    if found.mean is None or not found.error:
        return None, None
    half = float(stats.t.ppf(0.5 + level / 2, found.n - 1)) * found.error
    return found.mean - half, found.mean + half


def improvement(points: Sequence[tuple[int, float]], steps: int) -> float | None:
    """By which share the last tenth of a training lies below the tenth before.

    Args:
        points (Sequence[tuple[int, float]]): Iterations from 1 and losses.
        steps (int): Iterations of the training.

    Returns:
        float | None: 0.1 where the mean loss fell by 10 %, negative where it rose; None where a
        tenth has no loss.

    Example:
        >>> from plugin.runs.compare.statistics import improvement
        >>> improvement([(9, 2.0), (10, 1.5)], 10)
        0.25
    """
    tenths: tuple[list[float], list[float]] = ([], [])
    for step, value in points:
        if math.isfinite(value) and 10 * step > 8 * steps:
            tenths[10 * step > 9 * steps].append(value)
    if not all(tenths):
        return None
    before, last = (math.fsum(tenth) / len(tenth) for tenth in tenths)
    return (before - last) / abs(before) if before else None
