"""Reads the files of an evaluation: scores, classes, confusion, counts and images."""
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from plugin.utils.numbers import is_number
from plugin.utils.text import shortened, word

from . import checks
from .gallery import FILE

T = TypeVar('T')
Check = Callable[[Any, list[str]], T]

# name of a score -> title, unit; the first ones found are shown large
HEADLINES = {
    'mIoU': ('mean IoU', '%'), 'PA': ('pixel accuracy', '%'), 'MPA': ('mean accuracy', '%'),
    'aAcc': ('pixel accuracy', '%'), 'mAcc': ('mean accuracy', '%'),
    'FWIoU': ('frequency-weighted IoU', '%'),
    'segm_mAP': ('mask AP', ''), 'segm_mAP_50': ('mask AP50', ''),
    'MAE': ('count error', 'animals an image'),
    'skill': ('count skill', ''),
    'bbox_mAP': ('box AP', ''), 'bbox_mAP_50': ('box AP50', ''),
    'constant_MAE': ('count error of always one number', 'animals an image'),
    'relative': ('count error, share of the animals', ''),
    'bias': ('bias of the count', 'animals an image'),
    'coverage': ('true counts in 90% intervals', ''),
    'loss': ('validation loss', ''),
}
LARGE = 4
UNSHOWN = ('time', 'data_time', 'step')


class Score(NamedTuple):
    """A number with its title and unit; ``name`` is that of the log."""

    name: str
    title: str
    value: float
    unit: str

    @property
    def text(self) -> str:
        """The number as text: 60.4, 0.538."""
        if self.unit == '%':
            return f'{self.value:.1f}'
        return f'{self.value:.2f}' if self.unit else f'{self.value:.3f}'


class Evaluation(NamedTuple):
    """The results of one evaluation; parts that were not written are empty.

    Attributes:
        title (str): Such as ``validation at iteration 800``.
        scores (list[Score]): The most telling first.
        classes (list[dict]): A row each class: ``class`` and numbers.
        confusion (tuple | None): Names (C) and counts ``(C, C)``, rows truth.
        precision_recall (dict): ``{panel: {name: precisions}}``.
        counts (dict): As ``counts.json`` has them.
        gallery (dict): As ``gallery.json`` has it.
    """

    title: str
    scores: list[Score]
    classes: list[dict[str, Any]]
    confusion: tuple[list[str], np.ndarray] | None
    precision_recall: dict[str, dict[str, list[float | None]]]
    counts: dict[str, Any]
    gallery: dict[str, Any]

    @property
    def headlines(self) -> list[Score]:
        """The few scores that say most."""
        return [score for score in self.scores if score.title != score.name][:LARGE]


def read_evaluation(folder: Path, kind: str, notes: list[str]) -> Evaluation | None:
    """Read the files of an evaluation.

    Args:
        folder (Path): Of the training, or of a test.
        kind (str): ``'validation'`` or ``'test'``.
        notes (list[str]): Gets a sentence for each file that cannot be read.

    Returns:
        Evaluation | None: None if it wrote no scores.
    """
    content = read_json(folder / 'scores.json', notes)
    if not isinstance(content.get('scores'), dict):
        return None
    iteration = content.get('iteration')
    iteration = iteration if iteration is None else shortened(word(iteration), 40)
    title = f'{kind} at iteration {iteration}' if iteration is not None else (
        f'{kind} of {_when(folder)}')
    confusion = _read(folder / 'confusion_matrix.json', checks.confusion, notes)
    classes = _checked('scores.json', content.get('classes', []), checks.class_rows, notes)
    return Evaluation(
        title, _scores(content['scores'], notes), _with_pixels(classes or [], confusion),
        confusion, _read(folder / 'precision_recall.json', checks.precision_recall, notes) or {},
        _read(folder / 'counts.json', checks.counts, notes) or {},
        _read(folder / FILE, checks.gallery, notes) or {})


def _read(path: Path, check: Check[T], notes: list[str]) -> T | None:
    """What a file of an evaluation holds; None, and perhaps a note, where it is not to be used."""
    content = read_json(path, notes)
    return _checked(path.name, content, check, notes) if content else None


def _checked(name: str, content: Any, check: Check[T], notes: list[str]) -> T | None:
    try:
        return check(content, notes)
    except checks.ODD as error:
        notes.append(f'{name} is not as Pasture writes it and is left out '
                     f'({type(error).__name__}: {shortened(str(error), 200)})')
        return None


def read_json(path: Path, notes: list[str]) -> dict[str, Any]:
    """A JSON object; empty where there is no file."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, RecursionError, ValueError) as error:
        notes.append(f'{path.name} cannot be read and is left out: {error}')
        return {}
    return content if isinstance(content, dict) else {}


def _when(folder: Path) -> str:
    try:
        return f'{datetime.strptime(folder.name, "%Y%m%d_%H%M%S"):%-d %B %Y, %H:%M}'
    except ValueError:
        return folder.name


def _scores(metrics: dict[str, Any], notes: list[str]) -> list[Score]:
    order = list(HEADLINES)
    found: dict[str, Score] = {}
    titles: set[str] = set()
    for name, value in checks.limited(list(metrics.items()), checks.ROWS, 'scores', notes):
        name = shortened(name, 200)
        short = name.split('/')[-1]
        if short in UNSHOWN or not is_number(value):
            continue
        title, unit = HEADLINES.get(short, (name, ''))
        if title in titles:
            continue  # aAcc is PA under another name
        titles.add(title)
        found[name] = Score(name, title, float(value), unit)

    def rank(score: Score) -> int:
        short = score.name.split('/')[-1]
        return order.index(short) if short in order else len(order)
    return sorted(found.values(), key=rank)


def _with_pixels(classes: list[dict[str, Any]], confusion: tuple | None
                 ) -> list[dict[str, Any]]:
    """Add precision, share of pixels and most frequent confusion to each class."""
    if confusion is None or [row.get('class') for row in classes] != confusion[0]:
        return classes
    names, matrix = confusion
    truth, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    rows = []
    for place, row in enumerate(classes):
        hits = matrix[place, place]
        others = np.where(np.arange(len(names)) == place, 0, matrix[place])
        most = int(others.argmax())
        taken = f'{names[most]} ({100 * others[most] / truth[place]:.0f} %)' if others.any() else ''
        rows.append({
            **row, 'Precision': 100 * hits / predicted[place] if predicted[place] else None,
            'Pixels': 100 * truth[place] / truth.sum() if truth.sum() else None,
            'Most taken for': taken})
    return rows
