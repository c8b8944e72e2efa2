"""The results of a model that outlines instances: overlays, labels, COCO results and counts."""
import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

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
from .instances import Instances, coco_results, labelme_results
from .predictor import Prepared
from .tables import JsonList, Table
from .writers import OverlayVideo, rgb, save_image

COLUMNS = ('picture', 'number', 'class', 'score', 'area', 'x', 'y', 'width', 'height')


class InstanceRows(NamedTuple):
    """What the tables say of an image.

    Attributes:
        results (list[dict]): COCO results.
        animals (list[list]): Rows of ``animals.csv`` without the image.
        counts (list[int]): The number of instances, and of each class if there are several.
        is_full (bool): There may be more instances than the config lets the model find.
    """

    results: list[dict[str, Any]]
    animals: list[list[Any]]
    counts: list[int]
    is_full: bool


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
        overlays (bool): Whether to write overlays. Defaults to True.
    """

    verb = 'counted'
    # the tables of images; what the last one lists is done
    table_names = ('results.json', 'animals.csv', 'counts.csv')

    def __init__(self, detector: Detector, out: str | Path, *, images: Sequence[Named] = (),
                 image_format: str = 'jpg', opacity: float = 0.5, simplify: float = 1.0,
                 ids: CocoIds | None = None, threshold: float | None = None,
                 overlays: bool = True) -> None:
        self.total, self._threshold = CountTotal(detector, threshold), threshold
        self.model, self.read = detector, detector.read
        self.out, self._format, self._opacity = Path(out), image_format, opacity
        self._simplify, self._overlays = simplify, overlays
        self.ids = ids or CocoIds.running([item.path for item in images], detector.classes)

    def ask(self, prepared: Sequence[Prepared]) -> list[Instances]:
        """Let the network answer to prepared images."""
        return self.model.results_of(prepared)

    def answer(self, image: np.ndarray) -> Instances:
        """Let the model answer to an image."""
        return self.model(image)

    def files(self, item: Named) -> list[Path]:
        """The files of an image."""
        made = {'labelme': '.json', **({'overlays': f'.{self._format}'} if self._overlays else {})}
        return [self.out / folder / f'{item.name}{suffix}' for folder, suffix in made.items()]

    def write(self, item: Named, image: np.ndarray, instances: Sequence[Detection]) -> InstanceRows:
        """Write the files of an image; returns what the tables say of it."""
        height, width = image.shape[:2]
        if self._overlays:
            save_image(self.out / 'overlays' / f'{item.name}.{self._format}',
                       self._draw(image, instances))
        self._save_labels(item, height, width, instances)
        image_id, file_name = self.ids.images[item.path]
        return InstanceRows(
            coco_results(instances, height, width, image_id, self.ids.categories,
                         file_name=file_name),
            [[number, *self._values(instance)] for number, instance in enumerate(instances, 1)],
            self._count(instances), getattr(instances, 'is_full', False))

    @contextlib.contextmanager
    def tables(self, folder: Path | None = None) -> Iterator[Callable]:
        """Open the tables; yields what adds an image ``(item, rows)``."""
        out, full = folder or self.out, list[str]()
        self.total = CountTotal(self.model, self._threshold)
        with self.total.written(out / 'total.json'), JsonList(out / 'results.json') as results, \
                Table(out / 'animals.csv', COLUMNS) as rows, \
                Table(out / 'counts.csv', ['picture', *self._counted, *SPAN]) as counts:
            def add(item: Named, of: InstanceRows) -> None:
                # of two runs' tables, no image would be listed in this one
                counts.begin()
                with results.undone_by_errors(), rows.undone_by_errors():
                    results.add(of.results)
                    rows.write([[item.shown, *row] for row in of.animals])
                    counts.write([[item.shown, *of.counts, *self.total.span(of.counts[0])]])
                self.total.add(of.counts[0])
                if of.is_full:
                    full.append(str(item.shown))
            yield add
        self._tell_of_cap(full)

    @contextlib.contextmanager
    def images(self) -> Iterator[Callable]:
        """Open the tables of the images; yields what does one ``(item, image)``."""
        with self.tables() as add:
            yield lambda item, image: add(item, self.write(item, image, self.answer(image)))

    @contextlib.contextmanager
    def video(self, target: Path, rate: float) -> Iterator[Callable]:
        """Open ``target`` .csv and .mp4; yields what does one ``(index, frame)``."""
        full: list[str] = []
        with contextlib.ExitStack() as stack:
            counts = stack.enter_context(
                Table(Path(f'{target}.csv'), ['frame', *self._counted, *SPAN]))
            video = stack.enter_context(
                OverlayVideo(Path(f'{target}.mp4'), rate)) if self._overlays else None

            def add(index: int, frame: np.ndarray) -> None:
                instances = self.model(frame)
                if instances.is_full:
                    full.append(f'frame {index} of {target.name}')
                if video is not None:
                    video.add(self._draw(frame, instances))
                counts.write([[index, *self._count(instances), *self.total.span(len(instances))]])
            yield add
        self._tell_of_cap(full)

    def _tell_of_cap(self, full: list[str]) -> None:
        """Say in which images there may be more instances than the config lets the model find."""
        if full and self.model.cap is not None:
            key, most = self.model.cap
            warn(f'{first_few(full)}: {most} instances were found, as many as the config allows '
                 f'({key}={most}), and there may be more: raise it in the config')

    @property
    def _counted(self) -> list[str]:
        """Titles of the counts: of all instances and, if there are several, of each class."""
        classes = self.model.classes
        return ['count', *(classes if len(classes) > 1 else [])]

    def _count(self, instances: Sequence[Detection]) -> list[int]:
        numbers = Counter(instance.label for instance in instances)
        return [len(instances), *(numbers[label] for label in range(len(self._counted) - 1))]

    def _values(self, instance: Detection) -> list[Any]:
        return [self.model.classes[instance.label], f'{instance.score:.4f}', instance.area,
                *instance.box]

    def _draw(self, image: np.ndarray, instances: Sequence[Detection]) -> np.ndarray:
        # one mask at a time: those of a large image together would fill the memory
        masks = (instance.whole_mask(*image.shape[:2]) for instance in instances)
        return draw_instances(rgb(image), masks, range(1, len(instances) + 1),
                              [instance.score for instance in instances], self._opacity)

    def _save_labels(self, item: Named, height: int, width: int,
                     instances: Sequence[Detection]) -> None:
        path = self.out / 'labelme' / f'{item.name}.json'
        image = Path(os.path.relpath(item.path.resolve(), path.parent.resolve())).as_posix()
        document = labelme_results(instances, self.model.classes, height, width, image,
                                   self._simplify)
        write_atomically(path, labelme_text(document, indent=2))
