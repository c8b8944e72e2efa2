"""The score above which a prediction counts: the one whose counts are nearest to the truth."""
from collections.abc import Sequence

import numpy as np

from plugin.utils.counts import KEPT_THRESHOLD

DEFAULT_THRESHOLD = 0.5


def best_count_threshold(scores: Sequence[np.ndarray],
                         truth: Sequence[int]) -> tuple[float, float]:
    """The score threshold at which the counts of the images are nearest to the truth.

    Every threshold is considered, not a grid of them. Among those with the smallest mean
    absolute error the one with the smallest ``|bias|`` is taken, then the highest; it is the
    middle between the two scores that enclose it (or the end of 0..1).

    Args:
        scores (Sequence[np.ndarray]): Scores of the predictions, 0..1, an array ``(n, )`` for
            each of the N images.
        truth (Sequence[int]): True numbers of instances, N.

    Returns:
        tuple[float, float]: The threshold, in 0..1, and the mean absolute error at it.

    Example:
        >>> best_count_threshold([np.array([0.9, 0.25]), np.array([0.75])], truth=[1, 1])
        (0.5, 0.0)
    """
    own = [np.sort(values)[::-1] for values in scores]
    # while an image counts too few, one more prediction reduces its error, and then it adds to it
    steps = [np.where(np.arange(len(values)) < true, -1, 1)
             for values, true in zip(own, truth, strict=True)]
    falling, step = np.concatenate(own).astype(np.float64), np.concatenate(steps)
    order = np.argsort(-falling, kind='stable')
    falling, step = falling[order], step[order]
    total = int(sum(truth))
    # entry m: the m best predictions of all images count
    errors = total + np.concatenate([[0], np.cumsum(step)])
    bias = np.arange(len(falling) + 1) - total
    upper, lower = np.concatenate([[1.0], falling]), np.concatenate([falling, [0.0]])
    # equal scores count together
    possible = np.flatnonzero((upper > lower) | (np.arange(len(upper)) == len(falling)))
    best = possible[np.lexsort((possible, np.abs(bias[possible]), errors[possible]))[0]]
    middle = (upper[best] + lower[best]) / 2
    # between neighbouring floating point numbers there is no middle
    at_end = best == len(falling)
    threshold = middle if middle > lower[best] or at_end else upper[best]
    return float(threshold), float(errors[best] / len(truth))


def best_threshold(checkpoint: dict) -> float | None:
    """The threshold that counted best in the last validation before a checkpoint was written.

    ``best_*.pth`` holds that of its own validation, and so does an ``iter_*.pth`` of
    ``SafeCheckpointHook`` whose iteration was validated. One whose iteration was not, or of
    MMEngine's own hook, may hold that of the validation before.

    Args:
        checkpoint (dict): As MMEngine's ``Runner`` saves it.

    Returns:
        float | None: The threshold, or None where no ``CountMetric`` was evaluated.
    """
    history = checkpoint.get('message_hub', {}).get('log_scalars', {}).get(KEPT_THRESHOLD)
    return None if history is None else float(history.current())
