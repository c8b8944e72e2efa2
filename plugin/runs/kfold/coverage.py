"""How many true counts of all folds lie in the intervals that the other folds calibrate."""
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plugin.evaluation import CountCalibration, cross_coverage
from plugin.evaluation.count_intervals import LEVEL


def count_coverage(folders: Sequence[Path]) -> dict[str, Any] | None:
    """Coverage of the intervals of counts over the folds.

    Args:
        folders (Sequence[Path]): Work directories of the K folds.

    Returns:
        dict, optional: ``level`` in percent, ``images``, ``inside`` and ``share``; None where the
        folds count nothing, or an older Pasture left no scores in their ``counts.json``, or there
        are too few images to calibrate intervals.
    """
    folds = [_counted(folder / 'counts.json') for folder in folders]
    known = [fold for fold in folds if fold is not None]
    inside = cross_coverage(known) if len(known) == len(folds) else []
    if not inside:
        return None
    return dict(level=LEVEL, images=len(inside), inside=sum(inside),
                share=sum(inside) / len(inside))


def told_coverage(coverage: dict[str, Any]) -> str:
    """The same as a sentence."""
    return (f'{coverage["inside"]} of {coverage["images"]} true counts '
            f'({coverage["share"]:.0%}) lie in the {coverage["level"]}% intervals that the other '
            'folds calibrate')


def _counted(path: Path) -> CountCalibration | None:
    """What the last validation of a fold counted."""
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        scores = [np.array(one, np.float64) for one in content['scores']]
        truth = [int(there) for _, there, _ in content['pictures']]
    except (KeyError, OSError, TypeError, ValueError):
        return None
    return CountCalibration(scores, truth) if len(scores) == len(truth) > 0 else None
