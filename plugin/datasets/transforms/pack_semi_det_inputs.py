"""Packs an unlabelled picture of instances and a strong view of it for a model."""
from collections.abc import Sequence

import numpy as np
import torch
from mmcv.transforms import Compose
from mmdet.datasets.transforms import PackDetInputs
from mmdet.registry import TRANSFORMS
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from plugin.utils import UserError

# a pixel of each so many, down and across: its middle, so odd
STRIDE = 3
LABELS = ('gt_bboxes', 'gt_bboxes_labels', 'gt_masks', 'gt_ignore_flags')


@TRANSFORMS.register_module()
class PackSemiDetInputs(PackDetInputs):
    """Pack an unlabelled picture, marked as such, and a strong view of it.

    For the end of the pipeline of unlabelled pictures. ``inputs`` is the picture as it comes here,
    which a teacher labels. The strong view is what the ``strong`` transforms make of it:
    they may change colours and sharpness, and move the whole picture by what records its
    ``homography_matrix``, as MMDetection's ``Resize``, ``RandomFlip`` and ``RandomCrop`` do.

    The sample gets the metadata ``unlabeled=True``; with a strong view its pixels in
    ``strong_view.data``, (3, H', W') uint8, in the order of the channels of ``inputs``, and
    ``strong_matrix``, (3, 3), which maps points of the picture to points of the view. Labels that
    the pipeline has loaded are found in ``truth``: ``labels`` and ``masks``, of which every third
    pixel is kept, (T, H // 3, W // 3) bool. The pseudo-labels are compared with them; they are
    never trained on.

    Args:
        strong (Sequence[dict], optional): Transforms of ``img``. Defaults to none: the student sees
            what the teacher sees.
        **kwargs: Arguments of MMDetection's ``PackDetInputs``.

    Raises:
        UserError: If a transform of the strong view changes the size of the picture without a
            matrix, or the type of its pixels.
    """

    def __init__(self, strong: Sequence[dict] | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.strong = Compose(strong or [])

    def transform(self, results: dict) -> dict:
        """Pack ``results``.

        Returns:
            dict: ``inputs``, ``(3, H, W)`` uint8, and ``data_samples``, a ``DetDataSample``.
        """
        height, width = results['img'].shape[:2]
        packed = super().transform({
            key: value for key, value in results.items() if key not in LABELS})
        sample = packed['data_samples']
        sample.set_metainfo(dict(unlabeled=True))
        # a batch pads the masks of all of its pictures
        sample.gt_instances = InstanceData(
            bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.int64),
            masks=BitmapMasks([], height, width))
        if 'gt_masks' in results:
            sample.truth = _truth(results)
        if self.strong.transforms:
            view, matrix = self._view(results['img'])
            sample.strong_view = PixelData(data=torch.from_numpy(
                np.ascontiguousarray(view.transpose(2, 0, 1))))
            sample.set_metainfo(dict(strong_matrix=matrix))
        return packed

    def _view(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The strong view of an image (H, W, 3) uint8, and its matrix."""
        changed = self.strong(dict(img=image.copy(), img_shape=image.shape[:2],
                                   ori_shape=image.shape[:2]))
        view, matrix = changed['img'], changed.get('homography_matrix')
        if view.dtype != np.uint8 or view.ndim != 3 or (
                matrix is None and view.shape != image.shape):
            raise UserError(
                f'the strong transforms turn an image {image.shape} {image.dtype} into '
                f'{view.shape} {view.dtype} without saying where its pixels are: use transforms '
                'that keep uint8, and for size and place those of MMDetection')
        return view, np.eye(3, dtype=np.float32) if matrix is None else matrix

    def __repr__(self) -> str:
        return f'{super().__repr__()[:-1]}, strong={self.strong})'


def _truth(results: dict) -> InstanceData:
    """Classes and masks of the instances that are no crowd."""
    kept = np.ones(len(results['gt_bboxes_labels']), bool)
    if 'gt_ignore_flags' in results:
        kept = results['gt_ignore_flags'] == 0
    masks = results['gt_masks'][np.flatnonzero(kept)].to_ndarray()
    height, width = (side // STRIDE for side in masks.shape[1:])
    small = masks[:, STRIDE // 2::STRIDE, STRIDE // 2::STRIDE][:, :height, :width]
    return InstanceData(
        metainfo=dict(stride=STRIDE), masks=torch.from_numpy(np.ascontiguousarray(small)).bool(),
        labels=torch.from_numpy(np.asarray(results['gt_bboxes_labels'])[kept]).long())
