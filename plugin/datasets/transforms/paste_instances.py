"""Instances of other images of the training set, pasted while a detector is trained."""
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS
from mmdet.structures.mask import BitmapMasks

from plugin.utils import UserError

from ..crowds.pasting import CutOut, cut_out, paste, vary


@TRANSFORMS.register_module()
class PasteInstances(BaseTransform):
    """Paste instances of other images into an image (copy-paste), for a ``MultiImageMixDataset``.

    The simple copy-paste of Ghiasi et al., *Simple Copy-Paste is a Strong Data Augmentation Method
    for Instance Segmentation*, CVPR 2021, with each instance varied and placed on its own.
    MMDetection's ``CopyPaste`` pastes all instances of one image of the same size where they were,
    so that crowds beyond two images do not come about; drops what is hidden by a number of pixels,
    whatever the size of the image; and its ``get_indexes`` may draw an index behind the last image.

    Masks and boxes are those of what remains visible: what was there loses the pixels that are
    pasted over it, and nothing else, also where outlines overlap or lie in a region to ignore. An
    instance of which less than a share ``visible`` remains is ignored, neither object nor
    background; one that is hidden as a whole is gone. Where nothing is pasted, nothing changes.
    Needs ``LoadAnnotations(with_bbox=True, with_mask=True)`` in the inner pipeline.

    Args:
        number (tuple[int, int]): How many are pasted at least and at most. Defaults to (0, 6).
        sources (int): Images from which they come. Defaults to 2.
        prob (float): Share of the images into which some are pasted. Defaults to 0.5.
        cover (tuple[float, float], optional): Area of each as a share of the image, from and to.
            Defaults to None: their size is kept but for ``scale``.
        scale (tuple[float, float]): Of their sides, from and to, without ``cover``. Defaults to
            (0.6, 1.2).
        light (float): Their brightness changes by a factor of at most 1 + light. Defaults to 0.2.
        visible (float): Share of the pixels; see above. Defaults to 0.25.

    Raises:
        UserError: If a value is out of range.
    """

    def __init__(self, number: Sequence[int] = (0, 6), sources: int = 2, prob: float = 0.5,
                 cover: Sequence[float] | None = None, scale: Sequence[float] = (0.6, 1.2),
                 light: float = 0.2, visible: float = 0.25) -> None:
        if not 0 <= number[0] <= number[1]:
            raise UserError(f'number={tuple(number)}: give the fewest and the most, such as (0, 6)')
        if sources < 1:
            raise UserError(f'sources={sources}: give 1 or more')
        for name, value in (('prob', prob), ('light', light), ('visible', visible)):
            if not 0 <= value <= 1:
                raise UserError(f'{name}={value} is outside 0..1')
        for name, pair in (('scale', scale), ('cover', cover)):
            if pair is not None and not 0 < pair[0] <= pair[1]:
                raise UserError(f'{name}={tuple(pair)}: give the least above 0 and the most')
        self.number, self.sources, self.prob = tuple(number), sources, prob
        self.cover = None if cover is None else (cover[0], cover[1])
        self.scale = scale[0], scale[1]
        self.light, self.visible = light, visible

    def get_indexes(self, dataset: Any) -> list[int]:
        """Images from which instances come."""
        return np.random.randint(  # noqa: NPY002
            0, len(dataset), self.sources).tolist()

    def transform(self, results: dict) -> dict:
        """Paste into an image.

        Args:
            results (dict): ``img`` (H, W, channels), ``gt_bboxes``, ``gt_bboxes_labels``,
                ``gt_ignore_flags``, ``gt_masks``, and ``mix_results`` with the same of others.

        Returns:
            dict: The same keys with other content.
        """
        rng = np.random.default_rng(np.random.randint(2 ** 31))  # noqa: NPY002
        if rng.random() >= self.prob:
            return results
        height, width = results['img'].shape[:2]
        cuts = self._cuts(results['mix_results'], height * width, rng)
        if not cuts:
            return results
        places = [(int(rng.integers(width)), int(rng.integers(height))) for _ in cuts]
        before = results['gt_masks'].to_ndarray()
        pasted = paste(results['img'], before, cuts, places)
        left = pasted.visible > 0
        masks = BitmapMasks(pasted.masks[left].astype(np.uint8), height, width)
        ignored = np.concatenate([results['gt_ignore_flags'], np.zeros(len(cuts), bool)])
        labels = np.concatenate([results['gt_bboxes_labels'], [cut.label for cut in cuts]])
        results.update(
            img=pasted.image, gt_masks=masks,
            gt_bboxes=masks.get_bboxes(type(results['gt_bboxes'])),
            gt_bboxes_labels=labels[left].astype(np.int64),
            gt_ignore_flags=(ignored | (pasted.visible < self.visible))[left])
        return results

    def _cuts(self, others: Sequence[dict], pixels: int, rng: np.random.Generator) -> list[CutOut]:
        """Instances to paste, varied."""
        pool = [(other, place) for other in others
                for place in np.flatnonzero(~other['gt_ignore_flags'])]
        cuts: list[CutOut] = []
        if not pool:
            return cuts
        for _ in range(int(rng.integers(self.number[0], self.number[1] + 1))):
            other, place = pool[int(rng.integers(len(pool)))]
            cut = cut_out(other['img'], other['gt_masks'].masks[place],
                          int(other['gt_bboxes_labels'][place]))
            if cut is None:
                continue
            scale = rng.uniform(*self.scale) if self.cover is None else (
                rng.uniform(*self.cover) * pixels / cut.mask.sum()) ** 0.5
            cuts.append(vary(cut, rng, scale=scale, light=self.light))
        return cuts

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(number={self.number}, sources={self.sources}, '
                f'prob={self.prob}, cover={self.cover}, scale={self.scale}, light={self.light}, '
                f'visible={self.visible})')
