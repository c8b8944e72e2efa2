"""Images that show nearly the same, found by their perceptual hashes."""
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from plugin.utils import UserError
from plugin.utils.images import open_image

# Hamming distance of 64 bits, always even. Of 323 barnyard and 560 wildlife images, all 5 pairs
# within 10 show one scene twice; at 12 half of the pairs are strangers
DISTANCE = 10
# grey levels that an image of 32 x 32 must span; below, noise alone makes the hash
FLAT = 8
BLOCK = 128


class ImageHash(NamedTuple):
    """What an image looks like from afar.

    Attributes:
        bits (np.ndarray): (64, ) bool, the perceptual hash.
        flat (bool): The image is all of one colour, so that its hash says nothing.
    """

    bits: np.ndarray
    flat: bool


def hash_image(path: Path) -> ImageHash:
    """Hash an image, turned as its EXIF entry says.

    The hash compares the 8 x 8 lowest frequencies of the grey image with their median
    (http://www.phash.org). Size, sharpness and brightness hardly change it.

    Args:
        path (Path): The image.

    Returns:
        ImageHash: Its hash.

    Raises:
        UserError: If it cannot be read.
    """
    try:
        with open_image(path) as image:
            image.draft('L', (128, 128))  # a JPEG is decoded at this size at once
            grey = ImageOps.exif_transpose(image).convert('L')
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f'{path} cannot be read as an image ({error}): replace it, or give '
                        '--duplicates ignore') from error
    return hash_grey(grey)


def hash_grey(grey: Image.Image) -> ImageHash:
    """Hash an image that was loaded already, in mode L; see :func:`hash_image`."""
    import imagehash  # takes long to import, and nothing else needs it
    small = np.asarray(grey.resize((32, 32), Image.Resampling.LANCZOS))
    return ImageHash(imagehash.phash(grey).hash.ravel(), bool(np.ptp(small) < FLAT))


def hash_images(paths: Sequence[Path], jobs: int = 1) -> Iterator[ImageHash]:
    """Hash images by several threads.

    Args:
        paths (Sequence[Path]): N images.
        jobs (int): Number of threads.

    Yields:
        ImageHash: N hashes, in the order of the paths.

    Raises:
        UserError: If an image cannot be read.
    """
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(hash_image, paths)


def label_duplicates(hashes: Sequence[ImageHash], distance: int = DISTANCE) -> np.ndarray:
    """Number the sets of images that are linked by small distances.

    Args:
        hashes (Sequence[ImageHash]): N hashes.
        distance (int): Images whose hashes differ in so many of 64 bits, or fewer, are linked.
            A flat image is linked to none.

    Returns:
        np.ndarray: (N, ) int, numbers from 0 of the sets. An image like no other has a number
        of its own; of two with one number, a chain of links leads from one to the other.

    Raises:
        UserError: If ``distance`` is not within 0..31.
    """
    if not 0 <= distance < 32:
        raise UserError(f'distance={distance} is no distance of near-duplicates: give a number '
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
        # each image stays linked to the first of its set, so that pairs need not be kept
        rows = np.concatenate([rows, np.arange(number)])
        columns = np.concatenate([columns, labels])
        graph = coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(number, number))
        labels = connected_components(graph, directed=False)[1]
        labels = np.unique(labels, return_index=True)[1][labels]
    return np.unique(labels, return_inverse=True)[1].reshape(-1)


def nearest_images(hashes: Sequence[ImageHash], others: Sequence[ImageHash],
                     distance: int = DISTANCE) -> list[tuple[int, int]]:
    """Find for each image the one of another set that looks most like it.

    Args:
        hashes (Sequence[ImageHash]): N hashes.
        others (Sequence[ImageHash]): M hashes of the other set.
        distance (int): Only what differs in so many of 64 bits, or fewer, counts.

    Returns:
        list[tuple[int, int]]: Place in ``hashes`` and in ``others`` of at most N pairs, in order.
        A flat image is in none.
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


def _signs(hashes: Sequence[ImageHash]) -> np.ndarray:
    """Bits as -1 and 1, (N, 64): the product of two is 64 - 2 * distance."""
    return np.stack([one.bits for one in hashes]).astype(np.float32) * 2 - 1
