"""What the demo shows and writes of a model of animals."""
import math
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np
from _animals import AnimalResults
from _coco_ids import CocoIds
from _demo_pixels import shown
from _demo_shelf import Kept
from _detector import Detector
from _results import rgb

from plugin.models.postprocess import Detection
from plugin.visualization.instances import draw_instances
from plugin.visualization.pictures import shrink

Arrays = Dict[str, np.ndarray]


class _Item(NamedTuple):
    """A picture as :class:`AnimalResults` takes it."""

    path: Path
    name: str
    shown: str


class AnimalDesk:
    """Each animal whose score reaches the threshold.

    Args:
        detector (Detector): The model. From now on it keeps all that its config lets through.
        least (float): The score below which the config drops what the model finds.
        opacity (float): Of the colours, 0 to 1.
    """

    title = 'How many animals are in your pictures?'
    aim = 'The model outlines each animal and counts them.'
    views = ('Animals', 'Picture')
    view_note = ''
    slider = 'How sure must the model be?'
    columns = ('number', 'class', 'score', 'area (pixels)', 'share (%)')
    contents = 'outlines for LabelMe (JSON), counts and animals (CSV), COCO results, overlays ' \
               'and the pictures'
    tables = ('counts.csv', 'animals.csv')

    def __init__(self, detector: Detector, least: float, opacity: float) -> None:
        self._model, self._opacity = detector, opacity
        self.classes, self.read = list(detector.classes), detector.read
        # the steps of the slider are hundredths
        self.least = math.ceil(round(least * 100, 6)) / 100
        self.start = max(round(detector.score_thr, 2), self.least)
        self.slider_note = (f'Higher: fewer animals, and surer ones. It begins at {self.start:g}: '
                            f'{detector.reason.split(";")[0]}.')
        detector.score_thr = self.least
        self._several = self.classes if len(self.classes) > 1 else []
        self.total_columns = ('picture', 'count', *self._several)

    def predict(self, image: np.ndarray) -> Tuple[Arrays, Tuple[np.ndarray, np.ndarray]]:
        """Run the network.

        Args:
            image (np.ndarray): BGR ``(H, W, 3)`` or grey ``(H, W)``, uint8.

        Returns:
            tuple: The animals as arrays, see :func:`pack`, and their labels and scores, (N,).
        """
        arrays = pack(self._model(image))
        return arrays, (arrays['labels'], arrays['scores'])

    def draw(self, image: np.ndarray, arrays: Arrays, view: str, threshold: float,
             longest: int) -> np.ndarray:
        """A view for the page, RGB ``(h, w, 3)`` with no side above ``longest``."""
        if view == 'Picture':
            return shrink(rgb(image), longest)
        animals = unpack(arrays, threshold)
        masks = (animal.whole_mask(*image.shape[:2]) for animal in animals)
        return shrink(draw_instances(rgb(image), masks, range(1, len(animals) + 1),
                                     [animal.score for animal in animals], self._opacity), longest)

    def headline(self, pictures: Sequence[Kept], kept: Kept, threshold: float) -> Tuple[str, str]:
        """The result in large letters, and what it says about all pictures."""
        count, *classes = self._count(kept, threshold)
        parts = [f'{number} {name}' for name, number in zip(self._several, classes, strict=True)]
        text = _animals(count) + (f' ({", ".join(parts)})' if parts else '')
        if len(pictures) == 1:
            return text, ''
        total = sum(self._count(other, threshold)[0] for other in pictures)
        return text, f'{_animals(total)} in all {len(pictures)} pictures'

    def legend(self, kept: Kept) -> list:
        """Nothing: the colours only tell animals apart."""
        return []

    def rows(self, kept: Kept, arrays: Arrays, threshold: float) -> List[List[Any]]:
        """The table of a picture."""
        number = kept.shape[0] * kept.shape[1]
        return [[index, self.classes[animal.label], round(animal.score, 3), animal.area,
                 round(100 * animal.area / number, 2)]
                for index, animal in enumerate(unpack(arrays, threshold), start=1)]

    def totals(self, pictures: Sequence[Kept], threshold: float) -> List[List[Any]]:
        """The table of all pictures."""
        return [[shown(kept), *self._count(kept, threshold)] for kept in pictures]

    def write(self, out: Path, pictures: Sequence[Kept], load, threshold: float) -> None:
        """Write what can be downloaded; ``load`` gives image and arrays of a picture."""
        items = [_Item(out / 'pictures' / kept.path.name, kept.path.stem, shown(kept))
                 for kept in pictures]
        ids = CocoIds({item.path: (kept.number, f'pictures/{item.path.name}')
                       for item, kept in zip(items, pictures, strict=True)},
                      list(range(1, len(self.classes) + 1)))
        settings = SimpleNamespace(out=out, format='jpg', opacity=self._opacity, data=None)
        with AnimalResults(self._model, settings, items, ids=ids).tables() as write:
            for item, kept in zip(items, pictures, strict=True):
                image, arrays = load(kept)
                write(item, image, unpack(arrays, threshold))

    def _count(self, kept: Kept, threshold: float) -> List[int]:
        labels, scores = kept.summary
        numbers = Counter(labels[_sure(scores, threshold)].tolist())
        return [sum(numbers.values()), *(numbers[label] for label in range(len(self._several)))]


def pack(animals: Sequence[Detection]) -> Arrays:
    """The N animals of a picture as arrays that a file can hold.

    Returns:
        dict: ``labels`` and ``scores``, (N,); ``boxes``, (N, 4) left, top, width, height in
        pixels; ``bits``, the masks one after the other, eight pixels a byte.
    """
    masks = [animal.mask.ravel() for animal in animals]
    return dict(labels=np.array([animal.label for animal in animals], np.int64),
                scores=np.array([animal.score for animal in animals], np.float32),
                boxes=np.array([animal.box for animal in animals], np.int64).reshape(-1, 4),
                bits=np.packbits(np.concatenate(masks)) if masks else np.zeros(0, np.uint8))


def unpack(arrays: Arrays, threshold: float) -> List[Detection]:
    """Those of the packed animals whose score reaches the threshold."""
    sizes = arrays['boxes'][:, 2:].prod(1)
    pixels = np.unpackbits(arrays['bits'], count=int(sizes.sum())).view(bool)
    masks = np.split(pixels, np.cumsum(sizes)[:-1]) if len(sizes) else []
    return [Detection(int(label), float(score), int(left), int(top), mask.reshape(height, width))
            for label, score, (left, top, width, height), mask, sure in zip(
                arrays['labels'], arrays['scores'], arrays['boxes'], masks,
                _sure(arrays['scores'], threshold), strict=True) if sure]


def _sure(scores: np.ndarray, threshold: float) -> np.ndarray:
    # in the precision in which the network compares them
    return scores >= np.float32(threshold)


def _animals(count: int) -> str:
    return f'{count} animal' if count == 1 else f'{count} animals'
