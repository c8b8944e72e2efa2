"""Division of a training set into a small labelled part and an unlabelled rest."""
import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from plugin.utils import UserError

from .balanced_parts import assign_groups


def labeled_number(total: int, ratio: str | None = None, number: int | None = None) -> int:
    """How many images are labelled.

    Args:
        total (int): Images of the training set.
        ratio (str, optional): Share of them, as ``1/8`` or ``0.125``; rounded up, as published:
            1/16 of 10582 is 662.
        number (int, optional): Their number instead.

    Returns:
        int: At least 1, and less than ``total``.

    Raises:
        UserError: If it is no share or number, or leaves no image unlabelled.
    """
    if ratio is not None:
        try:
            share = Fraction(ratio)
        except (ValueError, ZeroDivisionError) as error:
            raise UserError(f'ratio {ratio} is no share: write for example 1/8') from error
        if not 0 < share < 1:
            raise UserError(f'ratio {ratio} is no share of the images: give one between 0 '
                            'and 1, for example 1/8')
        number = math.ceil(total * share)
    if number is None:
        raise UserError('nobody says how many images are labelled: give a ratio or a number')
    if not 0 < number < total:
        raise UserError(f'{number} of {total} images to be labelled leave none on one side: '
                        'ask for at least 1, and fewer than all')
    return number


def choose_labeled(names: Sequence[str], pixels: np.ndarray, number: int, seed: int = 0,
                   more: np.ndarray | None = None) -> np.ndarray:
    """Choose the images to be labelled: alike to all, and every class among them.

    The part is balanced against the rest by the classes that images show and the area these cover
    (:func:`~plugin.datasets.splits.balanced_parts.assign_groups`). Then two images change places
    while that adds to the classes shown. No class is missing that occurs at all if ``number`` is
    at least C; otherwise half as many are shown as by the best choice, or more.

    Args:
        names (Sequence[str]): N names, in any order.
        pixels (np.ndarray): (N, C) pixels of each class in each image.
        number (int): Images to choose, less than N.
        seed (int): Another seed, another choice.
        more (np.ndarray, optional): (N, F) what else is to be alike, summed over the images, none
            negative; such as the numbers of instances of
            :func:`~plugin.datasets.splits.image_features`.

    Returns:
        np.ndarray: (N, ) bool; the same images for any order of them.
    """
    order = np.array(sorted(range(len(names)), key=names.__getitem__))
    counts = pixels[order]
    shown = counts > 0
    areas = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    share = number / len(names)
    further = [] if more is None else [more[order]]
    features = np.concatenate([np.ones((len(names), 1)), shown, areas, *further], axis=1)
    parts = assign_groups(features, (share, 1 - share), seed)
    chosen = np.zeros(len(names), bool)
    chosen[order] = _complete(shown, parts == 0, np.random.default_rng(seed))
    return chosen


def _complete(shown: np.ndarray, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exchange two images while more classes come than go, (N, ) bool."""
    chosen = chosen.copy()
    while True:
        missing = shown.any(0) & ~shown[chosen].any(0)
        comers = np.flatnonzero(shown[:, missing].any(1))
        if not len(comers):
            return chosen
        goers = np.flatnonzero(chosen)
        # a class goes with the only image that shows it, unless the new one shows it as well
        alone = shown[goers] & (shown[goers].sum(0) == 1)
        change = shown[comers][:, missing].sum(1) - alone.astype(int) @ ~shown[comers].T
        if change.max() <= 0:
            return chosen
        goer, comer = rng.choice(np.argwhere(change == change.max()))
        chosen[goers[goer]], chosen[comers[comer]] = False, True
