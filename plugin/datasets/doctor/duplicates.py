"""Images that occur twice: in one part, or on both sides of a split."""
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from .findings import Report
from .looking import Look
from .near_duplicates import nearest_images
from .parts import UNLABELED, DataPart

# two small grey images correlate as much where they show the same; of one second of CamVid to
# the next it is 0.9 to 0.99, of strangers that share a hash 0.3 to 0.8
ALIKE = 0.95
# fewer of the images that are scored cannot move a score by more than this share
FEW = 0.01
Pair = tuple[str, str]


class _Side:
    """The images of a part that could be read and show something."""

    def __init__(self, part: DataPart, seen: Sequence[Look]) -> None:
        self.part = part
        kept = [(entry, look) for entry, look in zip(part.entries, seen)
                if look.hash is not None and not look.hash.flat]
        self.paths = [part.looker.shown(entry.image) for entry, _ in kept]
        self.looks = [look for _, look in kept]
        self.hashes = [look.hash for _, look in kept if look.hash is not None]
        self.places: dict[bytes, list[int]] = defaultdict(list)
        for place, look in enumerate(self.looks):
            self.places[look.digest].append(place)


def check_duplicates(parts: Sequence[DataPart], looks: Sequence[Sequence[Look]],
                     report: Report) -> None:
    """Report copies within parts and across, and what looks nearly the same across.

    Between labelled and unlabelled images of one training, likeness is no fault. Between what
    is learnt from and what is scored it is.
    """
    sides = [_Side(part, seen) for part, seen in zip(parts, looks)]
    _check_flat(parts, looks, report)
    for side in sides:
        _check_within(side, report)
    for one, other in combinations(sides, 2):
        roles = {one.part.role, other.part.role}
        if roles == {'train', UNLABELED}:
            _check_unlabeled(one, other, report)
        elif len(roles) == 2:
            _check_across(one, other, report)


def _check_flat(parts: Sequence[DataPart], looks: Sequence[Sequence[Look]], report: Report) -> None:
    for part, seen in zip(parts, looks):
        flat = [part.looker.shown(entry.image) for entry, look in zip(part.entries, seen)
                if look.hash is not None and look.hash.flat]
        if flat:
            report.add('note', 'picture-flat', f'image {flat[0]} is all of one colour', flat)


def _check_within(side: _Side, report: Report) -> None:
    copies = [f'{side.paths[places[0]]} = {side.paths[place]}'
              for places in side.places.values() for place in places[1:]]
    if copies:
        report.add('note', 'copy-within', f'{side.part.name} has images of exactly the same '
                   f'pixels: {copies[0]}', copies)


def _check_unlabeled(one: _Side, other: _Side, report: Report) -> None:
    copies = [f'{path} = {twin}' for path, twin in _exact(one, other)]
    if copies:
        report.add('note', 'copy-unlabelled', f'images of {one.part.name} are in '
                   f'{other.part.name} as well: {copies[0]}', copies)


def _check_across(one: _Side, other: _Side, report: Report) -> None:
    """Report what is on both sides of a split; ``other`` is the side that is scored."""
    if other.part.role in ('train', UNLABELED):
        one, other = other, one
    exact = _exact(other, one)
    near = _near(other, one)
    cure = ('take them out of one of the two; tools/data/split_coco.py keeps near-duplicates on '
            'one side')
    for code, severity, pairs, words in (
            ('copy-across', 'error', exact, 'exactly the same pixels'),
            ('near-duplicate', 'warning', near, 'nearly the same image')):
        if not pairs:
            continue
        few = len(pairs) < FEW * len(other.paths)
        report.add('note' if few else severity, code, f'{len(pairs)} of {len(other.part.entries)} '
                   f'images of {other.part.name} are in {one.part.name} as well, {words}: '
                   f'{pairs[0][0]} = {pairs[0][1]}',
                   [f'{path} = {twin}' for path, twin in pairs], cure)


def _exact(one: _Side, other: _Side) -> list[Pair]:
    return [(one.paths[place], other.paths[other.places[look.digest][0]])
            for place, look in enumerate(one.looks) if look.digest in other.places]


def _near(one: _Side, other: _Side) -> list[Pair]:
    """Images of ``one`` with one of ``other`` that looks like it but is no copy."""
    found = []
    for place, twin in nearest_images(one.hashes, other.hashes):
        first, second = one.looks[place], other.looks[twin]
        if first.digest not in other.places and _correlation(first, second) >= ALIKE:
            found.append((one.paths[place], other.paths[twin]))
    return found


def _correlation(one: Look, other: Look) -> float:
    assert one.thumb is not None and other.thumb is not None  # what has a hash has a thumb
    return float(np.corrcoef(np.ravel(one.thumb), np.ravel(other.thumb))[0, 1])
