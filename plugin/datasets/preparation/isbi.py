"""ISBI 2012 laid out for training: single images, class ids, and lists for cross-validation."""
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageSequence

from plugin.utils import UserError, atomic_path, first_few, write_atomically
from plugin.utils.images import open_image

from ..labels.image_files import is_image

PLACE = ('train-volume.tif and train-labels.tif come from the page of the ISBI 2012 challenge '
         '"Segmentation of neuronal structures in EM stacks"')


class IsbiSet(NamedTuple):
    """What :func:`prepare_isbi` wrote.

    Attributes:
        names (list[str]): Names of the images, in their order.
        cells (float): Share of the pixels that are cells, 0..1.
        lists (dict[str, list[str]]): Names of the images in ``fold0/train.txt``, ...
    """

    names: list[str]
    cells: float
    lists: dict[str, list[str]]


def prepare_isbi(images: str | Path, labels: str | Path, out: str | Path, *, folds: int = 3,
                 seed: int = 0) -> IsbiSet:
    """Lay out ISBI 2012: ``images``, ``labels`` (0 membrane, 1 cell) and lists of folds.

    The sources are never written to. The same seed gives the same folds.

    Args:
        images (str | Path): ``train-volume.tif``, or a folder of images.
        labels (str | Path): ``train-labels.tif``, or a folder of labels with the same names: 0
            membrane, 255 (or 1) cell.
        out (str | Path): Where to write.
        folds (int): Parts of which each is once the validation set; 0 writes no lists. Defaults
            to 3.
        seed (int): Another seed, other folds.

    Returns:
        IsbiSet: What was written.

    Raises:
        OSError: If a source is missing, or another set would be mixed with this one.
        UserError: If images and labels do not fit each other.
    """
    out, sources = Path(out), (Path(images), Path(labels))
    stack, drawn = (_read_stack(source) for source in sources)
    _check_pairs(stack, drawn)
    ids = _class_ids(drawn)
    lists = _fold_lists(list(stack), folds, seed)
    _check_target(out, sources, list(stack), lists)
    for folder, values in (('images', stack), ('labels', ids)):
        for name, content in values.items():
            # a name may hold dots: the suffix is added, not replaced
            with atomic_path(out / folder / f'{name}.png') as temporary:
                Image.fromarray(content).save(temporary)
    for file, names in lists.items():
        write_atomically(out / file, ''.join(f'{name}\n' for name in names))
    cells = sum(int(label.sum()) for label in ids.values()) / sum(
        label.size for label in ids.values())
    return IsbiSet(list(stack), cells, lists)


def _read_stack(source: Path) -> dict[str, np.ndarray]:
    """Grey images by name, (H, W) uint8 each: the pages of a TIFF, or the files of a folder."""
    if source.is_dir():
        files: dict[str, Path] = {}
        for path in sorted(filter(is_image, source.iterdir())):
            if path.stem in files:
                raise UserError(f'{files[path.stem]} and {path} have the same name: remove one '
                                'of them')
            files[path.stem] = path
        if not files:
            raise FileNotFoundError(f'{source} holds no images; {PLACE}')
        found = {}
        for name in sorted(files, key=_by_number):
            with open_image(files[name]) as image:
                found[name] = _grey(image, str(files[name]))
        return found
    if not source.is_file():
        raise FileNotFoundError(f'{source} does not exist; {PLACE}')
    with open_image(source) as stack:
        return {f'{page:02}': _grey(image, f'page {page} of {source}')
                for page, image in enumerate(ImageSequence.Iterator(stack))}


def _grey(image: Image.Image, where: str) -> np.ndarray:
    if image.mode not in ('L', '1'):
        raise UserError(f'{where} is an image of mode {image.mode}: save it with 8 bits of '
                        'grey and no colours')
    return np.asarray(image.convert('L'))


def _by_number(name: str) -> list[tuple[int, str]]:
    """Sort 2 before 10."""
    return [(int(part), '') if part.isdigit() else (-1, part)
            for part in re.split(r'(\d+)', name)]


def _check_pairs(images: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray]) -> None:
    """Stop unless each image has a label of its size, and the reverse."""
    for one, other, what in ((images, labels, 'label'), (labels, images, 'image')):
        missing = [name for name in one if name not in other]
        if missing:
            raise UserError(f'{first_few(missing)} have no {what}: give as many images as '
                            'labels, under the same names')
    for name, image in images.items():
        if image.shape != labels[name].shape:
            (height, width), (rows, columns) = image.shape, labels[name].shape
            raise UserError(f'{name} is {width}x{height} as an image and {columns}x{rows} as a '
                            'label (width x height): give the label that belongs to it')


def _class_ids(labels: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The labels with 1 instead of 255."""
    values = {name: set(np.unique(label).tolist()) for name, label in labels.items()}
    top = max(max(found) for found in values.values())
    allowed = {0, 1} if top == 1 else {0, 255}
    for name, found in values.items():
        if not found <= allowed:
            raise UserError(f'the label {name} holds the value {min(found - allowed)}: labels are '
                            '0 (membrane) and 255 or 1 (cell), the same in all of them, and were '
                            'not saved as JPEG')
    return {name: (label > 0).astype(np.uint8) for name, label in labels.items()}


def _fold_lists(names: Sequence[str], number: int, seed: int) -> dict[str, list[str]]:
    """Names of ``fold<k>/train.txt`` and ``val.txt``; each name is in one validation set."""
    if number > len(names):
        raise UserError(f'--folds {number} needs as many images, there are {len(names)}: give '
                        f'{len(names)} or less')
    order = np.random.default_rng(seed).permutation(len(names))
    lists = {}
    for fold, chosen in enumerate(np.array_split(order, number) if number else []):
        part = set(chosen.tolist())
        for split, wanted in (('train', False), ('val', True)):
            lists[f'fold{fold}/{split}.txt'] = [
                name for place, name in enumerate(names) if (place in part) is wanted]
    return lists


def _check_target(out: Path, sources: Sequence[Path], names: Sequence[str],
                  lists: Mapping[str, list[str]]) -> None:
    """Stop before sources are overwritten, or two sets are mixed."""
    targets = [(out / folder).resolve() for folder in ('images', 'labels')]
    if any(source.resolve() in targets for source in sources):
        raise FileExistsError(f'{out} holds the sources themselves: give another --out')
    others = [path.name for folder in ('images', 'labels')
              for path in sorted((out / folder).glob('[!.]*')) if path.stem not in names]
    others += [f'{path.parent.name}/{path.name}' for path in sorted(out.glob('fold*/*.txt'))
               if path.read_text(encoding='utf-8').splitlines() != lists.get(
                   f'{path.parent.name}/{path.name}')]
    if others:
        raise FileExistsError(f'{out} holds {first_few(others)} of another set or other folds: '
                              'move them away, or give another --out')
