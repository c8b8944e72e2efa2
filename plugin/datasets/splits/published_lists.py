"""Lists of labelled images, as papers publish them."""
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from plugin.utils import UserError, first_few

from ..labels.image_files import IMAGE_SUFFIXES


class Published(NamedTuple):
    """Labelled lists that papers compare on.

    Attributes:
        total (int): Images of the whole training set.
        counts (tuple[int]): Numbers of labelled images.
    """

    total: int
    counts: tuple


PUBLISHED: dict[str, Published] = {
    'VOC classic': Published(10582, (92, 183, 366, 732, 1464)),
    'VOC blender': Published(10582, (662, 1323, 2646, 5291)),
    'Cityscapes': Published(2975, (186, 372, 744, 1488)),
}


def read_names(path: Path) -> list[str]:
    """Read a list of images, one a line.

    Of lines with an image and its label (``JPEGImages/a.jpg SegmentationClass/a.png``), as some
    lists are published, the image counts.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If it is empty, no text, or names an image twice.
    """
    if not path.is_file():
        raise FileNotFoundError(f'list {path} does not exist: give a file with one image a line')
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f'{path} is no text in UTF-8 ({error}): give a file with one image a '
                        'line') from error
    names = [_image_of(line.strip()) for line in lines if line.strip()]
    if not names:
        raise UserError(f'list {path} is empty: write one image a line')
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f'list {path} names {first_few(twice)} more than once: remove the copies')
    return names


def _image_of(line: str) -> str:
    columns = line.split()
    is_pair = len(columns) == 2 and all(
        column.lower().endswith(IMAGE_SUFFIXES) for column in columns)
    return columns[0] if is_pair else line


def bare_name(file: str, suffix: str | None = None) -> str:
    """An image's name without its suffix, as lists hold it.

    Args:
        file (str): ``aachen/a_leftImg8bit.png``, say.
        suffix (str, optional): What to take off, ``_leftImg8bit.png``; by default any of
            ``IMAGE_SUFFIXES``.
    """
    for ending in (suffix, ) if suffix else IMAGE_SUFFIXES:
        if file.lower().endswith(ending.lower()):
            return file[:-len(ending)]
    return file


def match_names(lines: Sequence[str], names: Sequence[str], suffix: str | None = None
                ) -> list[str]:
    """Find the images of a published list among those of the training set.

    Args:
        lines (Sequence[str]): As published: names, files, or paths from another root, as
            ``leftImg8bit/train/aachen/a_leftImg8bit.png`` for ``aachen/a``.
        names (Sequence[str]): The training set, bare names or files.
        suffix (str, optional): See :func:`bare_name`.

    Returns:
        list[str]: The name of each line, as it stands in ``names``.

    Raises:
        UserError: If a line is not among them, or two lines are one image.
    """
    known = {bare_name(name, suffix): name for name in names}
    matches = [_match(bare_name(line, suffix), known) for line in lines]
    absent = [line for line, name in zip(lines, matches) if name is None]
    if absent:
        raise UserError(f'{first_few(absent)} of the list is not in the training set: complete '
                        'the set, or give the list that was made for it')
    found = [name for name in matches if name is not None]
    if len(set(found)) < len(found):
        raise UserError('two lines of the list are one image of the training set: write whole '
                        'names')
    return found


def _match(line: str, known: Mapping[str, str]) -> str | None:
    parts = Path(line).parts
    return next((known[name] for name in ('/'.join(parts[k:]) for k in range(len(parts)))
                 if name in known), None)


def check_rest(path: Path, labeled: Iterable[str], names: Sequence[str],
               suffix: str | None = None) -> None:
    """Stop if a list of unlabelled images is not the training set without the labelled ones.

    Args:
        path (Path): The list.
        labeled (Iterable[str]): The labelled images, as in ``names``.
        names (Sequence[str]): The training set.
        suffix (str, optional): See :func:`bare_name`.

    Raises:
        UserError: If it holds other images.
    """
    others = set(match_names(read_names(path), names, suffix))
    wrong = sorted(others ^ (set(names) - set(labeled)))
    if wrong:
        raise UserError(f'{path} is not the training set without the labelled images: '
                        f'{first_few(wrong)}; fetch both lists again')


def check_published(count: int, total: int, number: int | None = None) -> str:
    """Compare a list with those that are published.

    Args:
        count (int): Images in the list.
        total (int): Images of the training set.
        number (int, optional): The count to expect of a list that is not published.

    Returns:
        str: What the list is, in words.

    Raises:
        UserError: If the count is another one, or the list divides another training set.
    """
    if number is not None:
        if count != number:
            raise UserError(f'the list has {count} images, not {number}: fetch it again, or '
                            'correct --number')
        return f'{count} of {total}'
    of = {name: one for name, one in PUBLISHED.items() if count in one.counts}
    if not of:
        counts = '; '.join(f'{name} {", ".join(map(str, one.counts))}'
                           for name, one in PUBLISHED.items())
        raise UserError(f'the list has {count} images, as no published one ({counts}): fetch '
                        f'it again, or give --number {count} if it is another one')
    name, one = next(iter(of.items()))
    if total != one.total:
        raise UserError(f'the list of {count} is that of {name}, which divides {one.total} '
                        f'images, and the training set has {total}: give the whole one, or '
                        f'--number {count} if it is meant so')
    return f'{name}, {count} of {total}'
