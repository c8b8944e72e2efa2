"""Draws rows of input, true instances and predicted instances."""
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from plugin.utils import atomic_path

from .images import caption, grid, shrink
from .instances import draw_instances
from .regions import draw_regions
from .samples import read_image


class InstanceSample(NamedTuple):
    """An image with its instances as RLEs of the image's size ``(H, W)``.

    Attributes:
        path (str): The image's file.
        size (tuple[int, int]): H and W.
        prediction (list[dict]): n predicted instances, those that count.
        scores (np.ndarray): Their scores ``(n, )``.
        truth (list[dict] | None): t true instances; None where they are not known.
        partner (np.ndarray | None): For each prediction the index of its instance, -1 for none;
            needed with ``truth``.
        quality (float | None): Of the whole image, 0 to 1.
        ignored (Sequence[dict]): Regions to ignore, drawn over the truth; may overlap.
    """

    path: str
    size: tuple[int, int]
    prediction: list[dict]
    scores: np.ndarray
    truth: list[dict] | None = None
    partner: np.ndarray | None = None
    quality: float | None = None
    ignored: Sequence[dict] = ()


def draw_instance_samples(samples: Sequence[InstanceSample], path: str | Path,
                          longest: int = 512) -> None:
    """Draw a row of input, truth and prediction for each sample.

    A predicted instance has the number and the colour of the true one it was matched with, a wrong
    one a number of its own.

    Args:
        samples (Sequence[InstanceSample]): One or more.
        path (str | Path): The PNG to write, whole or not at all.
        longest (int): Longest side of each image, in pixels.

    Raises:
        OSError: If an image cannot be read or the file cannot be written.
    """
    rows = [_row(sample, longest) for sample in samples]
    titles = ['input', 'truth', 'prediction'] if max(map(len, rows)) == 3 else [
        'input', 'prediction']
    image = grid(rows, titles)
    with atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary)


def draw_layers(sample: InstanceSample, longest: int) -> dict[str, np.ndarray]:
    """Draw the instances of a sample over its image; matched ones have the same colour.

    Args:
        sample (InstanceSample): The image and its instances.
        longest (int): Longest side of each image, in pixels.

    Returns:
        dict: RGB images of one size, uint8: ``'input'``, ``'truth'`` where it is known, and
        ``'prediction'``.

    Raises:
        OSError: If the image cannot be read.
    """
    height, width = sample.size
    scale = min(1, longest / max(height, width))
    image = read_image(sample.path, max(1, round(height * scale)), max(1, round(width * scale)))
    layers = {'input': image}
    numbers: np.ndarray = np.arange(1, len(sample.prediction) + 1)
    if sample.truth is not None:
        assert sample.partner is not None
        # below the instances, which count where they lie in a region
        layers['truth'] = draw_instances(draw_regions(image, _masks(sample.ignored, longest)),
                                         _masks(sample.truth, longest))
        wrong = sample.partner < 0
        # numbers above those of the true instances
        numbers = np.where(wrong, len(sample.truth) + np.cumsum(wrong), sample.partner + 1)
    layers['prediction'] = draw_instances(image, _masks(sample.prediction, longest),
                                          numbers.tolist(), sample.scores.tolist())
    return layers


def _row(sample: InstanceSample, longest: int) -> list[np.ndarray]:
    layers = draw_layers(sample, longest)
    texts = {'input': Path(sample.path).name, 'prediction': _animals(len(sample.prediction))}
    if sample.truth is not None:
        texts['truth'] = _animals(len(sample.truth))
    if sample.quality is not None:
        texts['prediction'] += f', quality {sample.quality:.2f}'
    return [caption(layer, texts[name]) for name, layer in layers.items()]


def _masks(codes: Sequence[dict], longest: int) -> Iterator[np.ndarray]:
    """Decode one after the other: a hundred masks of a large image are a gigabyte."""
    return (shrink(coco_mask.decode(code), longest, labels=True) for code in codes)


def _animals(number: int) -> str:
    return '1 animal' if number == 1 else f'{number} animals'
