"""The results of a model that outlines instances: overlays, labels, COCO results and counts."""
import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plugin.datasets.labels.labelme import labelme_text
from plugin.models.postprocess import Detection
from plugin.utils import first_few, write_atomically
from plugin.utils.console import warn
from plugin.visualization.instances import draw_instances

from .coco_ids import CocoIds
from .count_total import SPAN, CountTotal
from .detector import Detector
from .inputs import Named
from .instances import coco_results, labelme_results
from .tables import JsonList, Table
from .writers import OverlayVideo, rgb, save_image

COLUMNS = ('picture', 'number', 'class', 'score', 'area', 'x', 'y', 'width', 'height')


class InstanceResults:
    """Finds the instances of images and writes the results.

    Args:
        detector (Detector): The model.
        out (str | Path): Folder of the results.
        images (Sequence[Input]): The images, in the order of their ids from 1.
        image_format (str): Suffix of the overlays, ``jpg`` or ``png``. Defaults to ``jpg``.
        opacity (float): Of the colours, from 0 to 1. Defaults to 0.5.
        simplify (float): How far the outlines for LabelMe may deviate, in pixels. Defaults to 1.
        ids (CocoIds, optional): Ids of the COCO results. Defaults to numbers from 1.
        threshold (float, optional): Of the instances that are written. Defaults to the detector's.
    """

    verb = 'counted'

    def __init__(self, detector: Detector, out: str | Path, *, images: Sequence[Named] = (),
                 image_format: str = 'jpg', opacity: float = 0.5, simplify: float = 1.0,
                 ids: CocoIds | None = None, threshold: float | None = None) -> None:
        self.total = CountTotal(detector, threshold)
        self._model, self.read = detector, detector.read
        self._out, self._format, self._opacity = Path(out), image_format, opacity
        self._simplify = simplify
        self._ids = ids or CocoIds.running([item.path for item in images], detector.classes)

    @contextlib.contextmanager
    def images(self) -> Iterator[Callable]:
        """Open the tables of the images; yields what does one ``(item, image)``."""
        full: list[str] = []
        with self.tables() as write:
            def add(item: Named, image: np.ndarray) -> None:
                instances = self._model(image)
                if instances.is_full:
                    full.append(str(item.shown))
                write(item, image, instances)
            yield add
        self._tell_of_cap(full)

    @contextlib.contextmanager
    def tables(self) -> Iterator[Callable]:
        """Open the tables; yields what writes one ``(item, image, instances)``."""
        out = self._out
        with self.total.written(out / 'total.json'), JsonList(out / 'results.json') as results, \
                Table(out / 'animals.csv', COLUMNS) as rows, \
                Table(out / 'counts.csv', ['picture', *self._counted, *SPAN]) as counts:
            def write(item: Named, image: np.ndarray, instances: Sequence[Detection]) -> None:
                height, width = image.shape[:2]
                save_image(out / 'overlays' / f'{item.name}.{self._format}',
                             self._draw(image, instances))
                self._save_labels(item, height, width, instances)
                # the tables last: what they list has its files
                image_id, file_name = self._ids.images[item.path]
                with results.undone_by_errors(), rows.undone_by_errors():
                    results.add(coco_results(instances, height, width, image_id,
                                             self._ids.categories, file_name=file_name))
                    rows.write([[item.shown, number, *self._values(instance)]
                                for number, instance in enumerate(instances, start=1)])
                    counts.write([[item.shown, *self._count(instances),
                                   *self.total.span(len(instances))]])
                self.total.add(len(instances))
            yield write

    @contextlib.contextmanager
    def video(self, target: Path, rate: float) -> Iterator[Callable]:
        """Open ``target`` .csv and .mp4; yields what does one ``(index, frame)``."""
        with Table(Path(f'{target}.csv'), ['frame', *self._counted, *SPAN]) as counts, \
                OverlayVideo(Path(f'{target}.mp4'), rate) as video:
            full: list[str] = []

            def add(index: int, frame: np.ndarray) -> None:
                instances = self._model(frame)
                if instances.is_full:
                    full.append(f'frame {index} of {target.name}')
                video.add(self._draw(frame, instances))
                counts.write([[index, *self._count(instances), *self.total.span(len(instances))]])
            yield add
        self._tell_of_cap(full)

    def _tell_of_cap(self, full: list[str]) -> None:
        """Say in which images there may be more instances than the config lets the model find."""
        if full and self._model.cap is not None:
            key, most = self._model.cap
            warn(f'{first_few(full)}: {most} instances were found, as many as the config allows '
                 f'({key}={most}), and there may be more: raise it in the config')

    @property
    def _counted(self) -> list[str]:
        """Titles of the counts: of all instances and, if there are several, of each class."""
        classes = self._model.classes
        return ['count', *(classes if len(classes) > 1 else [])]

    def _count(self, instances: Sequence[Detection]) -> list[int]:
        numbers = Counter(instance.label for instance in instances)
        return [len(instances), *(numbers[label] for label in range(len(self._counted) - 1))]

    def _values(self, instance: Detection) -> list[Any]:
        return [self._model.classes[instance.label], f'{instance.score:.4f}', instance.area,
                *instance.box]

    def _draw(self, image: np.ndarray, instances: Sequence[Detection]) -> np.ndarray:
        # one mask at a time: those of a large image together would fill the memory
        masks = (instance.whole_mask(*image.shape[:2]) for instance in instances)
        return draw_instances(rgb(image), masks, range(1, len(instances) + 1),
                              [instance.score for instance in instances], self._opacity)

    def _save_labels(self, item: Named, height: int, width: int,
                     instances: Sequence[Detection]) -> None:
        path = self._out / 'labelme' / f'{item.name}.json'
        image = Path(os.path.relpath(item.path.resolve(), path.parent.resolve())).as_posix()
        document = labelme_results(instances, self._model.classes, height, width, image,
                                   self._simplify)
        write_atomically(path, labelme_text(document, indent=2))
