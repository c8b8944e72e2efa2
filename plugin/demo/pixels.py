"""What the page shows and writes of a semantic model."""
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch

from plugin.inference.segmenter import Segmenter
from plugin.inference.tables import AreaTable, class_pixels
from plugin.inference.writers import rgb, save_image, save_mask
from plugin.models.semi.entropy import entropy
from plugin.utils import UserError
from plugin.utils.workers import in_order
from plugin.visualization.images import overlay, shrink

from .model_desk import Arrays, Colour, ModelDesk, shown
from .shelf import Kept

# probabilities are kept as whole percent: the steps of the slider
STEPS = 101
IGNORED = 255
UNSURE = 'unsure'
# colours of the entropy, dark where it is low
GLOW = np.round(matplotlib.colormaps['magma'](np.linspace(0, 1, STEPS))[:, :3] * 255).astype('u1')


class PixelDesk(ModelDesk):
    """The class of each pixel; where the model is less sure than the threshold, none.

    Args:
        segmenter (Segmenter): The model, made with ``keep_logits=True``.
        opacity (float): Of the colours, 0 to 1.

    Raises:
        UserError: If a mask cannot hold so many classes.
    """

    title = 'What is where in your images?'
    aim = 'The model says for each pixel what it shows, and how sure it is.'
    views = ('Classes', 'Image', 'Uncertainty')
    view_note = ('Uncertainty is the entropy of the probabilities: dark where the model is sure, '
                 'bright where it hesitates between classes.')
    slider = 'How sure must the model be?'
    slider_note = ('Where its probability is lower, a pixel keeps no colour and counts as unsure. '
                   '0 shows all.')
    columns = ('class', 'pixels', 'share (%)')
    total_columns = ('image', 'class', 'pixels', 'share (%)')
    contents = 'masks (PNG), the areas (CSV), overlays and the images'
    tables = ('areas.csv',)
    least, start = 0.0, 0.0

    def __init__(self, segmenter: Segmenter, opacity: float) -> None:
        if len(segmenter.classes) > IGNORED:
            raise UserError(f'{len(segmenter.classes)} classes do not fit into a mask, which '
                            f'holds {IGNORED} and the mark of no class; merge classes')
        self._model, self._opacity = segmenter, opacity
        self.classes, self.read = list(segmenter.classes), segmenter.read
        self.palette: list[Colour] = [(red, green, blue) for red, green, blue in segmenter.palette]

    def predict(self, image: np.ndarray) -> tuple[Arrays, np.ndarray]:
        """Run the network.

        Args:
            image (np.ndarray): BGR ``(H, W, 3)`` or grey ``(H, W)``, uint8.

        Returns:
            tuple[dict, np.ndarray]: uint8 maps ``(H, W)``: ``labels``, the ``confidence``, which is
            the probability of the label in percent, and the ``entropy`` in percent of its maximum
            ``log(C)``; and the number of pixels of each of the C classes at each percent of
            confidence, ``(C, 101)``.
        """
        labels, probabilities = self._model.labels_and_probabilities(image)
        confidence = np.take_along_axis(probabilities, labels[None], 0)[0].astype(np.float32)
        confidence = np.clip(confidence * 100, 0, 100).astype(np.uint8)
        logits = torch.from_numpy(probabilities).float().clamp_min_(1e-8).log_()[None]
        unsure = entropy(logits)[0].numpy() / np.log(len(probabilities)) * 100
        counts = np.bincount((labels * STEPS + confidence).ravel(),
                             minlength=len(self.classes) * STEPS).reshape(-1, STEPS)
        return dict(labels=labels.astype(np.uint8), confidence=confidence,
                    entropy=np.clip(unsure.round(), 0, 100).astype(np.uint8)), counts

    def draw(self, image: np.ndarray, arrays: Arrays, view: str, threshold: float,
             longest: int) -> np.ndarray:
        """A view for the page, RGB ``(h, w, 3)`` with no side above ``longest``."""
        small = shrink(rgb(image), longest)
        if view == 'Image':
            return small
        if view == 'Uncertainty':
            return GLOW[shrink(arrays['entropy'], longest)]
        return overlay(small, shrink(self._labels(arrays, threshold), longest, labels=True),
                       self.palette, self._opacity)

    def headline(self, images: Sequence[Kept], kept: Kept, threshold: float) -> tuple[str, str]:
        """The result in large letters, and what it says about all images."""
        rows = sorted(self.rows(kept, {}, threshold), key=lambda row: -row[1])
        several = f'{len(images)} images in all' if len(images) > 1 else ''
        return ', '.join(f'{row[0]} {row[2]:.1f} %' for row in rows[:4] if row[2] >= 0.1), several

    def legend(self, kept: Kept) -> list[tuple[str, Colour]]:
        """Names and colours of the classes that occur."""
        return [(self.classes[index], self.palette[index])
                for index in np.flatnonzero(kept.summary.sum(1))]

    def rows(self, kept: Kept, arrays: Arrays, threshold: float) -> list[list[Any]]:
        """The table of an image."""
        sure = kept.summary[:, _step(threshold):].sum(1)
        number = int(kept.summary.sum())
        rows = [[self.classes[index], int(sure[index]), _percent(sure[index], number)]
                for index in np.flatnonzero(sure)]
        unsure = number - int(sure.sum())
        return rows + ([[UNSURE, unsure, _percent(unsure, number)]] if unsure else [])

    def totals(self, images: Sequence[Kept], threshold: float) -> list[list[Any]]:
        """The table of all images."""
        return [[shown(kept), *row] for kept in images for row in self.rows(kept, {}, threshold)]

    def write(self, out: Path, images: Sequence[Kept],
              load: Callable[[Kept], tuple[np.ndarray, Arrays]], threshold: float,
              threads: int = 1) -> None:
        """Write overlays, masks and areas."""
        classes = [*self.classes, *([UNSURE] if threshold > 0 else [])]
        # a pixel without a class keeps its colour in the overlay and is grey in the mask
        grey = [(128, 128, 128)] * (IGNORED + 1 - len(self.palette))

        def write(kept: Kept) -> np.ndarray:
            image, arrays = load(kept)
            labels = self._labels(arrays, threshold)
            save_image(out / 'overlays' / f'{kept.path.stem}.jpg',
                       overlay(rgb(image), labels, self.palette, self._opacity))
            save_mask(out / 'masks' / f'{kept.path.stem}.png', labels, self.palette + grey)
            return class_pixels(np.where(labels == IGNORED, len(self.classes), labels),
                                len(classes))

        with AreaTable(out / 'areas.csv', 'picture', classes) as table:
            for kept, pixels in zip(images, in_order(write, images, threads), strict=True):
                table.add_pixels(shown(kept), pixels)

    @staticmethod
    def _labels(arrays: Arrays, threshold: float) -> np.ndarray:
        """Class ids ``(H, W)`` uint8, 255 where the model is not sure enough."""
        unsure = arrays['confidence'] < _step(threshold)
        return np.where(unsure, np.uint8(IGNORED), arrays['labels'])


def _step(threshold: float) -> int:
    return round(threshold * 100)


def _percent(pixels: int, number: int) -> float:
    return round(100 * float(pixels) / number, 2)
