"""What can be wrong with one image and its label."""
import os
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import mmcv
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio
from mmengine.dataset import BaseDataset
from mmseg.datasets import LoadAnnotations, PascalVOCDataset

from plugin.utils.images import open_image

from ..image_depth import TIFF
from ..labels.image_files import IMAGE_SUFFIXES, is_whole, orientation
from ..transforms import LoadDeepImage
from .depth import Deep, look_at_depth, scaled_text
from .seen import BadFile, Entry, Problem, Seen, Size
from .swapped_sizes import told_swapped

CODES = dict(image='picture', label='label')  # beginnings of the kinds of problems
# what Pillow makes of the usual palette when a mask of colours is saved as grey
GREYS = frozenset((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16
                  for red, green, blue in PascalVOCDataset.METAINFO['palette'])


class FileChecker:
    """Checks an image with its label as the data set's own loaders read it.

    Args:
        dataset (BaseDataset): Any data set of mmseg or mmdet. A pipeline that does
            not read images by ``LoadImageFromFile`` or ``LoadDeepImage``, or labels by
            mmseg's ``LoadAnnotations``, reads other kinds of files: these are not looked at.
    """

    def __init__(self, dataset: BaseDataset) -> None:
        self.root = dataset.data_root or ''
        # unlabelled images have no classes, and no labels to hold them against
        self.num_classes = len(dataset.metainfo.get('classes') or ())
        # sets of outlines have no label maps, and none of these settings
        self.ignore_index = getattr(dataset, 'ignore_index', 255)
        self.reduce_zero_label = getattr(dataset, 'reduce_zero_label', False)
        self.label_map = getattr(dataset, 'label_map', None) or {}
        # a sub-class may read anything
        loaders = {type(step): step for step in dataset.pipeline.transforms}
        self.image_loader: Any = loaders.get(LoadImageFromFile) or loaders.get(LoadDeepImage)
        self.label_loader: Any = loaders.get(LoadAnnotations)
        self.ids = self._final_ids()
        self.legal = (self.ids < self.num_classes) | (self.ids == self.ignore_index)

    def _final_ids(self) -> np.ndarray:
        """What ``LoadAnnotations`` makes of each of the 256 values of a label, (256, )."""
        ids: np.ndarray = np.arange(256)
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

    def __call__(self, entry: Entry) -> tuple[Problem | None, list[int] | None]:
        """Check an image.

        Returns:
            tuple: The first problem or None; the class ids that occur, None without label.
        """
        seen = self.see(entry)
        bad = seen.problem is not None or seen.values is None
        return seen.problem, None if bad else self.present(seen.values or ())

    def present(self, values: Iterable[int]) -> list[int]:
        """The class ids that values of a label stand for, in the order of the values."""
        return [final for final in (int(self.ids[int(value)]) for value in values)
                if final < self.num_classes]

    def see(self, entry: Entry) -> Seen:
        """Check an image, and keep what was seen of it."""
        seen = Seen(entry)
        try:
            if self.image_loader:
                size, deep = self._image_size(entry.image)
                seen = seen._replace(size=size, deep=deep)
                if entry.size is not None:
                    self._compare_outlines(entry.image, entry.size, size)
            if entry.label is not None and self.label_loader:
                label = self._read_label(entry.label)
                if seen.size is not None:
                    self._compare(entry.image, seen.size, entry.label, label.shape)
                values = count_values(label)[0]
                self._check_ids(entry.label, values)
                seen = seen._replace(values=tuple(map(int, values.tolist())))
        except BadFile as bad:
            return seen._replace(problem=bad.problem)
        return seen

    def read(self, path: str, kind: str, backend_args: dict | None) -> bytes:
        """The content of a file; ``kind`` is ``image`` or ``label``.

        Raises:
            BadFile: If it cannot be read, or is empty.
        """
        cure = 'restore it, or take it out of the set'
        try:
            data = fileio.get(path, backend_args=backend_args)
        except OSError as error:
            raise BadFile(f'{CODES[kind]}-missing', self.shown(path),
                          f'{kind} {self.shown(path)} cannot be read ({error.strerror or error})',
                          other_suffix(path, kind) or cure) from error
        if not data:
            raise BadFile(f'{CODES[kind]}-empty', self.shown(path),
                          f'{kind} {self.shown(path)} is empty (0 bytes)', cure)
        return data

    def _image_size(self, path: str) -> tuple[Size, Deep | None]:
        """Height and width as loaded, from the header where that is certain; and its depth."""
        data = self.read(path, 'image', self.image_loader.backend_args)
        deep, pixels = look_at_depth(data, self.image_loader)
        if pixels is not None and data[:4] in TIFF:
            return pixels.shape[:2], deep
        try:
            with open_image(BytesIO(data)) as image:
                width, height = image.size
                whole = is_whole(image, data)
                turned = orientation(image, data) != 1
        except Exception:  # decoders raise anything; the loader knows more formats
            whole, turned, height, width = True, True, 0, 0
        if not whole:
            raise self.cut_off(path)
        if pixels is not None:
            return pixels.shape[:2], deep
        return self._loaded_size(path) if turned else (height, width), None

    def _is_turned(self, path: str) -> bool:
        """Whether EXIF asks for a turn of an image."""
        try:
            data = self.read(path, 'image', self.image_loader.backend_args)
            with open_image(BytesIO(data)) as image:
                return orientation(image, data) != 1
        except Exception:  # decoders raise anything
            return False

    def cut_off(self, path: str) -> BadFile:
        """What to raise for an image that ends too early."""
        return BadFile('picture-cut', self.shown(path), f'image {self.shown(path)} is cut off',
                       'fetch it again, or take it out of the set')

    def unreadable(self, path: str) -> BadFile:
        """What to raise for an image that no decoder can read."""
        return BadFile('picture-unreadable', self.shown(path), f'{self.shown(path)} is no image '
                       'that can be read', 'replace it, or take it out of the set')

    def _loaded_size(self, path: str) -> Size:
        """Height and width of what the loader of the pipeline returns."""
        try:
            return self.image_loader.transform(dict(img_path=path))['img'].shape[:2]
        except Exception as error:  # decoders raise anything
            raise self.unreadable(path) from error

    def _read_label(self, path: str) -> np.ndarray:
        """Decode a label as the loader does, before it is cast to uint8, (H, W)."""
        data = self.read(path, 'label', self.label_loader.backend_args)
        try:
            label = mmcv.imfrombytes(
                data, flag='unchanged', backend=self.label_loader.imdecode_backend).squeeze()
        except Exception as error:  # decoders raise anything
            raise BadFile('label-unreadable', self.shown(path), f'{self.shown(path)} is no label '
                          'map that can be read', 'replace it, or take it out of the set'
                          ) from error
        scaled = scaled_text(data, label)
        if scaled:
            raise BadFile('label-bits', self.shown(path), f'label {self.shown(path)} {scaled[0]}',
                          scaled[1])
        if label.ndim != 2:
            raise BadFile('label-colours', self.shown(path),
                          f'label {self.shown(path)} has the shape {label.shape}, not one class id '
                          'a pixel', 'turn its colours into ids as data/README.md shows')
        return label

    def _compare(self, image_path: str, size: Size, label_path: str, label_size: Size) -> None:
        if tuple(size) == tuple(label_size):
            return
        raise BadFile('size-differs', self.shown(label_path),
                      f'label {self.shown(label_path)} is {label_size[1]}x{label_size[0]}, but '
                      f'its image {self.shown(image_path)} is {size[1]}x{size[0]} as loaded '
                      '(width x height)', 'export the label at the size of its image')

    def _compare_outlines(self, path: str, drawn: Size, size: Size) -> None:
        if tuple(size) == tuple(drawn):
            return
        if tuple(size) == tuple(drawn)[::-1]:
            raise BadFile('size-swapped', self.shown(path), *told_swapped(
                self.shown(path), size, drawn, self._is_turned(path)))
        raise BadFile('size-differs', self.shown(path),
                      f'image {self.shown(path)} is {size[1]}x{size[0]} as loaded (width x '
                      f'height), but its outlines were drawn on {drawn[1]}x{drawn[0]}',
                      'convert the labels again from the image they belong to')

    def _check_ids(self, path: str, values: np.ndarray) -> None:
        """Raise for a value of a label that stands for no class."""
        bad = [v for v in values.tolist() if not (0 <= v < 256 and self.legal[int(v)])]
        if bad:
            raise self._wrong_id(path, bad)

    def _wrong_id(self, path: str, bad: list) -> BadFile:
        allowed = np.flatnonzero(self.legal)
        last = allowed[allowed != self.ignore_index].max(initial=0)
        cure = f'set pixels of no class to {self.ignore_index}, or complete the list of classes'
        if self.num_classes == 1:
            # no value of reduce_zero_label makes one class learnable
            cure = ('name the background as well, since one class alone cannot be learnt: '
                    "metainfo=dict(classes=('background', ...)) and num_classes=2")
        # ids counted from 1 show up as exactly one id too many
        elif bad == [self.num_classes] and not self.reduce_zero_label:
            cure = 'did you mean reduce_zero_label=True?'
        elif GREYS.issuperset(bad):
            cure = ('these are the brightness of palette colours: write ids instead of colours, '
                    'as data/README.md shows')
        return BadFile('class-id', self.shown(path), f'class id {bad[0]} in {self.shown(path)} is '
                       f'outside 0..{last} (ignore {self.ignore_index})', cure, joint='; ')


def count_values(label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values of a label map (H, W) of integers, sorted, and the pixels of each."""
    if label.dtype != np.uint8:
        return np.unique(label, return_counts=True)
    # three times as fast as numpy.bincount
    counts = cv2.calcHist([label], [0], None, [256], [0, 256]).ravel()
    values = np.flatnonzero(counts)
    return values, counts[values].astype(int)


def other_suffix(path: str, kind: str) -> str | None:
    """What helps if a missing image or label is there under another suffix."""
    found = next((one for one in map(Path(path).with_suffix, IMAGE_SUFFIXES)
                  if one.suffix != Path(path).suffix and os.path.isfile(one)), None)
    if found is None:
        return None
    option = 'seg_map_suffix' if kind == 'label' else 'img_suffix'
    return f'{found.name} is there: set {option}={found.suffix!r} in the data set'
