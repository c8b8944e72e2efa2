"""A COCO file split into files for training, validation and test, or into folds."""
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from plugin.utils import UserError, atomic_path, first_few
from plugin.utils.console import progress

from ..doctor.near_duplicates import DISTANCE, hash_images, label_duplicates
from ..labels.coco_file import read_coco
from ..labels.image_files import fullest_folder
from .coco_split import (
    PartSummary,
    assign_images,
    join_labels,
    names_of_groups,
    part_shares,
    summarise,
    take_images,
)

OWN_NAME = re.compile(r'(train|val|test|fold\d+_(train|val))\.json')
DUPLICATES = ('together', 'report', 'ignore')


class Split(NamedTuple):
    """What :func:`split` wrote.

    Attributes:
        files (list[Path]): The COCO files, ``train.json``, ... or ``fold0_train.json``, ...
        names (list[str]): The N images, as the COCO file names them.
        parts (list[str]): The part of each image: ``train``, ``val``, ``test``, or ``fold0``, ...
        summaries (dict[str, PartSummary]): What each part holds.
        animals (dict[str, dict[str, int]]): Of each class, its instances by part.
        groups (list[str | None], optional): The group of each image, None where ``group_by`` finds
            none; None if it was not asked for.
        duplicates (np.ndarray, optional): (N, ) int, the same number for near-duplicates; None if
            they were ignored.
        flat (list[str]): Images of one colour, which cannot be compared.
        stale (list[str]): Files of an earlier split beside the new ones.
        notes (list[str]): What is to be known of the COCO file, a sentence each.
    """

    files: list[Path]
    names: list[str]
    parts: list[str]
    summaries: dict[str, PartSummary]
    animals: dict[str, dict[str, int]]
    groups: list[str | None] | None
    duplicates: np.ndarray | None
    flat: list[str]
    stale: list[str]
    notes: list[str]


def split(data: str | Path, *, val: float | None = None, test: float | None = None,
          folds: int | None = None, seed: int = 0, group_by: str | None = None,
          duplicates: str = 'together', distance: int | None = None,
          images: str | Path | None = None, out_dir: str | Path | None = None,
          overwrite: bool = False, jobs: int = 1) -> Split:
    """Split a COCO file into parts that share no group of images and are alike in instances.

    Together the parts are exactly the input. All files are written, or none.

    Args:
        data (str | Path): The COCO file.
        val (float, optional): Share for validation, between 0 and 1.
        test (float, optional): Share for the test, between 0 and 1.
        folds (int, optional): Number of equal folds instead, written as ``fold0_train.json``,
            ``fold0_val.json``, ...
        seed (int): Another seed, another split.
        group_by (str, optional): Regular expression that finds the name of the camera, farm or
            video in a file name; images of one name stay together.
        duplicates (str): Near-duplicate images: ``together`` keeps them on one side, ``report``
            only looks for them, ``ignore`` opens no image.
        distance (int, optional): Images are near-duplicates if so many of the 64 bits of their
            perceptual hashes differ, or fewer. Defaults to 10.
        images (str | Path, optional): Folder of the images. Defaults to that of the COCO file, or
            ``images`` in it.
        out_dir (str | Path, optional): Where to write. Defaults to the folder of the COCO file.
        overwrite (bool): Replace an earlier split.
        jobs (int): Threads that read images.

    Returns:
        Split: What was written.

    Raises:
        OSError: If a file is missing, or must not be replaced.
        UserError: If the file cannot be divided in this way.

    Example:
        >>> from plugin.datasets.splits import split
        >>> done = split('data/barn/annotations/train.json', val=0.25, out_dir='parts',
        ...              images='data/barn/images/train')
        >>> [path.name for path in done.files]
        ['train.json', 'val.json']
    """
    if duplicates not in DUPLICATES:
        raise UserError(f'duplicates={duplicates!r} is none of {", ".join(DUPLICATES)}')
    data = Path(data)
    shares = part_shares(val, test, folds)
    coco = read_coco(str(data), absent=f'{data} is no file: give the COCO file that a '
                     'converter of tools/data wrote')
    content = coco.content
    out = data.parent if out_dir is None else Path(out_dir)
    targets = _free_targets(data, out, _file_names(shares, folds), overwrite)
    names = [image['file_name'] for image in content['images']]
    groups = None if group_by is None else names_of_groups(names, group_by)
    copies: np.ndarray | None = None
    flat: list[str] = []
    if duplicates != 'ignore':
        paths = _find_images(data, None if images is None else Path(images), names)
        copies, flat = _find_duplicates(paths, names, distance, jobs)
    labellings: list[Sequence] = [range(len(names))]
    labellings += [groups] if groups is not None else []
    labellings += [copies.tolist()] if copies is not None and duplicates == 'together' else []
    numbers = join_labels(*labellings)
    parts = assign_images(content, list(shares.values()), numbers.tolist(), seed)
    places = {name: parts == k for k, name in enumerate(shares)}
    _write_all(dict(zip(targets, _contents(content, places, folds), strict=True)))
    splits = {name: take_images(content, place) for name, place in places.items()}
    return Split(
        targets, names, [list(shares)[part] for part in parts],
        {name: summarise(part, numbers[places[name]].tolist()) for name, part in splits.items()},
        _count_animals(content, splits), groups, copies, flat, _stale(out, targets),
        [note.sentence for note in coco.notes])


def _file_names(shares: Mapping[str, float], folds: int | None) -> list[str]:
    """Names of the files without their suffix."""
    if folds is None:
        return list(shares)
    return [f'{fold}_{side}' for fold in shares for side in ('train', 'val')]


def _contents(content: Mapping[str, Any], places: Mapping[str, np.ndarray],
              folds: int | None) -> list[dict]:
    """What each file holds."""
    if folds is None:
        return [take_images(content, place) for place in places.values()]
    return [take_images(content, place == (side == 'val'))
            for place in places.values() for side in ('train', 'val')]


def _free_targets(data: Path, folder: Path, names: Sequence[str], overwrite: bool) -> list[Path]:
    """Paths of the files to write, none of which may be the input or a file to be kept."""
    targets = [folder / f'{name}.json' for name in names]
    if data.resolve() in [target.resolve() for target in targets]:
        raise FileExistsError(f'{data} has the name of a part: give another --out-dir')
    existing = [str(target) for target in targets if target.exists()]
    if existing and not overwrite:
        raise FileExistsError(f'{first_few(existing)} exists: give another --out-dir, or '
                              '--overwrite to replace it')
    return targets


def _find_images(data: Path, images: Path | None, names: Sequence[str]) -> list[Path]:
    """Paths of the images."""
    folders = [images] if images else [data.parent, data.parent / 'images']
    folder, absent = fullest_folder(names, folders)
    if absent:
        raise FileNotFoundError(
            f'{len(absent)} of {len(names)} images are not in {folder} '
            f'({first_few(absent)}): give their folder as --images, or '
            '--duplicates ignore')
    return [folder / name for name in names]


def _find_duplicates(paths: Sequence[Path], names: Sequence[str], distance: int | None,
                     jobs: int) -> tuple[np.ndarray, list[str]]:
    """Numbers of the sets of near-duplicates, one an image; and images of one colour."""
    hashes = list(progress(hash_images(paths, jobs), 'images', total=len(paths)))
    flat = [name for name, one in zip(names, hashes, strict=True) if one.flat]
    return label_duplicates(hashes, DISTANCE if distance is None else distance), flat


def _write_all(contents: Mapping[Path, Any]) -> None:
    """Write JSON files, all of them or none."""
    with ExitStack() as stack:
        # files get their names when the stack is left, after the last one is written
        for path, content in contents.items():
            # ASCII only: half a surrogate pair, as in some file names, is no UTF-8
            stack.enter_context(atomic_path(path)).write_text(_text(content))


def _text(content: Any) -> str:
    try:
        return json.dumps(content)
    except RecursionError as error:
        raise UserError('a value of the COCO file is nested too deeply to be written again: '
                        'remove it') from error


def _count_animals(content: Mapping[str, Any],
                   splits: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Of each class, its instances by part, without crowds."""
    classes = {category['id']: str(category.get('name'))
               for category in content.get('categories', [])}
    found: dict[str, dict[str, int]] = {
        title: dict.fromkeys(splits, 0) for title in classes.values()}
    for name, part in splits.items():
        for annotation in part['annotations']:
            title = classes.get(annotation.get('category_id'))
            if title is not None and not annotation.get('iscrowd'):
                found[title][name] += 1
    return found


def _stale(folder: Path, targets: Sequence[Path]) -> list[str]:
    """Files of an earlier split that lie beside the new ones."""
    return sorted(path.name for path in folder.iterdir()
                  if OWN_NAME.fullmatch(path.name) and path not in targets)
