"""One image with its label, read once: everything that is computed from its pixels."""
import hashlib
import warnings
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from PIL import Image

from plugin.utils.images import open_image

from ..labels.image_files import is_whole, orientation
from .depth import Deep, decode, look_at_depth
from .file_checker import FileChecker, count_values
from .near_duplicates import ImageHash, hash_grey
from .seen import BadFile, Entry, Problem, Seen, Size

THUMB = 32
Result = TypeVar('Result')


class Look(NamedTuple):
    """What was seen of one image and its label.

    Attributes:
        problems (tuple[Problem]): What is wrong with either file.
        size (tuple[int, int], optional): H, W as loaded; None if it cannot be.
        orientation (int): How EXIF asks to turn the image; 1 is not at all.
        values (tuple[int]): The values of the label map as it is stored, sorted.
        pixels (np.ndarray, optional): (C, ) int, pixels of each class; None without label map.
        ignored (int): Pixels of the label map that belong to no class.
        digest (bytes): Equal for images of exactly the same pixels.
        hash (ImageHash, optional): Alike for images that look alike.
        thumb (np.ndarray, optional): (32, 32) uint8, the image small and grey.
        deep (Deep, optional): How an image is kept that is not read as a whole.
    """

    problems: tuple[Problem, ...]
    size: tuple[int, int] | None = None
    orientation: int = 1
    values: tuple[int, ...] = ()
    pixels: np.ndarray | None = None
    ignored: int = 0
    digest: bytes = b''
    hash: ImageHash | None = None
    thumb: np.ndarray | None = None
    deep: Deep | None = None


class Looker(FileChecker):
    """Decodes images and labels whole, as the data set's own loaders do.

    Unlike :class:`~plugin.datasets.doctor.file_checker.FileChecker`, which stops at the first
    fault and reads only the headers of images, it goes on, and looks at all pixels.
    """

    def look(self, entry: Entry) -> Look:
        """Look at an image and its label."""
        problems: list[Problem] = []
        seen = Look(())
        if self.image_loader:
            seen = _try(problems, lambda: self._look_at_image(entry.image)) or seen
        size, drawn, path = seen.size, entry.size, entry.label
        if size is not None and drawn is not None:
            _try(problems, lambda: self._compare_outlines(entry.image, drawn, size))
        if path is not None and self.label_loader:
            label = _try(problems, lambda: self._read_label(path))
            if label is not None:
                seen = self._look_at_label(entry.image, path, label, seen, problems)
        return seen._replace(problems=tuple(problems))

    def _look_at_image(self, path: str) -> Look:
        data = self.read(path, 'image', self.image_loader.backend_args)
        deep, pixels = look_at_depth(data, self.image_loader)
        # Pillow reads no more than four bands
        turn = 1 if deep is not None and deep.depth.bands > 4 else self._check_file(path, data)
        if pixels is None:
            pixels = decode(data, self.image_loader)
        if pixels is None:
            raise self.unreadable(path)
        # OpenCV's own way of averaging; a hash of 8 x 8 frequencies needs no more
        small = cv2.resize(_grey(pixels), (4 * THUMB, 4 * THUMB), interpolation=cv2.INTER_AREA)
        return Look((), size=pixels.shape[:2], orientation=turn, deep=deep, digest=_digest(pixels),
                    hash=hash_grey(Image.fromarray(small)),
                    thumb=cv2.resize(small, (THUMB, THUMB), interpolation=cv2.INTER_AREA))

    def _check_file(self, path: str, data: bytes) -> int:
        """Stop at a file that is not whole; return how EXIF asks to turn the image."""
        try:
            with warnings.catch_warnings():
                # large, but not too large
                warnings.simplefilter('ignore', Image.DecompressionBombWarning)
                with open_image(BytesIO(data)) as image:
                    whole, turn = is_whole(image, data), orientation(image, data)
                    if whole and image.format == 'PNG':
                        whole = _is_intact(data)
                    elif whole and image.format != 'JPEG':
                        whole = _can_load(image)
        except Image.DecompressionBombError as error:
            raise BadFile('picture-huge', self.shown(path), f'image {self.shown(path)} has '
                          f'more than {2 * (Image.MAX_IMAGE_PIXELS or 0)} pixels',
                          'cut it into smaller ones') from error
        except Exception:  # decoders raise anything; the loader knows more formats
            return 1
        if not whole:
            raise self.cut_off(path)
        return turn

    def _look_at_label(self, image: str, path: str, label: np.ndarray, seen: Look,
                       problems: list[Problem]) -> Look:
        """Add what a label map (H, W) tells."""
        size = seen.size
        if size is not None:
            _try(problems, lambda: self._compare_turned(image, size, seen.orientation, path,
                                                        label.shape))
        values, counts = count_values(label)
        _try(problems, lambda: self._check_ids(path, values))
        inside = (values >= 0) & (values < 256)
        ids = self.ids[values[inside].astype(int)]
        of_class = ids < self.num_classes
        pixels = np.bincount(ids[of_class], counts[inside][of_class], self.num_classes)
        ignored = counts[inside][ids == self.ignore_index].sum()
        return seen._replace(values=tuple(values.tolist()), pixels=pixels.astype(int),
                             ignored=int(ignored))

    def _compare_turned(self, image: str, size: Size, turn: int, path: str,
                        label_size: Size) -> None:
        """Compare the sizes; tell a label of the image as stored from one of another."""
        is_turned = turn in (5, 6, 7, 8) and tuple(label_size) != tuple(size)
        if is_turned and tuple(label_size) == tuple(size[::-1]):
            raise BadFile(
                'exif-label', self.shown(path), f'label {self.shown(path)} fits its '
                'image as stored, but EXIF turns the image when it is loaded',
                'turn the label as well, or take the orientation out of the image, as by '
                'exiftool -n -Orientation=1')
        self._compare(image, size, path, label_size)


def seen_of(entries: Sequence[Entry], looks: Sequence[Look]) -> list[Seen]:
    """What the quick check would have seen of the images that were looked at."""
    return [Seen(entry, look.problems[0] if look.problems else None, look.size,
                 look.values if look.pixels is not None and not look.problems else None, look.deep)
            for entry, look in zip(entries, looks)]


def _try(problems: list[Problem], step: Callable[[], Result]) -> Result | None:
    """What ``step`` returns; None, and a problem more, if it finds a fault."""
    try:
        return step()
    except BadFile as bad:
        problems.append(bad.problem)
        return None


def _is_intact(data: bytes) -> bool:
    """Whether the check sums of a PNG are right."""
    try:
        # an image that was loaded cannot be verified any more
        with open_image(BytesIO(data)) as image:
            image.verify()
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def _can_load(image: Image.Image) -> bool:
    """Whether Pillow finds all pixels; OpenCV leaves the missing ones of a TIFF black."""
    try:
        image.load()
    except Exception as error:  # what else Pillow cannot do, the loader may
        return 'truncated' not in str(error)
    return True


def _digest(pixels: np.ndarray) -> bytes:
    sum_ = hashlib.blake2b(repr((pixels.shape, pixels.dtype.str)).encode(), digest_size=16)
    sum_.update(np.ascontiguousarray(pixels).data)
    return sum_.digest()


def _grey(pixels: np.ndarray) -> np.ndarray:
    """A loaded image (H, W) or (H, W, channels) as (H, W) uint8."""
    # first, because OpenCV turns no image of 64 bits grey
    if pixels.dtype != np.uint8:
        pixels = cv2.normalize(  # type: ignore[call-overload]  # OpenCV's stubs forbid None
            pixels, None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
    if pixels.ndim == 2:
        return pixels
    colour = pixels.shape[2] in (3, 4)
    return cv2.cvtColor(pixels[..., :3], cv2.COLOR_BGR2GRAY) if colour else pixels[..., 0]
