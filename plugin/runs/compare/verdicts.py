"""Which row of a comparison is compared with which, and what may be said of it."""
from collections.abc import Mapping, Sequence
from typing import Any

from .statistics import ALPHA, BETTER, WORSE, interval, judge, paired

UNTOLD = 'not told: a loss was not finite'


def reference_of(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The row that another one is compared with.

    A network that is an average scores better by that alone: it is compared with the average of
    the first row, its supervised twin, where there is one, and otherwise with the first row.

    Args:
        row (Mapping): One of the rows; ``averaged``, ``average`` and ``config`` are read.
        rows (Sequence[Mapping]): All rows, the reference first.
    """
    first = rows[0]
    if row['averaged'] and not first['averaged'] and row['config'] != first['config']:
        return next((other for other in rows if other['config'] == first['config']
                     and other['network'] == row['average']), first)
    return first


def differences_of(rows: Sequence[Mapping[str, Any]], key: str,
                   lower_is_better: bool) -> list[dict[str, Any] | None]:
    """The paired difference of each row to its reference, and the verdicts.

    The networks that the compared configs predict with are one family, which Holm's procedure
    judges; where the reference is averaged itself, so is its supervised twin. Students and other
    twins have their difference and no verdict. A row is not called better where one of its own
    trainings failed, nor worse where one of its reference did: the seeds that are left may be the
    lucky ones.

    Args:
        rows (Sequence[Mapping]): The reference first; ``judged`` tells which are those of the
            compared configs.
        key (str): What of a row is compared, such as ``last_test``.
        lower_is_better (bool): Whether a smaller score is the better one.

    Returns:
        list[dict | None]: None of the first row; of another one its ``reference``, that of
        :class:`~.statistics.Paired`, ``plain_low`` and ``plain_high``, the interval of 95 % by
        itself, and ``verdict``, ``low``, ``high`` and ``level`` of
        :class:`~.statistics.Verdict`, None where the row is not judged.
    """
    others = [(row, reference_of(row, rows)) for row in rows[1:]]
    pairs = [paired(row[key]['values'], against[key]['values']) for row, against in others]
    twin = rows[0]['average'] if rows[0]['averaged'] else None
    family = [place for place, (row, _) in enumerate(others)
              if row['judged'] or twin is not None and row['network'] == twin]
    verdicts = dict(zip(family, judge([pairs[place] for place in family], lower_is_better)))
    found: list[dict[str, Any] | None] = [None]
    for place, ((row, against), pair) in enumerate(zip(others, pairs)):
        low, high = interval(pair, 1 - ALPHA)
        told: dict[str, Any] = dict.fromkeys(('verdict', 'low', 'high', 'level'))
        if place in verdicts:
            told = dict(zip(told, verdicts[place]))
            failed = {BETTER: row['failed'], WORSE: against['failed']}
            if failed.get(told['verdict']):
                told['verdict'] = UNTOLD
        found.append(dict(reference=against['title'], **pair._asdict(), plain_low=low,
                          plain_high=high, **told))
    return found
