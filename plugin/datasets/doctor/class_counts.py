"""How many pixels of each class a data set holds."""
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mmcv
import numpy as np

from plugin.utils import UserError
from plugin.utils.console import progress

from ..labels.coco_file import CocoFile
from ..leaves import leaf_datasets
from ..transforms import LoadInstanceSegMap
from .depth import scaled_text
from .file_checker import FileChecker
from .preflight import file_entries


def label_pixels(path: Path) -> np.ndarray:
    """Count the pixels of each id in a label map.

    Args:
        path (Path): Gray or palette image of class ids.

    Returns:
        np.ndarray: (256, ) int, pixels by id.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If it is no label map.
    """
    if not path.is_file():
        raise FileNotFoundError(f'label {path} does not exist: add it, or correct --labels and '
                                '--label-suffix')
    data = path.read_bytes()
    try:
        label = mmcv.imfrombytes(data, flag='unchanged', backend='pillow')
    except Exception as error:  # decoders raise anything
        raise UserError(f'{path} is no label map that can be read: replace it') from error
    if scaled := scaled_text(data, label):
        raise UserError(f'{path} {": ".join(scaled)}')
    if label.ndim != 2 or label.min(initial=0) < 0 or label.max(initial=0) > 255:
        raise UserError(f'{path} holds no class ids from 0 to 255 ({label.shape}, {label.dtype}):'
                        ' turn its colours into ids as data/README.md shows')
    return np.bincount(label.ravel(), minlength=256)


def count_pixels(paths: Sequence[Path], jobs: int) -> np.ndarray:
    """Count the pixels of each id in N label maps, with a bar on a terminal.

    Args:
        paths (Sequence[Path]): The label maps.
        jobs (int): Threads.

    Returns:
        np.ndarray: (N, 256) int; see :func:`label_pixels`.
    """
    executor = ThreadPoolExecutor(jobs)
    try:
        return np.stack(list(progress(executor.map(label_pixels, paths), 'labels',
                                      total=len(paths), transient=True)))
    finally:
        # the first bad file, or an interrupt, ends it
        executor.shutdown(cancel_futures=True)


def outline_pixels(coco: CocoFile) -> np.ndarray:
    """Count the pixels of each class in the drawn outlines of a COCO file.

    Args:
        coco (CocoFile): N images, C categories.

    Returns:
        np.ndarray: (N, 1 + C) int: the background, then the categories in their order. Crowds
        are in no column.
    """
    draw = LoadInstanceSegMap()
    labels = {category: label for label, category in enumerate(coco.categories.values(), start=1)}
    counts = np.zeros((len(coco.images), 1 + len(labels)), int)
    for row, image in zip(counts, coco.images):
        segments = [dict(segmentation=one['segmentation'], area=one['area'],
                         label=labels[one['category_id']], iscrowd=bool(one.get('iscrowd', 0)))
                    for one in coco.annotations[image['id']]]
        drawn: dict[str, Any] = draw.transform(dict(
            height=image['height'], width=image['width'], segments=segments, seg_fields=[]))
        row += np.bincount(drawn['gt_seg_map'].ravel(), minlength=256)[:len(row)]
    return counts


def absent_classes(classes: Sequence[str], pixels: np.ndarray) -> list[str]:
    """Classes that no image shows; ``pixels`` is (N, C)."""
    return [name for name, count in zip(classes, pixels.sum(0)) if not count]


def count_classes(dataset: Any, jobs: int) -> tuple[np.ndarray, np.ndarray]:
    """Count the pixels of each class in the label maps of a data set, as its pipeline reads them.

    Args:
        dataset (Any): A data set of mmseg, or a wrapper of several with the same classes. Images
            without labels are left out.
        jobs (int): Threads.

    Returns:
        tuple[np.ndarray, np.ndarray]: (N, C) pixels of each class, and (N, ) pixels, of each of
        the N label maps.

    Raises:
        FileNotFoundError: If a label is missing.
        UserError: If there are no label maps, or one holds an id that is no class.
    """
    found = []
    for leaf in leaf_datasets(dataset):
        paths = [Path(entry.label) for entry in file_entries(leaf) if entry.label is not None]
        if paths:
            checker = FileChecker(leaf)
            found.append(_final_counts(checker, paths, count_pixels(paths, jobs)))
    if not found:
        raise UserError('the training set has no label maps: class weights are for semantic '
                        'segmentation, and need a data set with seg_map_path')
    pixels, sizes = zip(*found)
    return np.concatenate(pixels), np.concatenate(sizes)


def _final_counts(checker: FileChecker, paths: list,
                  raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts by class, from counts by the value of the file, (N, 256)."""
    wrong = np.argwhere(raw[:, ~checker.legal])
    if len(wrong):
        value = np.flatnonzero(~checker.legal)[wrong[0, 1]]
        raise UserError(
            f'value {value} in {checker.shown(str(paths[wrong[0, 0]]))} is none of the '
            f'{checker.num_classes} classes: complete the classes, or set pixels of no class to '
            f'{checker.ignore_index}')
    pixels = np.zeros((len(raw), checker.num_classes), int)
    for value, label in enumerate(checker.ids):
        if label < checker.num_classes and label != checker.ignore_index:
            pixels[:, label] += raw[:, value]
    return pixels, raw.sum(1)
