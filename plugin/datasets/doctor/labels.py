"""Classes: how often they occur, and label maps that say nothing or something else."""
from collections.abc import Sequence

import numpy as np

from .findings import ClassCounts, Report
from .looking import Look
from .parts import DataPart


def check_labels(parts: Sequence[DataPart], looks: Sequence[Sequence[Look]],
                 report: Report) -> None:
    """Count pixels and objects of the classes, and report what is odd about them."""
    present: dict[str, set[str]] = {}
    for part, seen in zip(parts, looks):
        rows = _count(part, seen)
        report.parts.append(dict(name=part.name, role=part.role, pictures=len(part.entries),
                                 classes=rows))
        if not part.is_labeled:
            continue
        _check_bare(part, seen, report)
        if part.classes:
            present.setdefault(part.role, set()).update(
                row['name'] for row in rows if row['pictures'])
        elif part.outlines is None:
            _check_gaps(part, rows, report)
    _check_absent(parts, present, report)


def _count(part: DataPart, seen: Sequence[Look]) -> list[ClassCounts]:
    """Of each class its name, images, pixels (None: not counted) and objects (likewise)."""
    if part.outlines is not None:
        names = list(part.object_classes)
        objects: np.ndarray = np.zeros(len(names), int)
        images: np.ndarray = np.zeros(len(names), int)
        for outlines in part.outlines:
            found = np.bincount([one.label for one in outlines if not one.crowd],
                                minlength=len(names))
            objects, images = objects + found, images + (found > 0)
        return [ClassCounts(name=name, pictures=int(shown), pixels=None, objects=int(number))
                for name, shown, number in zip(names, images, objects)]
    counts = [look.pixels for look in seen if look.pixels is not None]
    if not counts:
        return []
    pixels, images = np.sum(counts, 0), np.sum([one > 0 for one in counts], 0)
    names = list(part.classes) or [f'id {number}' for number in range(len(pixels))]
    return [ClassCounts(name=name, pictures=int(shown), pixels=int(number), objects=None)
            for name, shown, number in zip(names, images, pixels)
            # without a list of classes, those that occur are the classes
            if part.classes or number]


def _check_bare(part: DataPart, seen: Sequence[Look], report: Report) -> None:
    """Report label maps that show the first class alone."""
    maps = [(part.looker.shown(entry.label), look.pixels)
            for entry, look in zip(part.entries, seen)
            if entry.label is not None and look.pixels is not None and not look.problems]
    bare = [path for path, pixels in maps if pixels.any() and not pixels[1:].any()]
    # where all of them do, a class that does not occur is told
    if 0 < len(bare) < len(maps) and len(part.classes) > 1:
        report.add('note', 'label-first-class-only', f'label {bare[0]} shows {part.classes[0]} and '
                   'no other class', bare, 'fine if there is nothing else in the image')


def _check_gaps(part: DataPart, rows: Sequence[ClassCounts], report: Report) -> None:
    """Report ids that are far from 0, 1, 2, ... where no list of classes says better."""
    ids = [int(row['name'].split()[1]) for row in rows]
    if ids and 2 * len(ids) <= max(ids):
        listed = ', '.join(map(str, ids[:8]))
        report.add('warning', 'class-id-gaps', f'the labels of {part.name} hold the values '
                   f'{listed}, not ids counted from 0: perhaps the brightness of colours',
                   [part.name], 'turn colours into ids as data/README.md shows')


def _check_absent(parts: Sequence[DataPart], present: dict[str, set[str]], report: Report) -> None:
    """Report classes that occur nowhere, or not where they are learnt."""
    labeled = [part for part in parts if part.is_labeled and part.classes]
    names = list(dict.fromkeys(name for part in labeled for name in part.object_classes))
    trained, scored = present.get('train', set()), present.get('val', set()).union(
        present.get('test', set()))
    roles = {part.role for part in labeled}
    never = [name for name in names if name not in trained | scored]
    if never:
        report.add('warning', 'class-never', f'class {never[0]} does not occur in any label',
                   never, 'if the images show it, the ids of the labels do not follow the order '
                   'of the classes; if not, take it out of classes')
    unlearnt = [name for name in names if name in scored - trained]
    if unlearnt and 'train' in roles:
        report.add('warning', 'class-only-val', f'class {unlearnt[0]} occurs in the validation or '
                   'test set and never in the training set: it cannot be learnt', unlearnt,
                   'label some for the training set, or split anew')
    unscored = [name for name in names if name in trained - scored]
    if unscored and roles & {'val', 'test'}:
        report.add('note', 'class-not-scored', f'class {unscored[0]} occurs in the training set '
                   'only: it gets no score', unscored)
