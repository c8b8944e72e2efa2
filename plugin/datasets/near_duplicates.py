"""Pictures that show nearly the same, found by their perceptual hashes."""
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator, List, NamedTuple, Sequence, Tuple

import imagehash
import numpy as np
from PIL import Image, ImageOps
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# Hamming distance of 64 bits, always even. Of 323 barnyard and 560 wildlife pictures, all 5 pairs
# within 10 show one scene twice; at 12 half of the pairs are strangers
DISTANCE = 10
# grey levels that a picture of 32 x 32 must span; below, noise alone makes the hash
FLAT = 8
BLOCK = 128


class PictureHash(NamedTuple):
    """What a picture looks like from afar.

    Attributes:
        bits (np.ndarray): (64, ) bool, the perceptual hash.
        flat (bool): The picture is all of one colour, so that its hash says nothing.
    """

    bits: np.ndarray
    flat: bool


def hash_picture(path: Path) -> PictureHash:
    """Hash a picture, turned as its EXIF entry says.

    The hash compares the 8 x 8 lowest frequencies of the grey picture with their median
    (http://www.phash.org). Size, sharpness and brightness hardly change it.

    Args:
        path (Path): The picture.

    Returns:
        PictureHash: Its hash.

    Raises:
        ValueError: If it cannot be read.
    """
    try:
        with Image.open(path) as picture:
            picture.draft('L', (128, 128))  # a JPEG is decoded at this size at once
            grey = ImageOps.exif_transpose(picture).convert('L')
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f'{path} cannot be read as a picture ({error}): replace it, or give '
                         '--duplicates ignore') from error
    return hash_grey(grey)


def hash_grey(grey: Image.Image) -> PictureHash:
    """Hash a picture that was loaded already, in mode L; see :func:`hash_picture`."""
    low, high = grey.resize((32, 32), Image.Resampling.LANCZOS).getextrema()
    return PictureHash(imagehash.phash(grey).hash.ravel(), high - low < FLAT)


def hash_pictures(paths: Sequence[Path], jobs: int = 1) -> Iterator[PictureHash]:
    """Hash pictures by several threads.

    Args:
        paths (Sequence[Path]): N pictures.
        jobs (int): Number of threads.

    Yields:
        PictureHash: N hashes, in the order of the paths.

    Raises:
        ValueError: If a picture cannot be read.
    """
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(hash_picture, paths)


def label_duplicates(hashes: Sequence[PictureHash], distance: int = DISTANCE) -> np.ndarray:
    """Number the sets of pictures that are linked by small distances.

    Args:
        hashes (Sequence[PictureHash]): N hashes.
        distance (int): Pictures whose hashes differ in so many of 64 bits, or fewer, are linked.
            A flat picture is linked to none.

    Returns:
        np.ndarray: (N, ) int, numbers from 0 of the sets. A picture like no other has a number
        of its own; of two with one number, a chain of links leads from one to the other.

    Raises:
        ValueError: If ``distance`` is not within 0..31.
    """
    if not 0 <= distance < 32:
        raise ValueError(f'distance={distance} is no distance of near-duplicates: give a number '
                         f'from 0 to 31, for example {DISTANCE}')
    number = len(hashes)
    clear = np.array([k for k, one in enumerate(hashes) if not one.flat], int)
    labels = np.arange(number)
    if len(clear) == 0:
        return labels
    signs = _signs([hashes[k] for k in clear])
    for start in range(0, len(clear), BLOCK):
        near = signs[start:start + BLOCK] @ signs[start:].T >= 64 - 2 * distance
        rows, columns = (clear[start + places] for places in np.nonzero(near))
        # each picture stays linked to the first of its set, so that pairs need not be kept
        rows = np.concatenate([rows, np.arange(number)])
        columns = np.concatenate([columns, labels])
        graph = coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(number, number))
        labels = connected_components(graph, directed=False)[1]
        labels = np.unique(labels, return_index=True)[1][labels]
    return np.unique(labels, return_inverse=True)[1].reshape(-1)


def nearest_pictures(hashes: Sequence[PictureHash], others: Sequence[PictureHash],
                     distance: int = DISTANCE) -> List[Tuple[int, int]]:
    """Find for each picture the one of another set that looks most like it.

    Args:
        hashes (Sequence[PictureHash]): N hashes.
        others (Sequence[PictureHash]): M hashes of the other set.
        distance (int): Only what differs in so many of 64 bits, or fewer, counts.

    Returns:
        list[tuple[int, int]]: Place in ``hashes`` and in ``others`` of at most N pairs, in order.
        A flat picture is in none.
    """
    rows = [k for k, one in enumerate(hashes) if not one.flat]
    columns = [k for k, one in enumerate(others) if not one.flat]
    if not rows or not columns:
        return []
    signs, targets = _signs([hashes[k] for k in rows]), _signs([others[k] for k in columns]).T
    found = []
    for start in range(0, len(rows), BLOCK):
        alike = signs[start:start + BLOCK] @ targets
        best = alike.argmax(1)
        near = np.flatnonzero(alike[np.arange(len(best)), best] >= 64 - 2 * distance)
        found += [(rows[start + k], columns[best[k]]) for k in near]
    return found


def _signs(hashes: Sequence[PictureHash]) -> np.ndarray:
    """Bits as -1 and 1, (N, 64): the product of two is 64 - 2 * distance."""
    return np.stack([one.bits for one in hashes]).astype(np.float32) * 2 - 1
