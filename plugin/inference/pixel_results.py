"""The results of a semantic model: overlays, masks and areas."""
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from plugin.utils import UserError
from plugin.visualization.images import overlay

from .inputs import Named
from .segmenter import Segmenter
from .tables import AreaTable
from .writers import OverlayVideo, rgb, save_array, save_image, save_mask


class PixelResults:
    """Predicts the class of each pixel and writes the results.

    Args:
        segmenter (Segmenter): The model.
        out (str | Path): Folder of the results.
        image_format (str): Suffix of the overlays, ``jpg`` or ``png``. Defaults to ``jpg``.
        opacity (float): Of the colours, from 0 to 1. Defaults to 0.5.
        probabilities (bool): Whether to write these as well. Defaults to False.

    Raises:
        UserError: If there are more classes than a PNG can hold.
    """

    verb = 'segmented'

    def __init__(self, segmenter: Segmenter, out: str | Path, *, image_format: str = 'jpg',
                 opacity: float = 0.5, probabilities: bool = False) -> None:
        if len(segmenter.classes) > 256:
            raise UserError(f'{len(segmenter.classes)} classes do not fit into a PNG with a '
                            'palette of 256 colours; merge classes')
        self._model, self.read = segmenter, segmenter.read
        self._out, self._format, self._opacity = Path(out), image_format, opacity
        self._probabilities = probabilities

    @contextlib.contextmanager
    def images(self) -> Iterator[Callable]:
        """Open the table of the images; yields what does one ``(item, image)``."""
        out, palette = self._out, self._model.palette
        with AreaTable(out / 'areas.csv', 'picture', self._model.classes) as table:
            def add(item: Named, image: np.ndarray) -> None:
                if self._probabilities:
                    labels, probabilities = self._model.labels_and_probabilities(image)
                    save_array(out / 'probabilities' / f'{item.name}.npy', probabilities)
                else:
                    labels = self._model(image)
                save_image(out / 'overlays' / f'{item.name}.{self._format}',
                             overlay(rgb(image), labels, palette, self._opacity))
                save_mask(out / 'masks' / f'{item.name}.png', labels, palette)
                table.add(item.shown, labels)
            yield add

    @contextlib.contextmanager
    def video(self, target: Path, rate: float) -> Iterator[Callable]:
        """Open ``target`` .csv and .mp4; yields what does one ``(index, frame)``."""
        with AreaTable(Path(f'{target}.csv'), 'frame', self._model.classes) as table, \
                OverlayVideo(Path(f'{target}.mp4'), rate) as video:
            def add(index: int, frame: np.ndarray) -> None:
                labels = self._model(frame)
                video.add(overlay(rgb(frame), labels, self._model.palette, self._opacity))
                table.add(index, labels)
            yield add
