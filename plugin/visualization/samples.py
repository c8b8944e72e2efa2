"""Draws rows of input, true labels and predicted labels."""
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import mmcv
import numpy as np
from mmengine import fileio
from PIL import Image

from plugin.utils import atomic_path

from .images import grid, overlay
from .palettes import Colour

OPACITY = 0.85  # of the class colours; where the truth is ignored the image is seen alone


class Sample(NamedTuple):
    """An image's path, with label maps ``(H, W)`` of any common size; the truth may be unknown."""

    path: str
    prediction: np.ndarray
    truth: np.ndarray | None = None


def draw_samples(samples: Sequence[Sample], classes: Sequence[str], palette: Sequence[Colour],
                 path: str | Path) -> None:
    """Draw a row of input, truth and prediction for each sample, at the size of its maps.

    Args:
        samples (Sequence[Sample]): One or more.
        classes (Sequence[str]): ``C`` names, for the legend.
        palette (Sequence): ``C`` colours ``(red, green, blue)``, 0..255.
        path (str | Path): The PNG to write, whole or not at all.

    Raises:
        OSError: If an image cannot be read or the file cannot be written.
        UserError: If the truth and the prediction of a sample differ in size.
    """
    with_truth = any(sample.truth is not None for sample in samples)
    rows = []
    for sample in samples:
        height, width = sample.prediction.shape
        image = read_image(sample.path, height, width)
        row = [image]
        if with_truth:
            truth = np.full((height, width), -1) if sample.truth is None else sample.truth
            row.append(overlay(image, truth, palette, OPACITY))
        rows.append([*row, overlay(image, sample.prediction, palette, OPACITY)])
    titles = ['input', 'truth', 'prediction'] if with_truth else ['input', 'prediction']
    image = grid(rows, titles, list(zip(classes, palette, strict=False)))
    with atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary)


def read_image(path: str, height: int, width: int) -> np.ndarray:
    """Read an image as the data sets do, and scale it.

    Args:
        path (str): The file: what the network gets is cropped and normalised.
        height (int): Wanted H in pixels.
        width (int): Wanted W in pixels.

    Returns:
        np.ndarray: RGB ``(H, W, 3)``, uint8.

    Raises:
        OSError: If it cannot be read.
    """
    image = mmcv.imfrombytes(fileio.get(path))
    if image is None:
        raise OSError(f'{path} cannot be read as an image')
    return mmcv.imresize(mmcv.bgr2rgb(image), (width, height), interpolation='area')
