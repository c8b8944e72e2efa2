"""Reads the files of an evaluation: scores, classes, confusion, counts and images."""
import json
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .gallery import FILE

# name of a score -> title, unit; the first ones found are shown large
HEADLINES = {
    'mIoU': ('mean IoU', '%'), 'PA': ('pixel accuracy', '%'), 'MPA': ('mean accuracy', '%'),
    'aAcc': ('pixel accuracy', '%'), 'mAcc': ('mean accuracy', '%'),
    'FWIoU': ('frequency-weighted IoU', '%'),
    'segm_mAP': ('mask AP', ''), 'segm_mAP_50': ('mask AP50', ''), 'bbox_mAP': ('box AP', ''),
    'bbox_mAP_50': ('box AP50', ''), 'MAE': ('count error', 'animals an image'),
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
    precision_recall: dict[str, dict[str, list[float]]]
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
    title = f'{kind} at iteration {iteration}' if iteration is not None else (
        f'{kind} of {_when(folder)}')
    confusion = _confusion(read_json(folder / 'confusion_matrix.json', notes))
    classes = [row for row in content.get('classes', []) if isinstance(row, dict)]
    return Evaluation(
        title, _scores(content['scores']), _with_pixels(classes, confusion), confusion,
        read_json(folder / 'precision_recall.json', notes),
        read_json(folder / 'counts.json', notes),
        read_json(folder / FILE, notes))


def read_json(path: Path, notes: list[str]) -> dict[str, Any]:
    """A JSON object; empty where there is no file."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        notes.append(f'{path.name} cannot be read and is left out: {error}')
        return {}
    return content if isinstance(content, dict) else {}


def _when(folder: Path) -> str:
    try:
        return f'{datetime.strptime(folder.name, "%Y%m%d_%H%M%S"):%-d %B %Y, %H:%M}'
    except ValueError:
        return folder.name


def _scores(metrics: dict[str, Any]) -> list[Score]:
    order = list(HEADLINES)
    found: dict[str, Score] = {}
    for name, value in metrics.items():
        short = name.split('/')[-1]
        if short in UNSHOWN or isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        title, unit = HEADLINES.get(short, (name, ''))
        if title in (score.title for score in found.values()):
            continue  # aAcc is PA under another name
        found[name] = Score(name, title, float(value), unit)

    def rank(score: Score) -> int:
        short = score.name.split('/')[-1]
        return order.index(short) if short in order else len(order)
    return sorted(found.values(), key=rank)


def _confusion(content: dict[str, Any]) -> tuple[list[str], np.ndarray] | None:
    names, matrix = content.get('classes'), np.array(content.get('matrix', []), dtype=object)
    if not names or matrix.shape != (len(names), len(names)):
        return None
    return [str(name) for name in names], matrix.astype(np.int64)


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
