"""Images of more than 8 bits, or of more than three bands, scaled by a range of one's own."""
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS as DET_TRANSFORMS
from mmengine import fileio
from mmseg.registry import TRANSFORMS

from plugin.utils import UserError

from ..image_depth import TIFF, depth_of

Range = float | Sequence[float]


@DET_TRANSFORMS.register_module()
@TRANSFORMS.register_module()
class LoadDeepImage(BaseTransform):
    """Loads an image of any depth, and scales ``low .. high`` to 0 .. 255.

    ``LoadImageFromFile`` keeps the upper 8 of 16 bits, so that 12 bits in a 16-bit file become 0
    to 15, and reads neither floats nor more than four bands. This one takes its place, in the
    pipelines of training, validation and test alike: values up to ``low`` become 0, from ``high``
    on 255. ``tools/check_data.py`` proposes the range of a data set.

    Required key: ``img_path``. Added keys: ``img``, BGR ``(H, W, 3)``, uint8 or float32;
    ``img_shape`` and ``ori_shape``, ``(H, W)``.

    Args:
        low (float | Sequence[float]): The value that becomes 0; one number, or one for each of
            ``bands``.
        high (float | Sequence[float]): The value that becomes 255, above ``low``.
        bands (Sequence[int]): The three bands that are taken for red, green and blue, counted
            from 0. An image with one band is grey. Defaults to (0, 1, 2).
        page (int): The page of a TIFF, counted from 0. Defaults to 0.
        to_float32 (bool): Keep fractions of the 255 steps. Defaults to False: uint8.
        backend_args (dict, optional): Where MMEngine's file client finds the file.

    Raises:
        UserError: If ``low`` is not below ``high``, or there are not three bands.

    Example:
        >>> from plugin.datasets.transforms import LoadDeepImage
        >>> load = LoadDeepImage(low=0, high=4095)
        >>> load.scale(np.array([[0, 2047, 4095, 9999]], np.uint16))[0, :, 0].tolist()
        [0, 127, 255, 255]
    """

    def __init__(self, low: Range, high: Range, bands: Sequence[int] = (0, 1, 2), page: int = 0,
                 to_float32: bool = False, backend_args: dict | None = None) -> None:
        self.bands = tuple(bands)
        if len(self.bands) != 3 or min(self.bands) < 0 or page < 0:
            raise UserError(f'bands={self.bands}, page={page}: give three bands and a page, '
                            'counted from 0')
        self.low, self.high = (np.asarray(value, np.float32) for value in (low, high))
        if not (self.low < self.high).all():
            raise UserError(f'low={low} is not below high={high}: give the smallest and the '
                            'largest value of the images')
        self.page = page
        self.to_float32 = to_float32
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Add the image to ``results``.

        Raises:
            UserError: If the file is no image, or lacks a band or the page.
        """
        path = results['img_path']
        data = fileio.get(path, backend_args=self.backend_args)
        try:
            image = self.load(data)
        except UserError as error:
            raise UserError(f'{path} {error}') from error
        results.update(img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2])
        return results

    def load(self, data: bytes) -> np.ndarray:
        """The image in a file's content: BGR ``(H, W, 3)``, scaled."""
        return self.scale(self.read(data))

    def read(self, data: bytes) -> np.ndarray:
        """The three bands in a file's content as they are stored, ``(H, W, 3)`` or ``(H, W)``.

        Raises:
            UserError: If it is no image, or lacks a band or the page; the text goes on after the
                name of the file.
        """
        return self._chosen(read_bands(data, self.page, self.bands))

    def scale(self, stored: np.ndarray) -> np.ndarray:
        """Stored values, ``(H, W)`` or ``(H, W, 3)`` as RGB, as BGR ``(H, W, 3)``."""
        values = stored.astype(np.float32)
        if values.ndim == 2:
            values = np.repeat(values[..., None], 3, 2)
        # what is not a number is as dark as what is too small
        scaled = np.nan_to_num((values - self.low) * (255 / (self.high - self.low)), nan=0)
        scaled = np.ascontiguousarray(scaled.clip(0, 255)[..., ::-1])
        return scaled if self.to_float32 else np.rint(scaled).astype(np.uint8)

    def _chosen(self, image: np.ndarray) -> np.ndarray:
        if image.ndim == 2 or image.shape[2] == 1:
            return image.reshape(image.shape[:2])
        if max(self.bands) >= image.shape[2]:
            raise UserError(f'has {image.shape[2]} bands, so that bands={self.bands} of '
                            'LoadDeepImage do not exist: give others, counted from 0')
        return image[..., list(self.bands)]

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(low={self.low.tolist()}, high={self.high.tolist()}, '
                f'bands={self.bands}, page={self.page}, to_float32={self.to_float32}, '
                f'backend_args={self.backend_args})')


def read_bands(data: bytes, page: int = 0, bands: Sequence[int] = (0, 1, 2)) -> np.ndarray:
    """All bands in a file's content as they are stored, ``(H, W, bands)`` or ``(H, W)``.

    Args:
        data (bytes): The content of an image file.
        page (int): The page of a TIFF, counted from 0.
        bands (Sequence[int]): Those that are needed; others may be left out at the end.

    Raises:
        UserError: If it cannot be read; the text goes on after the name of the file.
    """
    image: np.ndarray | None = None
    depth = depth_of(data)
    if page == 0 and max(bands) < 3 and (depth is None or depth.bands < 4):
        # first, because it turns images as EXIF asks, like the loaders of 8 bits
        image = _decode(data, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR)
    if image is None and data[:4] in TIFF:
        return _read_tiff(data, page)
    if image is None and page == 0:
        image = _decode(data, cv2.IMREAD_UNCHANGED)
    if image is None:
        raise UserError('is no image that can be read: replace it')
    if image.ndim == 3:
        # red first, as in the file
        image = image[..., [2, 1, 0, 3][:image.shape[2]]]
    return image


def _decode(data: bytes, flag: int) -> np.ndarray | None:
    decoded: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    return decoded


def _read_tiff(data: bytes, page: int) -> np.ndarray:
    import tifffile
    try:
        with tifffile.TiffFile(BytesIO(data)) as file:
            if page >= len(file.pages):
                raise UserError(f'has {len(file.pages)} pages, so that page={page} of '
                                'LoadDeepImage does not exist: pages are counted from 0')
            one = file.pages[page]
            image, axes = one.asarray(), one.axes
    except UserError:
        raise
    except Exception as error:  # decoders raise anything
        raise UserError(f'is no image that can be read ({error}): replace it') from error
    if axes.startswith('S'):  # bands one after the other
        image = np.moveaxis(image, 0, -1)
    if image.ndim not in (2, 3):
        raise UserError(f'has the axes {axes}, not rows, columns and bands: replace it')
    return image
