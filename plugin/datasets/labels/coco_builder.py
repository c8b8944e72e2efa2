"""Labelled images gathered into one COCO file, with a list of all that was wrong with them."""
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pycocotools import mask as coco_mask

from plugin.utils import UserError, write_atomically
from plugin.utils.text import LONGEST_NAME, brief, is_name, is_unicode, printable, shortened, word

from .image_files import ImageSize, image_size
from .joining import TWICE, join_shapes
from .label_names import LabelNames
from .polygons import Instance, to_rle
from .regions import IGNORE, is_region, with_categories
from .shapes import Shape, label_key

# what can happen to a label; a note alone changes nothing that was drawn
ACTIONS = ('note', 'mended', 'merged', 'split', 'dropped', 'left out')


class LabelFinding(NamedTuple):
    """Something that was not as it should be.

    Attributes:
        file (str): Where.
        shape (str): Which shape in it; '' for the file as a whole.
        action (str): What was done, one of ``ACTIONS``.
        reason (str): Why, with the cure where there is one.
    """

    file: str
    shape: str
    action: str
    reason: str


class ImageEntry(NamedTuple):
    """An image that is part of the set.

    Attributes:
        source (str): The file with its labels, for messages.
        file_name (str): Its path relative to the folder of images, with ``/``.
        height (int): H in pixels, after the turn that EXIF asks for.
        width (int): W likewise.
    """

    source: str
    file_name: str
    height: int
    width: int


class CocoBuilder:
    """Gathers images and shapes, and keeps account of what was wrong.

    Args:
        root (Path): Folder of the images.
        labels (LabelNames, optional): Which labels are taken. Defaults to all.
    """

    def __init__(self, root: Path, labels: LabelNames | None = None) -> None:
        self.root = Path(root)
        self.findings: list[LabelFinding] = []
        self._labels = labels or LabelNames()
        self._images: list[dict] = []
        self._instances: list[tuple[int, Instance]] = []
        self._sources: dict[str, str] = {}
        self._named: set[str] = set()
        self._places: dict[str, int] = {}
        self._extras: dict[str, Any] = {}
        # what files say of their categories, by key: the id that is to stay, and the rest
        self._declared: dict[str, tuple[int | None, dict]] = {}
        self._dropped: Counter[str] = Counter()
        # labels that were left out, and may be those of any image without labels
        self.unplaced = 0

    def report(self, file: str, action: str, reason: str, shape: str = '') -> None:
        """Note a finding; control characters, and names that are no UTF-8, are escaped."""
        if action not in ACTIONS:
            raise UserError(f'action {action!r} is none of {", ".join(ACTIONS)}')
        self.findings.append(LabelFinding(*(
            printable(shortened(text)) for text in (file, shape, action, reason))))
        self._dropped[file] += action == 'dropped' and reason != TWICE
        self.unplaced += action == 'left out'

    def image(self, source: str, path: Path,
              written: tuple[Any, Any] | None = None, again: bool = False) -> ImageEntry | None:
        """Take an image into account, unless something is wrong with it.

        Args:
            source (str): The file with its labels, for messages.
            path (Path): The image.
            written (tuple, optional): H, W of the image according to its labels.
            again (bool): Take it even if it has labels already, as where several files hold
                those of one image. Defaults to False.

        Returns:
            ImageEntry, optional: None if it cannot be used; the reason is reported.
        """
        # not resolve(): an image that is a link counts where the link lies
        file_name = self.name_of(path)
        self._named.add(file_name)
        fault = self._fault_of_name(file_name, again)
        if not fault:
            try:
                size = image_size(path)
            except (OSError, ValueError) as error:
                fault = f'image {file_name} cannot be read ({error}): replace it'
            else:
                fault = _fault_of_size(file_name, size, written)
        if fault:
            self.report(source, 'left out', fault)
            return None
        if file_name in self._sources:
            self.report(source, 'merged', f'image {file_name} has labels in '
                        f'{self._sources[file_name]} as well: these are added')
        self._sources.setdefault(file_name, source)
        return ImageEntry(source, file_name, size.height, size.width)

    def declare(self, name: str, number: int | None = None,
                extra: Mapping[str, Any] | None = None) -> None:
        """Note a class that a file names, whether or not an instance is of it.

        Args:
            name (str): Its name.
            number (int, optional): The id it is to have, if all classes have one.
            extra (Mapping, optional): What else its COCO category says.
        """
        if is_region(name):
            return  # no class
        self._declared.setdefault(label_key(name), (number, dict(extra or {})))
        self._labels.declare(name)

    def keep(self, extras: Mapping[str, Any]) -> None:
        """Note what else the COCO file is to say, as ``info``; the first to say it counts."""
        for key, value in extras.items():
            self._extras.setdefault(key, value)

    def add(self, image: ImageEntry, shapes: Sequence[Shape], *, union: bool = False,
            number: int | None = None, extra: Mapping[str, Any] | None = None) -> None:
        """Take the shapes of an image; without shapes it is one without animals.

        What is dropped becomes a region to ignore where its area is known. An image of which no
        animal is left, and of what was dropped not the area, is none without animals, so that it
        is left out.

        Args:
            image (ImageEntry): The image.
            shapes (Sequence[Shape]): What is drawn in it.
            union (bool): The polygons of a group are a union, without holes. Defaults to False.
            number (int, optional): The id the image is to have, if it is free.
            extra (Mapping, optional): What else its COCO entry says.
        """
        def report(name: str, action: str, reason: str) -> None:
            self.report(image.source, action, reason, name)

        instances = join_shapes(self.take(image, shapes), image.height, image.width, report, union,
                                regions=True)
        self._dropped[image.source] -= sum('dropped' in (one.extra or {}) for one in instances
                                           if one.label == IGNORE)
        if self._dropped[image.source] and all(one.label == IGNORE for one in instances):
            self.report(image.source, 'left out', f'image {image.file_name} has nothing left but '
                        'what was dropped: outline that, or it would be an image without animals')
            self.unplaced -= 1
            return
        if image.file_name not in self._places:
            self._places[image.file_name] = len(self._images)
            self._images.append(dict(id=number, file_name=image.file_name,
                                     height=image.height, width=image.width, **(extra or {})))
        place = self._places[image.file_name]
        self._instances += [(place, instance) for instance in instances]

    def take(self, image: ImageEntry, shapes: Sequence[Shape]) -> list[Shape]:
        """Those of the shapes whose labels are asked for, with the names of their classes.

        Regions to ignore are always taken, and so is what is no outline: as a region.
        """
        taken = []
        for shape in shapes:
            if not is_name(shape.label) and not shape.fault:
                is_long = isinstance(shape.label, str) and len(shape.label) > LONGEST_NAME
                shape = shape._replace(fault=f'its label {brief(shape.label)} is no name'
                                       + f': it has more than {LONGEST_NAME} letters' * is_long)
            if shape.fault or is_region(shape.label):
                if not is_name(shape.label) or self._labels.asks_for(shape.label):
                    taken.append(shape._replace(label=IGNORE))
                continue
            label = self._labels.take(shape.label, image.source)
            if label is not None:
                taken.append(shape._replace(label=label))
        return taken

    def has(self, path: Path) -> bool:
        """Whether the labels of an image were found, usable or not."""
        return self.name_of(path) in self._named

    def name_of(self, path: Path) -> str:
        """The path of an image relative to the folder of images, with ``/``."""
        return Path(os.path.relpath(path, self.root)).as_posix()

    def arrange(self, places: Mapping[str, int]) -> None:
        """Bring images into the order of their places, by name; those without one stay first."""
        order = sorted(range(len(self._images)),
                       key=lambda index: places.get(self._images[index]['file_name'], -1))
        now = {index: place for place, index in enumerate(order)}
        self._images = [self._images[index] for index in order]
        self._places = {name: now[index] for name, index in self._places.items()}
        self._instances = sorted(((now[place], one) for place, one in self._instances),
                                 key=lambda pair: pair[0])

    def close(self) -> None:
        """Report on the labels as a whole, once all images are there."""
        self._labels.report(self.report)

    def content(self) -> dict[str, list[dict]]:
        """The COCO file.

        Returns:
            dict: ``images``, ``annotations`` (area and box those of the mask), ``categories``.

        Raises:
            UserError: If there is no image or no class.
        """
        if not self._images:
            raise UserError('no labelled image is left: the list of findings says why')
        classes = self._labels.classes([instance.label for _, instance in self._instances
                                        if instance.label != IGNORE])
        ids = numbered([self._declared.get(key, (None, ))[0] for key in classes])
        numbers = dict(zip(classes, ids, strict=True))
        images = [dict(image, id=number) for image, number in zip(
            self._images, numbered([image['id'] for image in self._images]), strict=True)]
        annotations = [_annotation(number, category_id, instance, images[place])
                       for number, (place, category_id, instance) in enumerate(
                           with_categories(self._instances, numbers), start=1)]
        return dict(self._extras, images=images, annotations=annotations, categories=[
            dict(self._declared.get(key, (None, {}))[1], id=numbers[key], name=name)
            for key, name in classes.items()])

    def _fault_of_name(self, file_name: str, again: bool) -> str:
        if file_name.startswith('../') or os.path.isabs(file_name):
            return (f'image {file_name} lies outside the folder of images {self.root}: '
                    'give that folder by --images')
        if not is_unicode(file_name):
            return f'the name of image {file_name} is no UTF-8: rename it'
        if file_name in self._sources and not again:
            return f'image {file_name} has its labels from {self._sources[file_name]} already'
        return ''


def write_coco(path: Path, content: dict[str, list[dict]]) -> None:
    """Write a COCO file as a whole or not at all."""
    write_atomically(path, json.dumps(content, ensure_ascii=False) + '\n')


def _fault_of_size(file_name: str, size: ImageSize, written: tuple[Any, Any] | None) -> str:
    """What is wrong with the size written down; '' if nothing is."""
    if written is None or written == size[:2]:
        return ''
    fault = (f'the labels are for {word(written[1])}x{word(written[0])} pixels, but image '
             f'{file_name} has {size.width}x{size.height}')
    if size.is_turned and written == (size.width, size.height):
        return (f'{fault} once turned as its EXIF orientation asks: the outlines belong to the '
                'image as stored; take the orientation out of it, as by exiftool '
                '-n -Orientation=1')
    return f'{fault}: bring back the image that was labelled, or label this one'


def numbered(wanted: Sequence[int | None]) -> list[int]:
    """Ids of N things: those that are wanted, where they are free, and else the next ones."""
    taken: dict[int, int] = {}
    for place, number in enumerate(wanted):
        if number is not None:
            taken.setdefault(number, place)
    largest = max(taken, default=0)
    ids = []
    for place, number in enumerate(wanted):
        if number is None or taken[number] != place:
            number = largest = largest + 1
        ids.append(number)
    return ids


def _annotation(number: int, category_id: int, instance: Instance, image: dict) -> dict:
    """An entry of a COCO file."""
    rle = to_rle(instance.segmentation, image['height'], image['width'])
    return dict(instance.extra or {}, id=number, image_id=image['id'], category_id=category_id,
                iscrowd=int(instance.iscrowd), bbox=coco_mask.toBbox(rle).tolist(),
                area=int(coco_mask.area(rle)), segmentation=instance.segmentation)
