"""What can be wrong with one picture and its label."""
import os
from io import BytesIO
from typing import List, NamedTuple, Optional, Tuple

import cv2
import mmcv
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio
from mmengine.dataset import BaseDataset
from mmseg.datasets import LoadAnnotations
from PIL import Image

from .picture_files import ORIENTATION

PNG_END = b'IEND\xaeB`\x82'


class Problem(NamedTuple):
    """What is wrong with one file: its sort, the file, and a sentence with the cure."""

    kind: str
    place: str
    text: str


class Entry(NamedTuple):
    """What a data set says of one picture: its path, that of its label map, its size.

    Attributes:
        image (str): The picture.
        label (str, optional): Its label map; None where there is none.
        size (tuple[int, int], optional): Height and width that its outlines were drawn on.
    """

    image: str
    label: Optional[str] = None
    size: Optional[Tuple[int, int]] = None

    @classmethod
    def of(cls, info: dict) -> 'Entry':
        """Read what a data set of OpenMMLab knows of a picture."""
        size = (info['height'], info['width']) if 'height' in info else None
        return cls(info['img_path'], info.get('seg_map_path'), size)


class BadFile(ValueError):
    """Carries a ``Problem`` out of the function that found it."""

    def __init__(self, kind: str, place: str, text: str) -> None:
        super().__init__(text)
        self.problem = Problem(kind, place, text)


class FileChecker:
    """Checks a picture with its label as the data set's own loaders read it.

    Args:
        dataset (BaseDataset): Any data set of mmseg or mmdet. A pipeline that does
            not read pictures by ``LoadImageFromFile``, or labels by mmseg's
            ``LoadAnnotations``, reads other kinds of files: these are not looked at.
    """

    def __init__(self, dataset: BaseDataset) -> None:
        self.root = dataset.data_root or ''
        # unlabelled pictures have no classes, and no labels to hold them against
        self.num_classes = len(dataset.metainfo.get('classes') or ())
        # sets of outlines have no label maps, and none of these settings
        self.ignore_index = getattr(dataset, 'ignore_index', 255)
        self.reduce_zero_label = getattr(dataset, 'reduce_zero_label', False)
        self.label_map = getattr(dataset, 'label_map', None) or {}
        # a sub-class may read anything
        loaders = {type(step): step for step in dataset.pipeline.transforms}
        self.image_loader = loaders.get(LoadImageFromFile)
        self.label_loader = loaders.get(LoadAnnotations)
        self.ids = self._final_ids()
        self.legal = (self.ids < self.num_classes) | (self.ids == self.ignore_index)

    def _final_ids(self) -> np.ndarray:
        """What ``LoadAnnotations`` makes of each of the 256 values of a label, (256, )."""
        ids = np.arange(256)
        if self.reduce_zero_label:
            ids = np.where((ids == 0) | (ids == 255), 255, ids - 1)
        before = ids.copy()
        for old, new in self.label_map.items():
            ids[before == old] = new
        return ids

    def settings(self) -> tuple:
        """Everything but the files that the verdict depends on."""
        return (self.num_classes, self.ignore_index, self.reduce_zero_label,
                sorted(self.label_map.items()), repr(self.image_loader), repr(self.label_loader))

    def shown(self, path: str) -> str:
        """The path from the data root on, if it lies in there."""
        inside = os.path.relpath(path, self.root) if self.root else path
        return path if inside.startswith(os.pardir) else inside

    def __call__(self, entry: Entry) -> Tuple[Optional[Problem], Optional[List[int]]]:
        """Check a picture.

        Returns:
            tuple: The first problem or None; the class ids that occur, None without label.
        """
        try:
            present = None
            size = self._picture_size(entry.image) if self.image_loader else None
            if size is not None and entry.size is not None:
                self._compare_outlines(entry, size)
            if entry.label is not None and self.label_loader:
                label = self._read_label(entry.label)
                if size is not None:
                    self._compare(entry.image, size, entry.label, label.shape)
                present = self._check_ids(entry.label, label)
        except BadFile as bad:
            return bad.problem, None
        return None, present

    def _read(self, path: str, kind: str, backend_args: Optional[dict]) -> bytes:
        try:
            data = fileio.get(path, backend_args=backend_args)
        except OSError as error:
            raise BadFile(kind, self.shown(path), f'{kind} {self.shown(path)} cannot be read '
                          f'({error.strerror or error}): restore it, or take it out of the set'
                          ) from error
        if not data:
            raise BadFile(kind, self.shown(path), f'{kind} {self.shown(path)} is empty (0 bytes): '
                          'restore it, or take it out of the set')
        return data

    def _picture_size(self, path: str) -> Tuple[int, int]:
        """Height and width as loaded, from the header where that is certain."""
        data = self._read(path, 'picture', self.image_loader.backend_args)
        try:
            with Image.open(BytesIO(data)) as picture:
                width, height = picture.size
                whole = _is_whole(picture, data)
                turned = _is_turned(picture, data)
        except Exception:  # decoders raise anything; the loader knows more formats
            return self._loaded_size(path)
        if not whole:
            raise BadFile('picture', self.shown(path), f'picture {self.shown(path)} is cut off: '
                          'fetch it again, or take it out of the set')
        return self._loaded_size(path) if turned else (height, width)

    def _loaded_size(self, path: str) -> Tuple[int, int]:
        """Height and width of what the loader of the pipeline returns."""
        try:
            return self.image_loader.transform(dict(img_path=path))['img'].shape[:2]
        except Exception as error:  # decoders raise anything
            raise BadFile('picture', self.shown(path), f'{self.shown(path)} is no picture that '
                          'can be read: replace it, or take it out of the set') from error

    def _read_label(self, path: str) -> np.ndarray:
        """Decode a label as the loader does, before it is cast to uint8, (H, W)."""
        data = self._read(path, 'label', self.label_loader.backend_args)
        try:
            label = mmcv.imfrombytes(
                data, flag='unchanged', backend=self.label_loader.imdecode_backend).squeeze()
        except Exception as error:  # decoders raise anything
            raise BadFile('label', self.shown(path), f'{self.shown(path)} is no label map that can '
                          'be read: replace it, or take it out of the set') from error
        if label.ndim != 2:
            raise BadFile('colours', self.shown(path),
                          f'label {self.shown(path)} has the shape {label.shape}, not one class id '
                          'a pixel: turn its colours into ids as data/README.md shows')
        return label

    def _compare(self, image_path: str, size: tuple, label_path: str, label_size: tuple) -> None:
        if tuple(size) == tuple(label_size):
            return
        (height, width), (label_height, label_width) = size, label_size
        raise BadFile('size', self.shown(label_path),
                      f'label {self.shown(label_path)} is {label_width}x{label_height}, but its '
                      f'picture {self.shown(image_path)} is {width}x{height} as loaded (width x '
                      'height): export the label at the size of its picture')

    def _compare_outlines(self, entry: Entry, size: tuple) -> None:
        if tuple(size) == tuple(entry.size):
            return
        (height, width), (drawn_height, drawn_width) = size, entry.size
        raise BadFile('size', self.shown(entry.image),
                      f'picture {self.shown(entry.image)} is {width}x{height} as loaded (width x '
                      f'height), but its outlines were drawn on {drawn_width}x{drawn_height}: '
                      'convert the labels again from the picture they belong to')

    def _check_ids(self, path: str, label: np.ndarray) -> List[int]:
        """Return the class ids that occur, or raise for one that is none."""
        if label.dtype == np.uint8:
            # three times as fast as numpy.bincount
            values = np.flatnonzero(cv2.calcHist([label], [0], None, [256], [0, 256]))
        else:
            values = np.unique(label)
        bad = [v for v in values.tolist() if not (0 <= v < 256 and self.legal[int(v)])]
        if bad:
            raise BadFile('ids', self.shown(path), self._id_message(path, bad))
        final = self.ids[values.astype(int)]
        return final[final < self.num_classes].tolist()

    def _id_message(self, path: str, bad: list) -> str:
        allowed = np.flatnonzero(self.legal)
        last = allowed[allowed != self.ignore_index].max(initial=0)
        cure = f'set pixels of no class to {self.ignore_index}, or complete the list of classes'
        # ids counted from 1 show up as exactly one id too many
        if bad == [self.num_classes] and not self.reduce_zero_label:
            cure = 'did you mean reduce_zero_label=True?'
        return (f'class id {bad[0]} in {self.shown(path)} is outside 0..{last} '
                f'(ignore {self.ignore_index}); {cure}')


def _is_whole(picture: Image.Image, data: bytes) -> bool:
    """Whether no byte is missing at the end; other formats than JPEG and PNG pass."""
    if picture.format == 'JPEG':
        # a thumbnail ends with this mark too, but lies before the picture's data
        return data.find(b'\xff\xd9', picture.fp.tell()) >= 0
    return picture.format != 'PNG' or PNG_END in data


def _is_turned(picture: Image.Image, data: bytes) -> bool:
    """Whether EXIF asks to turn the picture, which loaders do in ways of their own."""
    # for a PNG without EXIF, Pillow would decode everything to look behind the pixels
    if picture.format == 'PNG' and b'eXIf' not in data:
        return False
    return picture.getexif().get(ORIENTATION, 1) != 1
