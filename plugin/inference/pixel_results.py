"""The results of a semantic model: overlays, masks and areas."""
import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from plugin.utils import UserError
from plugin.visualization.images import overlay

from .inputs import Named
from .predictor import Prepared
from .segmenter import Segmenter
from .tables import AreaTable, class_pixels
from .writers import OverlayVideo, rgb, save_array, save_image, save_mask


class PixelAnswer(NamedTuple):
    """What a model says of an image.

    Attributes:
        labels (np.ndarray): Class ids, ``(H, W)``, uint8.
        probabilities (np.ndarray, optional): ``(C, H, W)``, float16.
    """

    labels: np.ndarray
    probabilities: np.ndarray | None = None


class PixelResults:
    """Predicts the class of each pixel and writes the results.

    Args:
        segmenter (Segmenter): The model.
        out (str | Path): Folder of the results.
        image_format (str): Suffix of the overlays, ``jpg`` or ``png``. Defaults to ``jpg``.
        opacity (float): Of the colours, from 0 to 1. Defaults to 0.5.
        probabilities (bool): Whether to write these as well. Defaults to False.
        overlays (bool): Whether to write overlays. Defaults to True.

    Raises:
        UserError: If there are more classes than a PNG can hold.
    """

    verb = 'segmented'
    # the tables of images; what the last one lists is done
    table_names = ('areas.csv', )

    def __init__(self, segmenter: Segmenter, out: str | Path, *, image_format: str = 'jpg',
                 opacity: float = 0.5, probabilities: bool = False, overlays: bool = True) -> None:
        if len(segmenter.classes) > 256:
            raise UserError(f'{len(segmenter.classes)} classes do not fit into a PNG with a '
                            'palette of 256 colours; merge classes')
        self.model, self.read = segmenter, segmenter.read
        self.out, self._format, self._opacity = Path(out), image_format, opacity
        self._probabilities, self._overlays = probabilities, overlays

    def ask(self, prepared: Sequence[Prepared]) -> list[PixelAnswer]:
        """Let the network answer to prepared images."""
        if self._probabilities:
            return [PixelAnswer(labels.astype(np.uint8), probabilities) for labels, probabilities
                    in self.model.labels_and_probabilities_of(prepared)]
        return [PixelAnswer(labels.astype(np.uint8)) for labels in self.model.results_of(prepared)]

    def answer(self, image: np.ndarray) -> PixelAnswer:
        """Let the model answer to an image."""
        if self._probabilities:
            labels, probabilities = self.model.labels_and_probabilities(image)
            return PixelAnswer(labels.astype(np.uint8), probabilities)
        return PixelAnswer(self.model(image).astype(np.uint8))

    def files(self, item: Named) -> list[Path]:
        """The files of an image."""
        made = {'masks': '.png', **({'overlays': f'.{self._format}'} if self._overlays else {}),
                **({'probabilities': '.npy'} if self._probabilities else {})}
        return [self.out / folder / f'{item.name}{suffix}' for folder, suffix in made.items()]

    def write(self, item: Named, image: np.ndarray, answer: PixelAnswer) -> np.ndarray:
        """Write the files of an image; returns the pixels of each class for the table."""
        out, palette = self.out, self.model.palette
        if answer.probabilities is not None:
            save_array(out / 'probabilities' / f'{item.name}.npy', answer.probabilities)
        if self._overlays:
            save_image(out / 'overlays' / f'{item.name}.{self._format}',
                       overlay(rgb(image), answer.labels, palette, self._opacity))
        save_mask(out / 'masks' / f'{item.name}.png', answer.labels, palette)
        return class_pixels(answer.labels, len(self.model.classes))

    @contextlib.contextmanager
    def tables(self, folder: Path | None = None) -> Iterator[Callable]:
        """Open the table of the images; yields what adds an image ``(item, pixels)``."""
        with AreaTable((folder or self.out) / 'areas.csv', 'picture', self.model.classes) as table:
            def add(item: Named, pixels: np.ndarray) -> None:
                table.add_pixels(item.shown, pixels)
            yield add

    @contextlib.contextmanager
    def images(self) -> Iterator[Callable]:
        """Open the table of the images; yields what does one ``(item, image)``."""
        with self.tables() as add:
            yield lambda item, image: add(item, self.write(item, image, self.answer(image)))

    @contextlib.contextmanager
    def video(self, target: Path, rate: float) -> Iterator[Callable]:
        """Open ``target`` .csv and .mp4; yields what does one ``(index, frame)``."""
        with contextlib.ExitStack() as stack:
            table = stack.enter_context(
                AreaTable(Path(f'{target}.csv'), 'frame', self.model.classes))
            video = stack.enter_context(
                OverlayVideo(Path(f'{target}.mp4'), rate)) if self._overlays else None

            def add(index: int, frame: np.ndarray) -> None:
                labels = self.model(frame)
                if video is not None:
                    video.add(overlay(rgb(frame), labels, self.model.palette, self._opacity))
                table.add(index, labels)
            yield add
