"""The tables of a report."""
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .configs import Difference
from .evaluations import Evaluation
from .facts import is_lower_better
from .runs import Run

# column of a class -> title, unit
COLUMNS = {'IoU': ('IoU', '%'), 'Acc': ('Accuracy', '%'), 'Precision': ('Precision', '%'),
           'Pixels': ('Share of the pixels', '%')}
CONFUSIONS = 8  # rows of the most frequent ones


class Column(NamedTuple):
    """Title and unit of a column."""

    title: str
    unit: str = ''
    numeric: bool = True


class Cell(NamedTuple):
    """A cell: its text, the value it is sorted by, and the length of its bar, 0..1."""

    text: str
    value: float | str | None = None
    share: float | None = None
    best: bool = False
    colour: Sequence[int] | None = None


class Table(NamedTuple):
    """A table whose first column heads its rows."""

    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    sorts: bool = False


class Line(NamedTuple):
    """A line of a setting, and whether only some configs have it."""

    text: str
    own: bool


def class_table(evaluation: Evaluation) -> Table | None:
    """The classes of an evaluation with their scores; sorts."""
    if not evaluation.classes:
        return None
    keys = [key for key in evaluation.classes[0] if key != 'class']
    columns = [Column('Class', '', False)]
    for key in keys:
        title, unit = COLUMNS.get(key, (key, ''))
        columns.append(Column(title, unit, key != 'Most taken for'))
    palette = evaluation.gallery.get('palette') or []
    coloured = any('errors' in image for image in evaluation.gallery.get('pictures', []))
    rows = []
    for place, row in enumerate(evaluation.classes):
        colour = palette[place] if coloured and place < len(palette) else None
        rows.append([Cell(row['class'], colour=colour),
                     *(_number(row.get(key), 100 if key in COLUMNS else 1) for key in keys)])
    return Table('Scores of each class', columns, rows, sorts=True)


def score_table(evaluation: Evaluation) -> Table:
    """All scores of an evaluation."""
    rows = [[Cell(score.name), Cell(score.text + (f' {score.unit}' if score.unit else ''),
                                    score.value)] for score in evaluation.scores]
    return Table('All scores', [Column('Score', '', False), Column('Value')], rows)


def confusion_table(evaluation: Evaluation) -> Table | None:
    """The most frequent confusions of two classes; None where there are none."""
    if evaluation.confusion is None:
        return None
    names, matrix = evaluation.confusion
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    rows = []
    for place in np.argsort(-wrong, axis=None, kind='stable')[:CONFUSIONS]:
        truth, taken = np.unravel_index(place, wrong.shape)
        if wrong[truth, taken] == 0:
            break
        share = 100 * wrong[truth, taken] / matrix[truth].sum()
        rows.append([Cell(names[truth]), Cell(names[taken], names[taken]),
                     Cell(f'{share:.1f}', float(share)),
                     Cell(f'{wrong[truth, taken]:,}', int(wrong[truth, taken]))])
    columns = [Column('True class', '', False), Column('Taken for', '', False),
               Column('Share of the true class', '%'), Column('Pixels')]
    return Table('Most frequent confusions', columns, rows, sorts=True) if rows else None


def summary_table(runs: Sequence[Run]) -> Table:
    """Scores and facts of several runs side by side; the best score of a row is marked."""
    scored: dict[str, list[tuple[int, Any]]] = {}
    for place, run in enumerate(runs):
        for score in run.evaluations[-1].headlines if run.evaluations else []:
            title = f'{score.title}, {score.unit}' if score.unit else score.title
            scored.setdefault(title, []).append((place, score))
    rows = []
    for title, found in scored.items():
        values = [score.value for _, score in found]
        best = (min if is_lower_better(found[0][1].name) else max)(values)
        by_run = dict(found)
        rows.append([Cell(title), *(
            Cell(by_run[place].text, by_run[place].value,
                 best=len(found) > 1 and by_run[place].value == best)
            if place in by_run else Cell('—') for place in range(len(runs)))])
    titles = {title: None for run in runs for title, _ in run.facts}
    facts = [dict(run.facts) for run in runs]
    rows += [[Cell(title), *(Cell(fact.get(title, '—')) for fact in facts)] for title in titles]
    columns = [Column('', '', False), *(Column(run.name, '', False) for run in runs)]
    scores = 'scores of the newest evaluation of each'
    return Table(f'{len(runs)} runs side by side, {scores}', columns, rows)


def environment_table(runs: Sequence[Run]) -> Table | None:
    """The environments of the runs; None where none is known."""
    titles = {title: None for run in runs for title in run.environment}
    rows = [[Cell(title), *(Cell(run.environment.get(title, '—')) for run in runs)]
            for title in titles]
    columns = [Column('', '', False),
               *(Column(run.name if len(runs) > 1 else 'Value', '', False) for run in runs)]
    return Table('What the last part of each run ran on', columns, rows) if rows else None


def settings_table(caption: str, names: Sequence[str], rows: Sequence[Difference]
                   ) -> dict[str, Any]:
    """Differing settings; of long ones the lines that are not everywhere are marked."""
    entries = []
    for path, texts in rows:
        lines = [(text or '').split('\n') if text is not None else [] for text in texts]
        common = set(lines[0]).intersection(*lines[1:])
        entries.append(dict(path=path, cells=[
            [Line(line, len(max(lines, key=len)) > 1 and line not in common) for line in one]
            for one in lines]))
    return dict(caption=caption, columns=list(names), rows=entries)


def _number(value: Any, full: float) -> Cell:
    if value is None or value != value:
        return Cell('—')
    if not isinstance(value, (int, float)):
        return Cell(str(value), value)
    text = f'{value:.1f}' if full == 100 else f'{value:.3f}'
    return Cell(text, round(float(value), 4), min(1.0, max(0.0, value / full)))
