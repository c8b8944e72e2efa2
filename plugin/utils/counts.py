"""How far counts are off, beside the simplest thing that could have counted: always one number."""
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# what checkpoints hold in MMEngine's message hub: a scalar, and an entry of its runtime information
KEPT_THRESHOLD = 'val/count/best_threshold'
KEPT_COUNTS = 'count_calibration'


def count_errors(found: Sequence[int] | np.ndarray,
                 truth: Sequence[int] | np.ndarray) -> dict[str, Any]:
    """Errors of the counts of N images, and of the best constant on the same images.

    With ``d = found - truth`` of each image:

    - ``MAE``, mean of ``|d|``; ``RMSE``, root of the mean of ``d ** 2``; ``bias``, mean of ``d``
      (above 0: too many); all in instances an image;
    - ``constant``, the one number with the smallest MAE on these images, which is a median of the
      true counts (the lower one of two), and ``constant_MAE``, that MAE;
    - ``skill = 1 - MAE / constant_MAE``: 1 is perfect, 0 as good as the constant, below 0 worse;
      None where the constant is right everywhere, as there is nothing to be better than;
    - ``relative = sum |d| / sum truth``, so that images without instances do no harm; None where
      no image has one;
    - ``right``, images with the right number; ``images``, N.

    Args:
        found (Sequence[int]): Counts, N of 1 or more.
        truth (Sequence[int]): True numbers, N.

    Returns:
        dict: The values by these names.

    Example:
        >>> from plugin.utils.counts import count_errors
        >>> found = count_errors([1, 2, 5], [1, 1, 4])
        >>> round(found['MAE'], 3), found['constant'], found['constant_MAE'], found['right']
        (0.667, 1, 1.0, 1)
        >>> round(found['skill'], 3), round(found['relative'], 3)
        (0.333, 0.333)
        >>> print(count_errors([3, 3], [2, 2])['skill'])
        None
    """
    true = np.asarray(truth, np.int64)
    off = np.asarray(found, np.int64) - true
    absolute, total = np.abs(off), int(true.sum())
    constant = int(np.sort(true)[(len(true) - 1) // 2])
    baseline = float(np.abs(true - constant).mean())
    error = float(absolute.mean())
    return dict(MAE=error, RMSE=math.sqrt((off ** 2).mean()), bias=float(off.mean()),
                constant=constant, constant_MAE=baseline,
                skill=1 - error / baseline if baseline else None,
                relative=float(absolute.sum() / total) if total else None,
                right=int((off == 0).sum()), images=len(true))


def told_counts(errors: Mapping[str, Any]) -> str:
    """The rest of a sentence that says how far counts are off: what that is worth.

    Args:
        errors (Mapping): As of :func:`count_errors`.

    Example:
        >>> from plugin.utils.counts import count_errors, told_counts
        >>> told_counts(count_errors([1, 2, 5], [1, 1, 4]))
        'always saying 1: 1.00, skill +0.33; 33% of the animals, bias +0.67; 1 of 3 images right'
    """
    relative = errors['relative']
    share = 'no animal is there' if relative is None else f'{relative:.0%} of the animals'
    return (f'{told_baseline(errors)}; {share}, bias {errors["bias"]:+.2f}; {errors["right"]} of '
            f'{errors["images"]} images right')


def told_baseline(errors: Mapping[str, Any]) -> str:
    """What an error of counts is worth, beside that of the best constant.

    Args:
        errors (Mapping): As of :func:`count_errors`.

    Example:
        >>> from plugin.utils.counts import count_errors, told_baseline
        >>> told_baseline(count_errors([1, 2, 5], [1, 1, 4]))
        'always saying 1: 1.00, skill +0.33'
    """
    skill = errors['skill']
    told = 'no skill is defined' if skill is None else f'skill {skill:+.2f}'
    return f'always saying {errors["constant"]}: {errors["constant_MAE"]:.2f}, {told}'
