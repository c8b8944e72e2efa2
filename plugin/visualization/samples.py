"""Rows of input, truth and prediction."""
from pathlib import Path
from typing import NamedTuple, Optional, Sequence, Union

import mmcv
import numpy as np
from mmengine import fileio
from PIL import Image

from plugin.utils import atomic_path

from .pictures import Colour, grid, overlay

OPACITY = 0.85  # of the class colours; where the truth is ignored the picture is seen alone


class Sample(NamedTuple):
    """A picture's path, with label maps ``(H, W)`` of any common size; the truth may be unknown."""

    path: str
    prediction: np.ndarray
    truth: Optional[np.ndarray] = None


def draw_samples(samples: Sequence[Sample], classes: Sequence[str], palette: Sequence[Colour],
                 path: Union[str, Path]) -> None:
    """Draw a row of input, truth and prediction for each sample, at the size of its maps.

    Args:
        samples (Sequence[Sample]): One or more.
        classes (Sequence[str]): ``C`` names, for the legend.
        palette (Sequence): ``C`` colours ``(red, green, blue)``, 0..255.
        path (str | Path): The PNG to write, whole or not at all.

    Raises:
        OSError: If a picture cannot be read or the file cannot be written.
        ValueError: If the truth and the prediction of a sample differ in size.
    """
    with_truth = any(sample.truth is not None for sample in samples)
    rows = []
    for sample in samples:
        # the file, not the network's input: that one is cropped and normalised
        picture = mmcv.imfrombytes(fileio.get(sample.path))
        if picture is None:
            raise OSError(f'{sample.path} cannot be read as a picture')
        height, width = sample.prediction.shape
        picture = mmcv.imresize(mmcv.bgr2rgb(picture), (width, height), interpolation='area')
        row = [picture]
        if with_truth:
            truth = np.full((height, width), -1) if sample.truth is None else sample.truth
            row.append(overlay(picture, truth, palette, OPACITY))
        rows.append([*row, overlay(picture, sample.prediction, palette, OPACITY)])
    titles = ['input', 'truth', 'prediction'] if with_truth else ['input', 'prediction']
    picture = grid(rows, titles, list(zip(classes, palette, strict=False)))
    with atomic_path(path) as temporary:
        Image.fromarray(picture).save(temporary)
