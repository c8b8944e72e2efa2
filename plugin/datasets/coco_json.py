"""Labelled pictures gathered into one COCO file, with a list of all that was wrong with them."""
import json
import os
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from pycocotools import mask as coco_mask

from plugin.utils import write_atomically

from .joining import join_shapes
from .label_names import LabelNames
from .picture_files import picture_size
from .polygons import Instance, to_rle
from .shapes import Shape, label_key

# what can happen to a label; a note alone changes nothing that was drawn
ACTIONS = ('note', 'mended', 'merged', 'split', 'dropped', 'left out')


class Finding(NamedTuple):
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


class Picture(NamedTuple):
    """A picture that is part of the set.

    Attributes:
        source (str): The file with its labels, for messages.
        file_name (str): Its path relative to the folder of pictures, with ``/``.
        height (int): H in pixels, after the turn that EXIF asks for.
        width (int): W likewise.
    """

    source: str
    file_name: str
    height: int
    width: int


class CocoBuilder:
    """Gathers pictures and shapes, and keeps account of what was wrong.

    Args:
        root (Path): Folder of the pictures.
        labels (LabelNames, optional): Which labels are taken. Defaults to all.
    """

    def __init__(self, root: Path, labels: Optional[LabelNames] = None) -> None:
        self.root = Path(root)
        self.findings: List[Finding] = []
        self._labels = labels or LabelNames()
        self._images: List[dict] = []
        self._instances: List[Tuple[int, Instance]] = []
        self._sources: Dict[str, str] = {}
        self._named: Set[str] = set()

    def report(self, file: str, action: str, reason: str, shape: str = '') -> None:
        """Note a finding; names that are no UTF-8 are escaped."""
        if action not in ACTIONS:
            raise ValueError(f'action {action!r} is none of {", ".join(ACTIONS)}')
        self.findings.append(Finding(*(
            text.encode('utf-8', 'backslashreplace').decode('utf-8')
            for text in (file, shape, action, reason))))

    def picture(self, source: str, path: Path,
                written: Optional[Tuple[Any, Any]] = None) -> Optional[Picture]:
        """Take a picture into account, unless something is wrong with it.

        Args:
            source (str): The file with its labels, for messages.
            path (Path): The picture.
            written (tuple, optional): H, W of the picture according to its labels.

        Returns:
            Picture, optional: None if it cannot be used; the reason is reported.
        """
        # not resolve(): a picture that is a link counts where the link lies
        file_name = Path(os.path.relpath(path, self.root)).as_posix()
        self._named.add(file_name)
        fault = self._fault_of_name(file_name)
        if not fault:
            try:
                size = picture_size(path)
            except (OSError, ValueError) as error:
                fault = f'picture {file_name} cannot be read ({error}): replace it'
            else:
                fault = _fault_of_size(file_name, size, written)
        if fault:
            self.report(source, 'left out', fault)
            return None
        self._sources[file_name] = source
        return Picture(source, file_name, size.height, size.width)

    def add(self, picture: Picture, shapes: Sequence[Shape]) -> None:
        """Take the shapes of a picture; without shapes it is one without animals."""
        image_id = len(self._images) + 1
        self._images.append(dict(id=image_id, file_name=picture.file_name,
                                 height=picture.height, width=picture.width))

        def report(name: str, action: str, reason: str) -> None:
            self.report(picture.source, action, reason, name)

        self._instances += [(image_id, instance) for instance in join_shapes(
            self.take(picture, shapes), picture.height, picture.width, report)]

    def take(self, picture: Picture, shapes: Sequence[Shape]) -> List[Shape]:
        """Those of the shapes whose labels are asked for, with the names of their classes."""
        taken = []
        for shape in shapes:
            if not _is_name(shape.label):
                self.report(picture.source, 'dropped', f'its label {shape.label!r} is no name',
                            shape.name)
                continue
            label = self._labels.take(shape.label, picture.source)
            if label is not None:
                taken.append(shape._replace(label=label))
        return taken

    def has(self, path: Path) -> bool:
        """Whether the labels of a picture were found, usable or not."""
        return Path(os.path.relpath(path, self.root)).as_posix() in self._named

    def close(self) -> None:
        """Report on the labels as a whole, once all pictures are there."""
        self._labels.report(self.report)

    def content(self) -> Dict[str, List[dict]]:
        """The COCO file.

        Returns:
            dict: ``images``, ``annotations`` (area and box those of the mask), ``categories``.

        Raises:
            ValueError: If there is no picture or no class.
        """
        if not self._images:
            raise ValueError('no labelled picture is left: the list of findings says why')
        classes = self._labels.classes([instance.label for _, instance in self._instances])
        ids = {key: place + 1 for place, key in enumerate(classes)}
        annotations = [
            _annotation(place + 1, image_id, ids[label_key(instance.label)], instance,
                        self._images[image_id - 1])
            for place, (image_id, instance) in enumerate(self._instances)]
        return dict(images=list(self._images), annotations=annotations,
                    categories=[dict(id=ids[key], name=name) for key, name in classes.items()])

    def _fault_of_name(self, file_name: str) -> str:
        if file_name.startswith('../') or os.path.isabs(file_name):
            return (f'picture {file_name} lies outside the folder of pictures {self.root}: '
                    'give that folder by --images')
        if not _is_name(file_name):
            return f'the name of picture {file_name} is no UTF-8: rename it'
        if file_name in self._sources:
            return f'picture {file_name} has its labels from {self._sources[file_name]} already'
        return ''


def write_coco(path: Path, content: Dict[str, List[dict]]) -> None:
    """Write a COCO file as a whole or not at all."""
    write_atomically(path, json.dumps(content, ensure_ascii=False) + '\n')


def _is_name(text: Any) -> bool:
    """Whether this is a text that is not empty and can be written to a file."""
    if not isinstance(text, str) or not text.strip():
        return False
    # a lone surrogate: half a letter from JSON, or a byte of a file name that is no UTF-8
    return not any('\ud800' <= letter <= '\udfff' for letter in text)


def _fault_of_size(file_name: str, size: Any, written: Optional[Tuple[Any, Any]]) -> str:
    """What is wrong with the size written down; '' if nothing is."""
    if written is None or written == size[:2]:
        return ''
    fault = (f'the labels are for {written[1]}x{written[0]} pixels, but picture {file_name} has '
             f'{size.width}x{size.height}')
    if size.is_turned and written == (size.width, size.height):
        return (f'{fault} once turned as its EXIF orientation asks: the outlines belong to the '
                'picture as stored; take the orientation out of it, as by exiftool '
                '-n -Orientation=1')
    return f'{fault}: bring back the picture that was labelled, or label this one'


def _annotation(number: int, image_id: int, category_id: int, instance: Instance,
                image: dict) -> dict:
    """An entry of a COCO file."""
    rle = to_rle(instance.segmentation, image['height'], image['width'])
    return dict(id=number, image_id=image_id, category_id=category_id, iscrowd=0,
                bbox=coco_mask.toBbox(rle).tolist(), area=int(coco_mask.area(rle)),
                segmentation=instance.segmentation)
