"""What the page shows and writes of a model that outlines instances."""
import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from plugin.inference.coco_ids import CocoIds
from plugin.inference.count_total import SPAN
from plugin.inference.detector import Detector
from plugin.inference.instance_results import InstanceResults, InstanceRows
from plugin.inference.instances import Instances
from plugin.inference.writers import rgb
from plugin.models.postprocess import Detection
from plugin.utils.counts import count_errors, told_baseline
from plugin.utils.workers import in_order
from plugin.visualization.images import shrink
from plugin.visualization.instances import draw_instances

from .model_desk import Arrays, Colour, ModelDesk, shown
from .shelf import Kept


class _Item(NamedTuple):
    """An image as :class:`InstanceResults` takes it."""

    path: Path
    name: str
    shown: str


class InstanceDesk(ModelDesk):
    """The instances whose score reaches the threshold.

    Args:
        detector (Detector): The model; it belongs to the desk, which lowers its threshold to the
            score below which the config drops what the model finds.
        opacity (float): Of the colours, 0 to 1.
    """

    title = 'How many animals are in your images?'
    aim = 'The model outlines each animal and counts them.'
    views = ('Animals', 'Image')
    view_note = ''
    slider = 'How sure must the model be?'
    columns = ('number', 'class', 'score', 'area (pixels)', 'share (%)')
    contents = 'outlines for LabelMe (JSON), counts and animals (CSV), COCO results, overlays ' \
               'and the images'
    tables = ('counts.csv', 'animals.csv')

    def __init__(self, detector: Detector, opacity: float) -> None:
        self._model, self.opacity = detector, opacity
        self.classes, self.read = list(detector.classes), detector.read
        # the steps of the slider are hundredths
        self.least = math.ceil(round(detector.least_score * 100, 6)) / 100
        self.start = max(round(detector.score_thr, 2), self.least)
        self.slider_note = (f'Higher: fewer animals, and surer ones. It begins at {self.start:g}: '
                            f'{detector.reason.split(";")[0]}.')
        detector.score_thr = self.least
        # counted one by one if there are several
        self._several = self.classes if len(self.classes) > 1 else []
        self._span = () if detector.count_intervals().reason else SPAN
        self.total_columns = ('image', 'count', *self._several, *self._span)

    def find(self, image: np.ndarray) -> Instances:
        """All instances that the model does not drop, the surest first."""
        return self._model(image)

    def predict(self, image: np.ndarray) -> tuple[Arrays, tuple[np.ndarray, np.ndarray]]:
        """Run the network.

        Args:
            image (np.ndarray): BGR ``(H, W, 3)`` or grey ``(H, W)``, uint8.

        Returns:
            tuple: The N instances as arrays, see :func:`pack`; and their labels and scores,
            ``(N,)``.
        """
        arrays = pack(self._model(image))
        return arrays, (arrays['labels'], arrays['scores'])

    def draw(self, image: np.ndarray, arrays: Arrays, view: str, threshold: float,
             longest: int) -> np.ndarray:
        """A view for the page, RGB ``(h, w, 3)`` with no side above ``longest``."""
        if view == 'Image':
            return shrink(rgb(image), longest)
        instances = unpack(arrays, threshold)
        masks = (instance.whole_mask(*image.shape[:2]) for instance in instances)
        drawn = draw_instances(rgb(image), masks, range(1, len(instances) + 1),
                               [instance.score for instance in instances], self.opacity)
        return shrink(drawn, longest)

    def headline(self, images: Sequence[Kept], kept: Kept, threshold: float) -> tuple[str, str]:
        """The result in large letters, and what it says about all images."""
        count, *classes = self._count(kept, threshold)
        parts = [f'{number} {name}' for name, number in zip(self._several, classes, strict=True)]
        text = _animals(count) + (f' ({", ".join(parts)})' if parts else '')
        intervals = self._model.count_intervals(threshold)
        own = _span(intervals.of(count))
        if len(images) == 1:
            return text, own.capitalize()
        counts = [self._count(other, threshold)[0] for other in images]
        text = f'{text}, {own}' if own else text
        told = f'{_animals(sum(counts))} in all {len(images)} images'
        return text, ', '.join(filter(None, (told, _span(intervals.total(counts)))))

    def reliability(self, threshold: float) -> str:
        """The error of the count on the validation images, beside that of the best constant."""
        known = self._model.count_intervals(threshold)
        if not known.images:
            return ''
        errors = count_errors(known.found, known.truth)
        return (f'On the {known.images} validation images: off by {errors["MAE"]:.2f} animals an '
                f'image; {told_baseline(errors)}.')

    def legend(self, kept: Kept) -> list[tuple[str, Colour]]:
        """Empty: the colours only tell instances apart."""
        return []

    def rows(self, kept: Kept, arrays: Arrays, threshold: float) -> list[list[Any]]:
        """The table of an image."""
        number = kept.shape[0] * kept.shape[1]
        return [[index, self.classes[instance.label], round(instance.score, 3), instance.area,
                 round(100 * instance.area / number, 2)]
                for index, instance in enumerate(unpack(arrays, threshold), start=1)]

    def totals(self, images: Sequence[Kept], threshold: float) -> list[list[Any]]:
        """The table of all images."""
        intervals = self._model.count_intervals(threshold)
        counts = [self._count(kept, threshold) for kept in images]
        return [[shown(kept), *count, *(intervals.of(count[0]) or ('' for _ in self._span))]
                for kept, count in zip(images, counts, strict=True)]

    def write(self, out: Path, images: Sequence[Kept],
              load: Callable[[Kept], tuple[np.ndarray, Arrays]], threshold: float,
              threads: int = 1) -> None:
        """Write overlays, outlines, counts, instances and COCO results."""
        items = [_Item(out / 'pictures' / kept.path.name, kept.path.stem, shown(kept))
                 for kept in images]
        ids = CocoIds({item.path: (kept.number, f'pictures/{item.path.name}')
                       for item, kept in zip(items, images, strict=True)},
                      list(range(1, len(self.classes) + 1)))
        results = InstanceResults(self._model, out, images=items, opacity=self.opacity, ids=ids,
                                  threshold=threshold)

        def write(pair: tuple[_Item, Kept]) -> InstanceRows:
            image, arrays = load(pair[1])
            return results.write(pair[0], image, unpack(arrays, threshold))

        pairs = list(zip(items, images, strict=True))
        with results.tables() as add:
            for item, rows in zip(items, in_order(write, pairs, threads), strict=True):
                add(item, rows)

    def _count(self, kept: Kept, threshold: float) -> list[int]:
        labels, scores = kept.summary
        numbers = Counter(labels[_sure(scores, threshold)].tolist())
        return [sum(numbers.values()), *(numbers[label] for label in range(len(self._several)))]


def pack(instances: Sequence[Detection]) -> Arrays:
    """The N instances of an image as arrays that a file can hold.

    Returns:
        dict: ``labels`` and ``scores``, ``(N,)``; ``boxes``, ``(N, 4)``: left, top, width and
        height in pixels; ``bits``, the masks one after the other, eight pixels a byte.
    """
    masks = [instance.mask.ravel() for instance in instances]
    return dict(labels=np.array([instance.label for instance in instances], np.int64),
                scores=np.array([instance.score for instance in instances], np.float32),
                boxes=np.array([instance.box for instance in instances],
                               np.int64).reshape(-1, 4),
                bits=np.packbits(np.concatenate(masks)) if masks else np.zeros(0, np.uint8))


def unpack(arrays: Arrays, threshold: float) -> list[Detection]:
    """Those of the packed instances whose score reaches the threshold."""
    areas = arrays['boxes'][:, 2:].prod(1)
    pixels = np.unpackbits(arrays['bits'], count=int(areas.sum())).view(bool)
    masks = np.split(pixels, np.cumsum(areas)[:-1]) if len(areas) else []
    return [Detection(int(label), float(score), int(left), int(top), mask.reshape(height, width))
            for label, score, (left, top, width, height), mask, sure in zip(
                arrays['labels'], arrays['scores'], arrays['boxes'], masks,
                _sure(arrays['scores'], threshold), strict=True) if sure]


def _sure(scores: np.ndarray, threshold: float) -> np.ndarray:
    # in the precision in which the network compares them
    return scores >= np.float32(threshold)


def _span(interval: tuple[int, int] | None) -> str:
    """What is said of an interval; nothing where there is none."""
    return '' if interval is None else f'with 90% probability {interval[0]} to {interval[1]}'


def _animals(count: int) -> str:
    return f'{count} animal' if count == 1 else f'{count} animals'
