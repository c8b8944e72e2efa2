"""Resizes images whose shorter side is too short or too long."""
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from plugin.utils import UserError


@TRANSFORMS.register_module()
class BoundShortSide(BaseTransform):
    """Resize an image, and its label, only where its shorter side is out of bounds.

    The ratio of the sides stays. G. Lin, A. Milan, C. Shen, I. Reid, `RefineNet
    <https://arxiv.org/abs/1611.06612>`_ trains and tests so, by the published code with bounds of
    450 and 1100 pixels.

    Required and modified keys: those of ``Resize``, which does the work; the image is sampled by
    ``interpolation``, a label at the nearest pixel.

    Args:
        minimum (int): Least length of the shorter side, in pixels.
        maximum (int, optional): Greatest length. Defaults to None: any.
        interpolation (str): As of ``Resize``. Defaults to ``'bilinear'``.

    Raises:
        UserError: If the bounds are no range of pixels.

    Example:
        >>> import numpy as np
        >>> from plugin.datasets.transforms import BoundShortSide
        >>> image = np.zeros((300, 500, 3), np.uint8)
        >>> BoundShortSide(450)(dict(img=image, seg_fields=[]))['img'].shape
        (450, 750, 3)
    """

    def __init__(self, minimum: int, maximum: int | None = None,
                 interpolation: str = 'bilinear') -> None:
        if minimum < 1 or maximum is not None and maximum < minimum:
            raise UserError(f'minimum={minimum} and maximum={maximum} are no bounds: give pixels, '
                            'the smaller number first, e.g. 450 and 1100')
        self.minimum = minimum
        self.maximum = maximum
        self.interpolation = interpolation

    def transform(self, results: dict) -> dict:
        """Resize ``results``, or leave them."""
        short = min(results['img'].shape[:2])
        wanted = max(short, self.minimum)
        if self.maximum is not None:
            wanted = min(wanted, self.maximum)
        if wanted == short:
            return results
        resize = TRANSFORMS.build(dict(
            type='Resize', scale_factor=wanted / short, keep_ratio=True,
            interpolation=self.interpolation))
        return resize(results)

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(minimum={self.minimum}, maximum={self.maximum}, '
                f'interpolation={self.interpolation!r})')
