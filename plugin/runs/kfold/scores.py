"""Scores of all folds: mean and standard deviation."""
import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from plugin.inference.tables import no_formula
from plugin.utils import write_atomically
from plugin.utils.console import cell

from .state import read_state

# how a metric of MMDetection names the score of a class
CLASS_SCORE = '_precision'
# scores of which -1 is a value
SIGNED = ('bias', 'skill')


def read_scores(work_dir: Path) -> dict[str, Any]:
    """What the last validation of a training found.

    Args:
        work_dir (Path): Its folder.

    Returns:
        dict: ``iteration``, ``scores`` by name, and ``classes``: scores of each by name.

    Raises:
        FileNotFoundError: If the training left no ``scores.json``.
        UserError: If the file is damaged.
    """
    path = work_dir / 'scores.json'
    if not path.is_file():
        raise FileNotFoundError(
            f'{path} does not exist: each fold must validate at its end '
            '(train_cfg.val_interval), and RunSummaryHook be among default_hooks')
    found = read_state(
        path, f'remove {work_dir}, and the same command trains this fold anew',
        lambda found: isinstance(found['scores'], dict),
        lambda found: all(one['class'] for one in found.get('classes', ())))
    scores, classes = {}, {one['class']: {key: value for key, value in one.items()
                                          if key != 'class'}
                           for one in found.get('classes', ())}
    for name, value in found['scores'].items():
        if name.endswith(CLASS_SCORE):
            kind = name.rpartition('/')[2][:-len(CLASS_SCORE)]
            classes.setdefault(kind, {})['AP'] = value
        elif isinstance(value, (int, float)) or value is None:
            scores[name] = value
    return dict(iteration=found.get('iteration'), scores=scores, classes=classes)


def are_scores(value: Any) -> bool:
    """Whether a value is what :func:`read_scores` returns."""
    parts = [value['scores'], value['classes'], *value['classes'].values()]
    return 'iteration' in value and all(isinstance(part, dict) for part in parts)


def summarise(values: Sequence[float | None], name: str = '') -> dict[str, Any]:
    """Mean and standard deviation over K folds.

    A fold without the class has no value (None, NaN, or -1 as COCO writes it) and does not count.

    Args:
        values (Sequence[float | None]): K values.
        name (str): Of the score; -1 is a value of a ``bias`` or a ``skill``, such as
            ``count/bias.cow``.

    Returns:
        dict: ``mean``; ``std``, that of a sample (divided by n - 1), None where n < 2; ``n`` folds
        that have a value; ``values``, None for the others.
    """
    is_signed = name.rpartition('/')[2].partition('.')[0] in SIGNED
    known = [None if value is None or math.isnan(value) or value == -1 and not is_signed
             else float(value) for value in values]
    counted = [value for value in known if value is not None]
    mean = std = None
    if counted:
        mean = math.fsum(counted) / len(counted)
        squares = [(value - mean)**2 for value in counted]
        std = math.sqrt(math.fsum(squares) / (len(counted) - 1)) if squares[1:] else None
    return dict(mean=mean, std=std, n=len(counted), values=known)


def join_scores(folds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean and deviation of every score.

    Args:
        folds (Sequence[Mapping]): What :func:`read_scores` returns for each.

    Returns:
        dict: ``scores`` {name: summary}, ``classes`` {class: {name: summary}}, ``iterations``.
    """
    names = list(dict.fromkeys(name for fold in folds for name in fold['scores']))
    classes = {kind: list(dict.fromkeys(name for fold in folds
                                        for name in fold['classes'].get(kind, ())))
               for kind in dict.fromkeys(kind for fold in folds for kind in fold['classes'])}
    return dict(
        scores={name: summarise([fold['scores'].get(name) for fold in folds], name)
                for name in names},
        classes={kind: {name: summarise([fold['classes'].get(kind, {}).get(name)
                                         for fold in folds]) for name in measures}
                 for kind, measures in classes.items()},
        iterations=[fold['iteration'] for fold in folds])


def write_scores(joint: Mapping[str, Any], work_dir: Path) -> list[Path]:
    """Write ``kfold.json`` and ``kfold.csv``; returns both paths."""
    paths = [work_dir / 'kfold.json', work_dir / 'kfold.csv']
    write_atomically(paths[0], json.dumps(joint, indent=1, ensure_ascii=False))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    folds = len(joint['iterations'])
    writer.writerow(['class', 'score', 'mean', 'std', 'n', *(f'fold{k}' for k in range(folds))])
    for kind, name, row in _rows(joint):
        writer.writerow([no_formula(kind), no_formula(name), row['mean'], row['std'], row['n'],
                         *row['values']])
    write_atomically(paths[1], text.getvalue())
    return paths


def print_scores(joint: Mapping[str, Any]) -> None:
    """Show a table for the whole and one for the classes."""
    console, folds = Console(), len(joint['iterations'])
    for title in ('score', 'class'):
        rows = [(kind, name, row) for kind, name, row in _rows(joint)
                if bool(kind) == (title == 'class')]
        if not rows:
            continue
        table = Table(title)
        for name in (['score'] if title == 'class' else []) + ['mean', 'std'] + [
                f'fold {k}' for k in range(folds)]:
            table.add_column(name, justify='left' if name == 'score' else 'right')
        for kind, name, row in rows:
            shown = [f'{value:.4g}' if value is not None else '-'
                     for value in (row['mean'], row['std'], *row['values'])]
            table.add_row(*([cell(kind)] if kind else []), cell(name), *shown)
        console.print(table)


def _rows(joint: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for name, row in joint['scores'].items():
        yield '', name, row
    for kind, measures in joint['classes'].items():
        for name, row in measures.items():
            yield kind, name, row
