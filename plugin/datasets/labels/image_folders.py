"""Where images may be, seen from their labels."""
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple


class Folders(NamedTuple):
    """Where images may be.

    Attributes:
        near (Sequence[Path]): Where they belong, the likeliest first.
        far (Sequence[Path]): Where they are taken with a note.
        below (Sequence[Path]): Folders in whose sub-folders an image is looked for last.
    """

    near: Sequence[Path]
    far: Sequence[Path] = ()
    below: Sequence[Path] = ()


def likely_folders(labels: Path, search: Iterable[Path], home: Path | None = None) -> Folders:
    """Where the images of a folder of labels may be, the likeliest first.

    Args:
        labels (Path): The folder of the labels, e.g. ``labels/barn 2``.
        search (iterable[Path]): Folders of images, e.g. ``images``.
        home (Path, optional): The folder that was given for the labels, e.g. ``labels``. Images
            that lie in less sub-folders below ``search`` than their labels below this are far.

    Returns:
        Folders: Near are the folder itself, that of its images (``images/barn 2``, by the
        parallel layout of YOLO), then in each other one the same sub-folders
        (``images/labels/barn 2``, ``images/barn 2``), as far as they are there.
    """
    parts = Path(os.path.abspath(labels)).parts[1:]
    depth = len(Path(os.path.abspath(home)).parts) - 1 if home else len(parts)
    near: list[Path] = [labels, *_twins(labels)]
    far: list[Path] = []
    for folder in search:
        for first in range(len(parts) + 1):
            place = folder.joinpath(*parts[first:])
            for found in [place, *_twins(Path(*parts[first:]), folder)]:
                if os.path.isdir(found):
                    (near if first <= depth else far).append(found)
    return Folders(list(dict.fromkeys(near)),
                   [place for place in dict.fromkeys(far) if place not in near])


def _twins(labels: Path, folder: Path | None = None) -> list[Path]:
    """The folder of images that belongs to a folder of labels: images/train to labels/train."""
    parts = (labels if folder else Path(os.path.abspath(labels))).parts
    if 'labels' not in parts:
        return []
    place = len(parts) - 1 - parts[::-1].index('labels')
    twin = Path(*parts[:place], 'images', *parts[place + 1:])
    return [folder / twin if folder else twin]
