"""Division of a training set into a small labelled part and an unlabelled rest."""
import math
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import mmcv
import numpy as np
from rich.console import Console
from rich.progress import track

from .balanced_parts import assign_groups
from .coco_file import CocoFile
from .transforms import LoadInstanceSegMap


def labeled_number(total: int, ratio: Optional[str] = None, number: Optional[int] = None) -> int:
    """How many pictures are labelled.

    Args:
        total (int): Pictures of the training set.
        ratio (str, optional): Share of them, as ``1/8`` or ``0.125``; rounded up, as published:
            1/16 of 10582 is 662.
        number (int, optional): Their number instead.

    Returns:
        int: At least 1, and less than ``total``.

    Raises:
        ValueError: If it is no share or number, or leaves no picture unlabelled.
    """
    if ratio is not None:
        try:
            share = Fraction(ratio)
        except (ValueError, ZeroDivisionError) as error:
            raise ValueError(f'ratio {ratio} is no share: write for example 1/8') from error
        if not 0 < share < 1:
            raise ValueError(f'ratio {ratio} is no share of the pictures: give one between 0 '
                             'and 1, for example 1/8')
        number = math.ceil(total * share)
    if not 0 < number < total:
        raise ValueError(f'{number} of {total} pictures to be labelled leave none on one side: '
                         'ask for at least 1, and fewer than all')
    return number


def label_pixels(path: Path) -> np.ndarray:
    """Count the pixels of each id in a label map.

    Args:
        path (Path): Gray or palette picture of class ids.

    Returns:
        np.ndarray: (256, ) int, pixels by id.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no label map.
    """
    if not path.is_file():
        raise FileNotFoundError(f'label {path} does not exist: add it, or correct --labels and '
                                '--label-suffix')
    try:
        label = mmcv.imfrombytes(path.read_bytes(), flag='unchanged', backend='pillow')
    except Exception as error:  # decoders raise anything
        raise ValueError(f'{path} is no label map that can be read: replace it') from error
    if label.ndim != 2 or label.min(initial=0) < 0 or label.max(initial=0) > 255:
        raise ValueError(f'{path} holds no class ids from 0 to 255 ({label.shape}, {label.dtype}):'
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
    console = Console(stderr=True)
    executor = ThreadPoolExecutor(jobs)
    try:
        return np.stack(list(track(
            executor.map(label_pixels, paths), 'labels', total=len(paths), console=console,
            transient=True, disable=not console.is_terminal)))
    finally:
        # the first bad file, or an interrupt, ends it
        executor.shutdown(cancel_futures=True)


def outline_pixels(coco: CocoFile) -> np.ndarray:
    """Count the pixels of each class in the drawn outlines of a COCO file.

    Args:
        coco (CocoFile): N pictures, C categories.

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
        drawn: Dict[str, Any] = draw.transform(dict(
            height=image['height'], width=image['width'], segments=segments, seg_fields=[]))
        row += np.bincount(drawn['gt_seg_map'].ravel(), minlength=256)[:len(row)]
    return counts


def choose_labeled(names: Sequence[str], pixels: np.ndarray, number: int,
                   seed: int = 0) -> np.ndarray:
    """Choose the pictures to be labelled: alike to all, and every class among them.

    The part is balanced against the rest by the classes that pictures show and the area these
    cover (:func:`~plugin.datasets.balanced_parts.assign_groups`). Then two pictures change places
    while that adds to the classes shown. No class is missing that occurs at all if ``number`` is
    at least C; otherwise half as many are shown as by the best choice, or more.

    Args:
        names (Sequence[str]): N names, in any order.
        pixels (np.ndarray): (N, C) pixels of each class in each picture.
        number (int): Pictures to choose, less than N.
        seed (int): Another seed, another choice.

    Returns:
        np.ndarray: (N, ) bool; the same pictures for any order of them.
    """
    order = np.array(sorted(range(len(names)), key=names.__getitem__))
    counts = pixels[order]
    shown = counts > 0
    areas = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    share = number / len(names)
    features = np.concatenate([np.ones((len(names), 1)), shown, areas], axis=1)
    parts = assign_groups(features, (share, 1 - share), seed)
    chosen = np.zeros(len(names), bool)
    chosen[order] = _complete(shown, parts == 0, np.random.default_rng(seed))
    return chosen


def _complete(shown: np.ndarray, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exchange two pictures while more classes come than go, (N, ) bool."""
    chosen = chosen.copy()
    while True:
        missing = shown.any(0) & ~shown[chosen].any(0)
        comers = np.flatnonzero(shown[:, missing].any(1))
        if not len(comers):
            return chosen
        goers = np.flatnonzero(chosen)
        # a class goes with the only picture that shows it, unless the new one shows it as well
        alone = shown[goers] & (shown[goers].sum(0) == 1)
        change = shown[comers][:, missing].sum(1) - alone.astype(int) @ ~shown[comers].T
        if change.max() <= 0:
            return chosen
        goer, comer = rng.choice(np.argwhere(change == change.max()))
        chosen[goers[goer]], chosen[comers[comer]] = False, True


def absent_classes(classes: Sequence[str], pixels: np.ndarray) -> List[str]:
    """Classes that no picture shows; ``pixels`` is (N, C)."""
    return [name for name, count in zip(classes, pixels.sum(0)) if not count]
