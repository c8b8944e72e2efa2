"""The image behind a network's input, as post-processing needs it."""
from typing import Any

import mmcv
import mmengine.fileio as fileio
import numpy as np
import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from plugin.utils import UserError


def original_image(image: Tensor, meta: dict[str, Any], preprocessor: BaseDataPreprocessor
                   ) -> np.ndarray:
    """Get back the image that a network saw, at its original size.

    Normalisation, padding and mirroring of the network's input are undone, which restores a
    image of 8 bits exactly, whether it came from a file, a video or an array. If the pipeline
    has changed its size, the file at ``img_path`` is read again; if there is none of the original
    size, the network's image is brought to it.

    Args:
        image (Tensor): The input of the network, (1 or 3, H, W).
        meta (dict): Of the image, as mmseg names it: ``ori_shape``, ``padding_size`` or
            ``img_padding_size``, ``flip``, ``flip_direction``, ``img_path``; all may be missing.
        preprocessor (BaseDataPreprocessor): The model's ``SegDataPreProcessor``.

    Returns:
        np.ndarray: RGB (H', W', 3), uint8, where ``ori_shape`` is (H', W').

    Raises:
        UserError: If the input is no image of 1 or 3 channels, or is normalised by something
            else than the preprocessor.
    """
    if image.shape[0] not in (1, 3):
        raise UserError(f'DenseCRF compares colours, but the input has {image.shape[0]} channels: '
                        'leave test_cfg.crf out, or give images of 1 or 3 channels')
    left, right, top, bottom = meta.get('img_padding_size', meta.get('padding_size', (0, 0, 0, 0)))
    image = image[:, top:image.shape[1] - bottom, left:image.shape[2] - right].float()
    if meta.get('flip'):
        image = image.flip(2 if meta.get('flip_direction') == 'horizontal' else 1)
    size = tuple(meta.get('ori_shape', image.shape[1:])[:2])
    if tuple(image.shape[1:]) != size:
        restored = _read(meta.get('img_path'))
        if restored is not None and restored.shape[:2] == size:
            return restored
    restored = _denormalised(image, preprocessor)
    if restored.shape[:2] != size:
        restored = mmcv.imresize(restored, size[::-1])
    return restored


def _denormalised(image: Tensor, preprocessor: BaseDataPreprocessor) -> np.ndarray:
    if getattr(preprocessor, '_enable_normalize', False):
        image = image * preprocessor.std + preprocessor.mean
    elif image.min() < 0 or image.max() > 255:
        raise UserError(f'the input goes from {float(image.min()):.3g} to {float(image.max()):.3g}'
                        ', but the data_preprocessor does not normalise: DenseCRF cannot get the '
                        'image back; put the data_preprocessor into the segmentor')
    restored = image.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    if restored.shape[2] == 1:
        return np.repeat(restored, 3, 2)
    converted = getattr(preprocessor, '_channel_conversion', False)
    # pipelines read BGR
    return np.ascontiguousarray(restored if converted else restored[..., ::-1])


def _read(path: str | None) -> np.ndarray | None:
    """The image of a file, RGB; None if there is no such file or it is no image."""
    if not path or not fileio.exists(path):
        return None
    return mmcv.imfrombytes(fileio.get(path), flag='color', channel_order='rgb')
