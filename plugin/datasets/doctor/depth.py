"""Images that are not read as a whole: of more than 8 bits, three bands or one page."""
from io import BytesIO
from typing import Any, NamedTuple

import mmcv
import numpy as np

from plugin.utils.images import open_image

from ..image_depth import Depth, depth_of
from ..transforms.load_deep_image import LoadDeepImage, read_bands

Extremes = tuple[float, float]


class Deep(NamedTuple):
    """What becomes of an image that is not read as a whole.

    Attributes:
        depth (Depth): How its file keeps it.
        stored (tuple[float, float], optional): Smallest and largest value of the file, where it
            has more than 8 bits or cannot be loaded.
        loaded (tuple[float, float], optional): Those of what the pipeline loads; None if it
            cannot.
        lossy (bool): Whether what is loaded has 8 bits.
    """

    depth: Depth
    stored: Extremes | None = None
    loaded: Extremes | None = None
    lossy: bool = True

    @classmethod
    def of_list(cls, content: list) -> 'Deep':
        """What JSON made of one."""
        depth, stored, loaded, lossy = content
        return cls(Depth(*depth), stored and (stored[0], stored[1]),
                   loaded and (loaded[0], loaded[1]), lossy)


def look_at_depth(data: bytes, loader: Any) -> tuple[Deep | None, np.ndarray | None]:
    """Compare what a file holds with what the loader of a pipeline makes of it.

    Args:
        data (bytes): The content of the file.
        loader (LoadImageFromFile | LoadDeepImage): The loader.

    Returns:
        tuple: The comparison, and the image as loaded, or as stored where it cannot be loaded,
        (H, W) or (H, W, channels). Both are None for an image that is read as a whole, and for one
        that nothing can read.
    """
    depth = depth_of(data)
    if depth is None or depth.is_plain:
        return None, None
    image = decode(data, loader, depth)
    stored = _stored(data) if depth.is_deep or image is None else None
    if image is None and stored is None:
        return None, None
    return Deep(depth, None if stored is None else extremes(stored),
                None if image is None else extremes(image),
                image is None or image.dtype == np.uint8), stored if image is None else image


def decode(data: bytes, loader: Any, depth: Depth | None = None) -> np.ndarray | None:
    """What the loader of a pipeline makes of a file's content; None if it cannot."""
    if isinstance(loader, LoadDeepImage):
        try:
            return loader.load(data)
        except ValueError:
            return None
    if depth is not None and depth.bands > 4:
        return None  # no decoder that it might use takes more
    try:
        image: np.ndarray | None = mmcv.imfrombytes(
            data, flag=loader.color_type, backend=loader.imdecode_backend)
    except Exception:  # decoders raise anything
        return None
    return image


def extremes(image: np.ndarray) -> Extremes | None:
    """Smallest and largest value that is a number."""
    if image.dtype.kind == 'f':
        image = image[np.isfinite(image)]
    return (image.min().item(), image.max().item()) if image.size else None


def scaled_bits(data: bytes) -> int | None:
    """Bits of a grey image of 2 or 4 bits, which decoders scale by 85 or 17; None of others."""
    try:
        with open_image(BytesIO(data)) as image:
            arguments = image.tile[0][3] if image.mode == 'L' and image.tile else None
    except Exception:  # decoders raise anything
        return None
    mode = arguments if isinstance(arguments, str) else next(iter(arguments or ()), None)
    return {'L;2': 2, 'L;4': 4}.get(str(mode)[:3])


def scaled_text(data: bytes, label: np.ndarray) -> tuple[str, str] | None:
    """What is wrong with a label map (H, W) whose class ids decoders scale, and what helps.

    Args:
        data (bytes): The content of its file.
        label (np.ndarray): What was decoded from it.
    """
    # the header is read where the values look like it
    if label.dtype != np.uint8 or label.ndim != 2 or not label.any() or (label % 17).any():
        return None
    bits = scaled_bits(data)
    if bits is None:
        return None
    factor = 255 // (2 ** bits - 1)
    return (f'is {bits}-bit grey, scaled by {factor} when it is read: class id 1 becomes {factor}',
            f'save it with 8 bits a pixel, its values as read divided by {factor}')


def _stored(data: bytes) -> np.ndarray | None:
    try:
        return read_bands(data)
    except ValueError:
        return None
