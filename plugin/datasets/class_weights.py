"""Weights of the classes in the loss, from how often they occur."""
from pathlib import Path
from typing import Any, Tuple

import numpy as np

from .checks import file_entries, leaf_datasets
from .file_checker import FileChecker
from .partition import count_pixels

MODES = ('median', 'inverse')


def class_weights(pixels: np.ndarray, sizes: np.ndarray, mode: str = 'median') -> np.ndarray:
    """Weigh classes by how rare they are.

    ``'median'``: median frequency balancing, ``w_c = median(f) / f_c`` with ``f_c`` the pixels of
    class c divided by the pixels of those pictures that show it. D. Eigen, R. Fergus, `Predicting
    Depth, Surface Normals and Semantic Labels <https://arxiv.org/abs/1411.4734>`_, section 6.3.3;
    V. Badrinarayanan, A. Kendall, R. Cipolla, `SegNet <https://arxiv.org/abs/1511.00561>`_,
    section 3.2.

    ``'inverse'``: ``w_c = P / (K p_c)`` of K classes that occur, with ``p_c`` the pixels of class
    c and P those of all classes: every class has the same share in the loss, and a pixel weighs 1
    on average.

    Args:
        pixels (np.ndarray): (N, C) pixels of each class in each picture.
        sizes (np.ndarray): (N, ) pixels of each picture, with those of no class.
        mode (str): ``'median'`` or ``'inverse'``. Defaults to ``'median'``.

    Returns:
        np.ndarray: (C, ) float; 0 for classes that never occur.

    Raises:
        ValueError: If the mode is unknown, or no class occurs.
    """
    if mode not in MODES:
        raise ValueError(f"mode={mode!r} is unknown: use 'median' or 'inverse'")
    totals = pixels.sum(0).astype(float)
    present = totals > 0
    if not present.any():
        raise ValueError('no picture shows any of the classes: look at the label maps and at the '
                         'classes of the data set')
    weights = np.zeros(pixels.shape[1])
    if mode == 'inverse':
        weights[present] = totals.sum() / present.sum() / totals[present]
        return weights
    shown = ((pixels > 0) * sizes[:, None]).sum(0)
    frequencies = totals[present] / shown[present]
    weights[present] = np.median(frequencies) / frequencies
    return weights


def count_classes(dataset: Any, jobs: int) -> Tuple[np.ndarray, np.ndarray]:
    """Count the pixels of each class in the label maps of a data set, as its pipeline reads them.

    Args:
        dataset (Any): A data set of mmseg, or a wrapper of several with the same classes. Pictures
            without labels are left out.
        jobs (int): Threads.

    Returns:
        tuple[np.ndarray, np.ndarray]: (N, C) pixels of each class, and (N, ) pixels, of each of
        the N label maps.

    Raises:
        FileNotFoundError: If a label is missing.
        ValueError: If there are no label maps, or one holds an id that is no class.
    """
    found = []
    for leaf in leaf_datasets(dataset):
        paths = [Path(entry.label) for entry in file_entries(leaf) if entry.label is not None]
        if paths:
            checker = FileChecker(leaf)
            found.append(_final_counts(checker, paths, count_pixels(paths, jobs)))
    if not found:
        raise ValueError('the training set has no label maps: class weights are for semantic '
                         'segmentation, and need a data set with seg_map_path')
    pixels, sizes = zip(*found)
    return np.concatenate(pixels), np.concatenate(sizes)


def _final_counts(checker: FileChecker, paths: list,
                  raw: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Counts by class, from counts by the value of the file, (N, 256)."""
    wrong = np.argwhere(raw[:, ~checker.legal])
    if len(wrong):
        value = np.flatnonzero(~checker.legal)[wrong[0, 1]]
        raise ValueError(
            f'value {value} in {checker.shown(str(paths[wrong[0, 0]]))} is none of the '
            f'{checker.num_classes} classes: complete the classes, or set pixels of no class to '
            f'{checker.ignore_index}')
    pixels = np.zeros((len(raw), checker.num_classes), int)
    for value, label in enumerate(checker.ids):
        if label < checker.num_classes and label != checker.ignore_index:
            pixels[:, label] += raw[:, value]
    return pixels, raw.sum(1)
