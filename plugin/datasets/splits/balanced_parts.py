"""Assignment of groups to parts such that the parts are alike."""
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from plugin.utils import UserError

# of the first feature, the images, against the others: a wrong number of images is seen first
FIRST_WEIGHT = 4.0
# swaps are sought among so many groups of each part; larger parts are alike without
CANDIDATES = 200
SWEEPS = 5


def assign_groups(features: np.ndarray, shares: Sequence[float], seed: int = 0) -> np.ndarray:
    """Give each group to a part such that all parts are alike.

    What is made small is Pearson's chi-square between the table of parts and features and its
    expectation, ``sum((found - expected)^2 / expected)``. The groups come one by one, rare and
    large ones first, and each goes where it lowers that sum most, among the parts that have room
    for its images. Then groups of equally many images change places while that lowers it.

    Args:
        features (np.ndarray): (G, F) what is to be balanced, summed over the images of each of
            G groups, none negative; the first of the F features is the number of images.
        shares (Sequence[float]): P shares that add up to 1.
        seed (int): Another seed, another assignment.

    Returns:
        np.ndarray: (G, ) int, the part of each group; no part is without a group.

    Raises:
        UserError: If there are fewer groups than parts.
    """
    number, parts = len(features), len(shares)
    if number < parts:
        raise UserError(
            f'{number} group(s) of images cannot fill {parts} parts: ask for fewer parts, or '
            'for smaller groups by another --group-by, a lower --distance or --duplicates report')
    totals = features.sum(0)
    features = features[:, totals > 0]
    totals = totals[totals > 0]
    expected = np.outer(shares, totals)
    weights = 1 / expected
    weights[:, 0] *= FIRST_WEIGHT
    # groups of about the same weight change places with the seed
    size = np.floor(np.log2((features / totals).sum(1)))
    order = np.random.default_rng(seed).permutation(number)
    order = order[np.argsort(-size[order], kind='stable')]
    chosen = _place(features, expected, weights, order)
    return _refine(features, chosen, expected, weights, order)


def assign_named(names: Sequence[str], features: np.ndarray, shares: Sequence[float],
                 groups: Sequence[int], seed: int = 0) -> np.ndarray:
    """Give each image to a part, groups undivided, whatever the order of the images.

    Args:
        names (Sequence[str]): N names, each once.
        features (np.ndarray): (N, F) what is to be balanced; see :func:`assign_groups`.
        shares (Sequence[float]): P shares that add up to 1.
        groups (Sequence[int]): N numbers of groups.
        seed (int): Another seed, another assignment.

    Returns:
        np.ndarray: (N, ) int, the part of each image.

    Raises:
        UserError: If there are fewer groups than parts.
    """
    order = np.array(sorted(range(len(names)), key=names.__getitem__))
    # numbered by their first image in the order of names
    _, first, inverse = np.unique(np.asarray(groups)[order], return_index=True,
                                  return_inverse=True)
    numbers = np.argsort(np.argsort(first))[inverse.reshape(-1)]
    sums = np.zeros((numbers.max() + 1, features.shape[1]))
    np.add.at(sums, numbers, features[order])
    parts = np.empty(len(names), int)
    parts[order] = assign_groups(sums, shares, seed)[numbers]
    return parts


def _place(features: np.ndarray, expected: np.ndarray, weights: np.ndarray,
           order: np.ndarray) -> np.ndarray:
    """Let the groups choose their parts one by one."""
    number, parts = len(features), len(expected)
    # cumulated, so that the rounded limits add up to all images
    limits = np.diff(np.round(np.cumsum([0, *expected[:, 0]])))
    found, chosen = np.zeros_like(expected), np.zeros(number, int)
    vacant = np.ones(parts, bool)
    for rank, group in enumerate(order):
        added = features[group]
        change = (weights * added * (2 * (found - expected) + added)).sum(1)
        fits = found[:, 0] + added[0] <= limits
        if vacant.sum() == number - rank:  # the last groups go where there is none yet
            fits = vacant
        if fits.any():
            change[~fits] = np.inf
        part = int(change.argmin())
        chosen[group] = part
        found[part] += added
        vacant[part] = False
    return chosen


def _refine(features: np.ndarray, chosen: np.ndarray, expected: np.ndarray, weights: np.ndarray,
            order: np.ndarray) -> np.ndarray:
    """Swap groups between all pairs of parts until none gains by it."""
    for _ in range(SWEEPS):
        before = chosen
        for pair in combinations(range(len(expected)), 2):
            chosen = _swap(features, chosen, expected, weights, pair, order)
        if np.array_equal(chosen, before):
            break
    return chosen


def _swap(features: np.ndarray, chosen: np.ndarray, expected: np.ndarray, weights: np.ndarray,
          pair: tuple[int, int], order: np.ndarray) -> np.ndarray:
    """Swap groups of equally many images between two parts while it lowers the sum."""
    a, b = pair
    chosen = chosen.copy()
    excess_a, excess_b = (features[chosen == part].sum(0) - expected[part] for part in pair)
    # the last ones in the order are the small and common ones, which fit anywhere
    ours, theirs = (order[chosen[order] == part][-CANDIDATES:] for part in pair)
    both = weights[a] + weights[b]
    for _ in range(CANDIDATES):
        mine, yours = features[ours], features[theirs]
        slope = 2 * (weights[b] * excess_b - weights[a] * excess_a)
        # with d = mine - yours this is the sum over features of both * d^2 + slope * d
        change = ((both * mine**2 + slope * mine).sum(1)[:, None]
                  + (both * yours**2 - slope * yours).sum(1) - 2 * (both * mine) @ yours.T)
        change[mine[:, :1] != yours[:, 0]] = np.inf
        i, j = np.unravel_index(change.argmin(), change.shape)
        if change[i, j] > -1e-9:
            break
        moved = mine[i] - yours[j]
        excess_a, excess_b = excess_a - moved, excess_b + moved
        chosen[ours[i]], chosen[theirs[j]] = b, a
        ours[i], theirs[j] = theirs[j], ours[i]
    return chosen
