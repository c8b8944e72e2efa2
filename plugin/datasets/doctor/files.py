"""Files that cannot be read, do not fit each other, or are in no list."""
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from ..labels.image_files import is_image
from .findings import Report
from .looking import Look
from .parts import DataPart
from .seen import Problem

# what training can live with
WARNINGS = ('picture-huge', )
Looks = Sequence[Sequence[Look]]


def check_files(parts: Sequence[DataPart], looks: Looks, report: Report) -> None:
    """Report what is wrong with single files, one finding a sort and part."""
    for part, seen in zip(parts, looks):
        found: dict[str, list[Problem]] = defaultdict(list)
        for look in seen:
            for problem in look.problems:
                found[problem.kind].append(problem)
        for kind, problems in found.items():
            report.add('warning' if kind in WARNINGS else 'error', kind, problems[0].fault,
                       [problem.place for problem in problems], problems[0].cure)
        _check_turned(part, seen, report)
    _check_unlisted(parts, report)


def _check_turned(part: DataPart, seen: Sequence[Look], report: Report) -> None:
    """Tell of images that EXIF turns, where nothing shows that their labels are turned too."""
    doubtful: list[str] = []
    clear: list[str] = []
    for entry, look in zip(part.entries, seen):
        if look.orientation == 1 or look.size is None or look.problems:
            continue
        # sizes that agree after a quarter turn of an image that is not square prove it
        is_proven = look.orientation in (5, 6, 7, 8) and look.size[0] != look.size[1]
        has_label = entry.label is not None or entry.size is not None
        (doubtful if has_label and not is_proven else clear).append(part.looker.shown(entry.image))
    if doubtful:
        report.add('warning', 'exif-rotation', f'EXIF turns {doubtful[0]} when it is loaded, and '
                   'sizes cannot tell whether its label is turned as well', doubtful,
                   'look at one with tools/browse.py; if the label lies, take the orientation out '
                   'of the image, as by exiftool -n -Orientation=1')
    if clear:
        report.add('note', 'exif-turned', f'EXIF turns {clear[0]} when it is loaded; nothing '
                   'contradicts that', clear)


def _check_unlisted(parts: Sequence[DataPart], report: Report) -> None:
    """Tell of images beside those of a COCO file that none of the files lists."""
    folders = {os.path.realpath(part.folder): part for part in reversed(parts)
               if part.folder and os.path.isdir(part.folder)}
    # an unlabelled set may use what no file of outlines lists
    listed = {os.path.realpath(entry.image) for part in parts if folders for entry in part.entries}
    for part in reversed(folders.values()):
        unlisted = [part.looker.shown(str(path)) for path in sorted(Path(part.folder).iterdir())
                    if is_image(path) and os.path.realpath(path) not in listed]
        if unlisted:
            report.add('note', 'picture-unlisted', f'{unlisted[0]} is in no file of annotations, '
                       'and not used', unlisted)
