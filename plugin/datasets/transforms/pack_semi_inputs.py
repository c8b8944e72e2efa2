"""Packs unlabelled images and strong views of them for a model."""
from collections.abc import Sequence

import numpy as np
import torch
from mmcv.transforms import Compose
from mmengine.structures import PixelData
from mmseg.datasets import PackSegInputs
from mmseg.registry import TRANSFORMS

from plugin.utils import UserError


@TRANSFORMS.register_module()
class PackSemiInputs(PackSegInputs):
    """Pack an unlabelled image, marked as such, and strong views of it.

    Like mmseg's ``PackSegInputs``, for the end of the pipeline of unlabelled images. The sample
    gets the metadata ``unlabeled=True``. Labels that the pipeline has loaded stay in its
    ``gt_sem_seg``; the pseudo-labels are compared with them; they are never trained on.

    Strong views (UniMatch, Yang et al., CVPR 2023, section 3.3) show the same pixels in other
    colours or blurred: the ``strong`` transforms are applied to ``views`` copies of the image
    as it is when it comes here, each time with other random numbers. They are found in
    ``sample.strong_views.data``, ``(3 * views, H, W)`` uint8, view after view, the channels in
    the order of ``inputs`` (BGR as loaded), neither padded nor normalised.

    Args:
        views (int): Number of strong views. Defaults to 0.
        strong (Sequence[dict], optional): Transforms of ``img`` that leave every pixel at its
            place. Needed if there are views.
        **kwargs: Arguments of ``PackSegInputs``.

    Raises:
        UserError: If ``views`` and ``strong`` do not go together, or the transforms change the
            size or the type of the image.
    """

    def __init__(self, views: int = 0, strong: Sequence[dict] | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        if views < 0:
            raise UserError(f'views={views} is no number of strong views: give 0 or more')
        if bool(views) != bool(strong):
            raise UserError(f'views={views} with strong={strong}: give the transforms of the '
                            'strong views and their number, or neither')
        self.views = views
        self.strong = Compose(strong or [])

    def transform(self, results: dict) -> dict:
        """Pack ``results``.

        Returns:
            dict: ``inputs``, ``(3, H, W)`` uint8, and ``data_samples``, a ``SegDataSample``.
        """
        # before packing, which must not see the changes that the views make
        views = [self._view(results['img']) for _ in range(self.views)]
        packed = super().transform(results)
        sample = packed['data_samples']
        sample.set_metainfo(dict(unlabeled=True))
        if views:
            channels = np.concatenate([np.atleast_3d(view).transpose(2, 0, 1) for view in views])
            sample.strong_views = PixelData(data=torch.from_numpy(channels))
        return packed

    def _view(self, image: np.ndarray) -> np.ndarray:
        """A strong view of an image, (H, W, 3) uint8."""
        view = self.strong(dict(img=image.copy(), img_shape=image.shape[:2]))['img']
        if view.shape != image.shape or view.dtype != np.uint8:
            raise UserError(
                f'the strong transforms turn an image {image.shape} {image.dtype} into '
                f'{view.shape} {view.dtype}: use transforms of colour and sharpness of uint8 '
                'images, and move the others before PackSemiInputs')
        return view

    def __repr__(self) -> str:
        return f'{super().__repr__()[:-1]}, views={self.views}, strong={self.strong})'
