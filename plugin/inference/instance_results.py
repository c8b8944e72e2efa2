"""The results of a model that outlines animals: overlays, labels, COCO results and counts."""
import contextlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from shapely import Polygon

from plugin.datasets.labels.labelme import labelme_document
from plugin.datasets.labels.polygons import Instance, has_holes, mask_to_polygons, mask_to_rle
from plugin.models.postprocess import Detection
from plugin.utils import write_atomically
from plugin.visualization.instances import draw_instances

from .coco_ids import CocoIds
from .writers import JsonList, OverlayVideo, Table, rgb, save_image

ANIMAL = ('picture', 'number', 'class', 'score', 'area', 'x', 'y', 'width', 'height')


class InstanceResults:
    """Finds the instances of images and writes the results.

    Args:
        detector (Detector): The model.
        out (Path): Folder of the results.
        images (Sequence[Input]): The images, in the order of their ids from 1.
        image_format (str): Suffix of the overlays, ``jpg`` or ``png``. Defaults to ``jpg``.
        opacity (float): Of the colours, from 0 to 1. Defaults to 0.5.
        simplify (float): How far the outlines for LabelMe may deviate, in pixels. Defaults to 1.
        ids (CocoIds, optional): Ids of the COCO results. Defaults to numbers from 1.
    """

    verb = 'counted'

    def __init__(self, detector, out: Path, *, images: Sequence = (), image_format: str = 'jpg',
                 opacity: float = 0.5, simplify: float = 1.0, ids: CocoIds | None = None) -> None:
        self._model, self.read = detector, detector.read
        self._out, self._format, self._opacity = Path(out), image_format, opacity
        self._simplify = simplify
        self._ids = ids or CocoIds.running([item.path for item in images], detector.classes)

    @contextlib.contextmanager
    def images(self) -> Iterator[Callable]:
        """Open the tables of the images; yields what does one ``(item, image)``."""
        with self.tables() as write:
            yield lambda item, image: write(item, image, self._model(image))

    @contextlib.contextmanager
    def tables(self) -> Iterator[Callable]:
        """Open the tables; yields what writes one ``(item, image, animals)``."""
        out = self._out
        with JsonList(out / 'results.json') as results, \
                Table(out / 'animals.csv', ANIMAL) as rows, \
                Table(out / 'counts.csv', ['picture', *self._counted]) as counts:
            def write(item, image: np.ndarray, animals: Sequence[Detection]) -> None:
                height, width = image.shape[:2]
                save_image(out / 'overlays' / f'{item.name}.{self._format}',
                             self._draw(image, animals))
                self._save_labels(item, height, width, animals)
                # the tables last: what they list has its files
                results.add(self._coco_results(item.path, height, width, animals))
                rows.write([[item.shown, number, *self._values(animal)]
                            for number, animal in enumerate(animals, start=1)])
                counts.write([[item.shown, *self._count(animals)]])
            yield write

    @contextlib.contextmanager
    def video(self, target: Path, rate: float) -> Iterator[Callable]:
        """Open ``target`` .csv and .mp4; yields what does one ``(index, frame)``."""
        with Table(Path(f'{target}.csv'), ['frame', *self._counted]) as counts, \
                OverlayVideo(Path(f'{target}.mp4'), rate) as video:
            def add(index: int, frame: np.ndarray) -> None:
                animals = self._model(frame)
                video.add(self._draw(frame, animals))
                counts.write([[index, *self._count(animals)]])
            yield add

    @property
    def _counted(self) -> list[str]:
        """Titles of the counts: of all animals and, if there are several, of each class."""
        classes = self._model.classes
        return ['count', *(classes if len(classes) > 1 else [])]

    def _count(self, animals: Sequence[Detection]) -> list[int]:
        numbers = Counter(animal.label for animal in animals)
        return [len(animals), *(numbers[label] for label in range(len(self._counted) - 1))]

    def _values(self, animal: Detection) -> list[Any]:
        return [self._model.classes[animal.label], f'{animal.score:.4f}', animal.area, *animal.box]

    def _draw(self, image: np.ndarray, animals: Sequence[Detection]) -> np.ndarray:
        # one mask at a time: those of a large image together would fill the memory
        masks = (animal.whole_mask(*image.shape[:2]) for animal in animals)
        return draw_instances(rgb(image), masks, range(1, len(animals) + 1),
                              [animal.score for animal in animals], self._opacity)

    def _save_labels(self, item, height: int, width: int, animals: Sequence[Detection]) -> None:
        path = self._out / 'labelme' / f'{item.name}.json'
        image = Path(os.path.relpath(item.path.resolve(), path.parent.resolve())).as_posix()
        shapes = [shape for number, animal in enumerate(animals, start=1)
                  for shape in self._shapes(animal, number)]
        document = dict(labelme_document(image, height, width, []), shapes=shapes)
        write_atomically(path, json.dumps(document, ensure_ascii=False, indent=2))

    def _shapes(self, animal: Detection, number: int) -> list[dict]:
        """What LabelMe draws of an animal; made within its box, as a large mask takes long."""
        outline = _outline(animal.mask, self._simplify)
        instance = Instance(self._model.classes[animal.label], outline, animal.score)
        document = labelme_document('', *animal.mask.shape, [instance])
        return [dict(shape, points=(np.add(shape['points'], (animal.left, animal.top))).tolist(),
                     group_id=shape['group_id'] and number) for shape in document['shapes']]

    def _coco_results(self, path: Path, height: int, width: int,
                      animals: Sequence[Detection]) -> list[dict]:
        image_id, file_name = self._ids.images[path]
        return [dict(image_id=image_id, category_id=self._ids.categories[animal.label],
                     bbox=list(animal.box), score=round(animal.score, 6),
                     segmentation=animal.rle(height, width), file_name=file_name)
                for animal in animals]


def _outline(mask: np.ndarray, tolerance: float) -> Any:
    """COCO segmentation of a mask; with few points, as a person will move them."""
    if has_holes(mask):
        return mask_to_rle(mask)
    parts = (Polygon(np.reshape(ring, (-1, 2))) for ring in mask_to_polygons(mask))
    # a small or thin part keeps its form
    simple = (part.simplify(min(tolerance, part.area / part.length / 4)) for part in parts)
    # the last point of shapely's rings is the first one
    return [np.ravel(part.exterior.coords[:-1]).tolist() for part in simple]
