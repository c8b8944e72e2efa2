"""The results of a semantic model: overlays, masks and areas."""
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from plugin.utils import UserError
from plugin.visualization.images import overlay

from .writers import AreaTable, OverlayVideo, rgb, save_array, save_image, save_mask


class PixelResults:
    """Predicts the class of each pixel and writes the results.

    Args:
        segmenter (Segmenter): The model.
        args (argparse.Namespace): ``out``, ``format``, ``opacity`` and ``probabilities``,
            whether these are wanted.

    Raises:
        UserError: If there are more classes than a PNG can hold.
    """

    verb = 'segmented'

    def __init__(self, segmenter, args) -> None:
        if len(segmenter.classes) > 256:
            raise UserError(f'{len(segmenter.classes)} classes do not fit into a PNG with a '
                             'palette of 256 colours; merge classes')
        self._model, self._args, self.read = segmenter, args, segmenter.read

    @contextlib.contextmanager
    def images(self) -> Iterator[Callable]:
        """Open the table of the images; yields what does one ``(item, image)``."""
        args, palette = self._args, self._model.palette
        with AreaTable(args.out / 'areas.csv', 'picture', self._model.classes) as table:
            def add(item, image: np.ndarray) -> None:
                if args.probabilities:
                    labels, shares = self._model.probabilities(image)
                    save_array(args.out / 'probabilities' / f'{item.name}.npy', shares)
                else:
                    labels = self._model(image)
                save_image(args.out / 'overlays' / f'{item.name}.{args.format}',
                             overlay(rgb(image), labels, palette, args.opacity))
                save_mask(args.out / 'masks' / f'{item.name}.png', labels, palette)
                table.add(item.path, labels)
            yield add

    @contextlib.contextmanager
    def video(self, target: Path, rate: float) -> Iterator[Callable]:
        """Open ``target`` .csv and .mp4; yields what does one ``(index, frame)``."""
        with AreaTable(Path(f'{target}.csv'), 'frame', self._model.classes) as table, \
                OverlayVideo(Path(f'{target}.mp4'), rate) as video:
            def add(index: int, frame: np.ndarray) -> None:
                labels = self._model(frame)
                video.add(overlay(rgb(frame), labels, self._model.palette, self._args.opacity))
                table.add(index, labels)
            yield add
