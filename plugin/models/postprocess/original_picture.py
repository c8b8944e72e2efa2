"""The picture behind a network's input, as post-processing needs it."""
from typing import Any, Dict, Optional

import mmcv
import mmengine.fileio as fileio
import numpy as np
import torch
from torch import Tensor, nn


def original_picture(image: Tensor, meta: Dict[str, Any], preprocessor: nn.Module) -> np.ndarray:
    """Get back the picture that a network saw, at its original size.

    Normalisation, padding and mirroring of the network's input are undone, which restores a
    picture of 8 bits exactly, whether it came from a file, a video or an array. If the pipeline
    has changed its size, the file at ``img_path`` is read again; if there is none of the original
    size, the network's picture is brought to it.

    Args:
        image (Tensor): The input of the network, (1 or 3, H, W).
        meta (dict): Of the picture, as mmseg names it: ``ori_shape``, ``padding_size`` or
            ``img_padding_size``, ``flip``, ``flip_direction``, ``img_path``; all may be missing.
        preprocessor (nn.Module): The model's ``SegDataPreProcessor``.

    Returns:
        np.ndarray: RGB (H', W', 3), uint8, where ``ori_shape`` is (H', W').

    Raises:
        ValueError: If the input is no picture of 1 or 3 channels, or is normalised by something
            else than the preprocessor.
    """
    if image.shape[0] not in (1, 3):
        raise ValueError(f'DenseCRF compares colours, but the input has {image.shape[0]} channels: '
                         'leave test_cfg.crf out, or give pictures of 1 or 3 channels')
    left, right, top, bottom = meta.get('img_padding_size', meta.get('padding_size', (0, 0, 0, 0)))
    image = image[:, top:image.shape[1] - bottom, left:image.shape[2] - right].float()
    if meta.get('flip'):
        image = image.flip(2 if meta.get('flip_direction') == 'horizontal' else 1)
    size = tuple(meta.get('ori_shape', image.shape[1:])[:2])
    if tuple(image.shape[1:]) != size:
        picture = _read(meta.get('img_path'))
        if picture is not None and picture.shape[:2] == size:
            return picture
    picture = _denormalised(image, preprocessor)
    if picture.shape[:2] != size:
        picture = mmcv.imresize(picture, size[::-1])
    return picture


def _denormalised(image: Tensor, preprocessor: nn.Module) -> np.ndarray:
    if getattr(preprocessor, '_enable_normalize', False):
        image = image * preprocessor.std + preprocessor.mean
    elif image.min() < 0 or image.max() > 255:
        raise ValueError(f'the input goes from {float(image.min()):.3g} to {float(image.max()):.3g}'
                         ', but the data_preprocessor does not normalise: DenseCRF cannot get the '
                         'picture back; put the data_preprocessor into the segmentor')
    picture = image.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    if picture.shape[2] == 1:
        return np.repeat(picture, 3, 2)
    converted = getattr(preprocessor, '_channel_conversion', False)
    # pipelines read BGR
    return np.ascontiguousarray(picture if converted else picture[..., ::-1])


def _read(path: Optional[str]) -> Optional[np.ndarray]:
    """The picture of a file, RGB; None if there is no such file or it is no picture."""
    if not path or not fileio.exists(path):
        return None
    return mmcv.imfrombytes(fileio.get(path), flag='color', channel_order='rgb')
