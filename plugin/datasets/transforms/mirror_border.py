"""Extends images by their mirror image."""
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from plugin.utils import UserError


@TRANSFORMS.register_module()
class MirrorBorder(BaseTransform):
    """Extend an image and its label on all sides by their mirror image.

    For networks that lose their borders, such as the published U-Net (its figure 2): a crop of
    the extended image has its middle, which the loss looks at, within the image itself, and
    shows real or mirrored context around it. Pixels at the border are not repeated.

    Required and modified keys: ``img``, (H, W) or (H, W, C), and the (H, W) maps that
    ``seg_fields`` names, all of them then ``2 * margin`` pixels larger. Modified keys:
    ``img_shape``, ``pad_shape``.

    Args:
        margin (int): Pixels on each side; 92 for the published U-Net.

    Raises:
        UserError: If ``margin`` is negative.
    """

    def __init__(self, margin: int) -> None:
        if margin < 0:
            raise UserError(f'margin={margin} is no border: give 0 pixels or more')
        self.margin = margin

    def transform(self, results: dict) -> dict:
        """Extend ``results``."""
        for key in ('img', *results.get('seg_fields', [])):
            values = results[key]
            sides = [(self.margin, self.margin)] * 2 + [(0, 0)] * (values.ndim - 2)
            results[key] = np.pad(values, sides, mode='reflect')
        results['img_shape'] = results['pad_shape'] = results['img'].shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(margin={self.margin})'
