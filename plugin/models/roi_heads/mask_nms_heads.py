"""MMDetection's heads of Mask R-CNN and Cascade Mask R-CNN, with suppression on masks."""
import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from mmdet.models.roi_heads import CascadeRoIHead, StandardRoIHead
from mmdet.registry import MODELS
from mmengine.structures import InstanceData
from torch import Tensor, nn

from plugin.utils import UserError

from ..postprocess.mask_suppression import check_shares, mask_nms

PIXELS = 2 ** 28  # of all masks of an image that are compared
PredictMasks = Callable[..., list[InstanceData]]
SETTINGS = ('iou', 'inside', 'merged', 'parts', 'class_agnostic')


def kept_places(masks: Tensor, scores: Tensor, labels: Tensor, most: int,
                settings: dict[str, Any]) -> Tensor:
    """Places of what masks do not suppress, the surest first, ``most`` of them at most.

    Args:
        masks (Tensor): bool (N, H, W), of the image or of every so many of its pixels.
        scores (Tensor): (N, ), 0..1.
        labels (Tensor): Class ids (N, ).
        most (int): How many at most are kept.
        settings (dict): Of :func:`~plugin.models.postprocess.mask_nms`.

    Returns:
        Tensor: int64 (K, ).
    """
    kept = mask_nms(masks, scores, labels, **settings).nonzero()[:, 0]
    return kept[scores[kept].argsort(descending=True, stable=True)[:most]]


def suppressing(predict_by_feat: PredictMasks, most: int, settings: dict[str, Any]) -> PredictMasks:
    """Let a mask head draw, of its candidates, only what masks do not suppress.

    Which ones these are is seen in masks of at most 2 ** 28 pixels together, as an IoU needs no
    more: memory holds the candidates of a large image at a lower resolution, and ``most`` of them
    at the one that is asked for.

    Args:
        predict_by_feat (callable): Of MMDetection's ``FCNMaskHead`` or a head like it.
        most (int): Instances of an image at most.
        settings (dict): Of :func:`~plugin.models.postprocess.mask_nms`.

    Returns:
        callable: With the same arguments and the same result, without those that are suppressed.
    """
    def kept(logits: Tensor, results: InstanceData, meta: dict, rcnn_test_cfg: Any, rescale: bool,
             **more: Any) -> Tensor:
        # boxes are scaled in place
        own = InstanceData(bboxes=results.bboxes.clone(), scores=results.scores,
                           labels=results.labels)
        small, = predict_by_feat((logits, ), [own], [_shrunk(meta, len(own), rescale)],
                                 rcnn_test_cfg, rescale=True, **more)
        return kept_places(small.masks.bool(), small.scores, small.labels, most, settings)

    def predict(mask_preds: Sequence[Tensor], results_list: Sequence[InstanceData],
                batch_img_metas: Sequence[dict], rcnn_test_cfg: Any, rescale: bool = False,
                **more: Any) -> list[InstanceData]:
        places = [kept(*image, rcnn_test_cfg, rescale, **more)
                  for image in zip(mask_preds, results_list, batch_img_metas, strict=True)]
        return predict_by_feat(
            [logits[own] for logits, own in zip(mask_preds, places)],
            [results[own] for results, own in zip(results_list, places)],
            batch_img_metas, rcnn_test_cfg, rescale=rescale, **more)

    return predict


def _shrunk(meta: dict, number: int, rescale: bool) -> dict:
    """An image whose masks have few enough pixels, as MMDetection describes it.

    Args:
        meta (dict): ``ori_shape``, H and W, and ``scale_factor`` of width and height, by which
            the network sees it larger.
        number (int): Masks.
        rescale (bool): Whether they are to be those of the image, or of what the network sees.
    """
    factor = np.array(meta['scale_factor'], float)
    size = np.array(meta['ori_shape'][:2], float)  # height and width
    if not rescale:
        size, factor = (size * factor[::-1]).round(), np.ones(2)
    shrink = min(1, math.sqrt(PIXELS / max(1, number * size.prod())))
    new = np.maximum(1, np.floor(size * shrink)).astype(int)
    return dict(meta, ori_shape=tuple(new.tolist()),
                scale_factor=tuple((factor * (size / new)[::-1]).tolist()))


def last_of(mask_head: nn.Module) -> Any:
    """The mask head that draws: that of the last stage, where there are several."""
    return mask_head[-1] if isinstance(mask_head, nn.ModuleList) else mask_head


@contextlib.contextmanager
def _drawing_by(head: Any, predict_by_feat: PredictMasks) -> Iterator[None]:
    """Let a mask head turn its answers into masks in another way while the block lasts."""
    head.predict_by_feat = predict_by_feat
    try:
        yield
    finally:
        del head.predict_by_feat


class _MaskNMS:
    """Suppression on masks before the limit of instances; without settings, nothing changes."""

    mask_head: Any
    test_cfg: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settings()  # what is misspelt is told before an image is read

    def predict_bbox(self, x: Any, batch_img_metas: Any, rpn_results_list: Any,
                     rcnn_test_cfg: Any, rescale: bool = False) -> Any:
        """Find boxes: as many as may stay after the suppression, and those it will drop.

        Without ``rcnn_test_cfg`` boxes are refined alone, and none is chosen.
        """
        suppression = self.mask_suppression
        if suppression is not None and rcnn_test_cfg is not None:
            rcnn_test_cfg = type(rcnn_test_cfg)(rcnn_test_cfg, max_per_img=suppression[0])
        return super().predict_bbox(  # type: ignore[misc]  # the class beside it has it
            x, batch_img_metas, rpn_results_list, rcnn_test_cfg, rescale)

    def predict_mask(self, x: Any, batch_img_metas: Any, results_list: Any,
                     rescale: bool = False) -> Any:
        """Outline the boxes, and drop what is one animal twice, or several at once."""
        predict = super().predict_mask  # type: ignore[misc]  # the class beside it has it
        settings = self._settings()
        if settings is None:
            return predict(x, batch_img_metas, results_list, rescale)
        head = last_of(self.mask_head)
        most = self.test_cfg['max_per_img']
        with _drawing_by(head, suppressing(head.predict_by_feat, most, settings[1])):
            return predict(x, batch_img_metas, results_list, rescale)

    @property
    def mask_suppression(self) -> tuple[int, dict[str, Any]] | None:
        """Boxes that are outlined at most, and arguments of ``mask_nms``; None where it is off."""
        settings = self._settings()
        if settings is None:
            return None
        most = self.test_cfg['max_per_img']
        return max(most, settings[0] or 2 * most), settings[1]

    def _settings(self) -> tuple[int | None, dict[str, Any]] | None:
        """Number of candidates, and arguments of ``mask_nms``; None where it is off."""
        given = (self.test_cfg or {}).get('mask_nms')
        if not given:
            return None
        settings = dict(given)
        candidates = settings.pop('candidates', None)
        unknown = sorted(set(settings) - {*SETTINGS})
        if unknown:
            raise UserError(f'mask_nms has no {unknown[0]}: it has candidates, '
                            f'{", ".join(SETTINGS)}')
        check_shares(**{name: value for name, value in settings.items()
                        if name != 'class_agnostic'})
        return candidates, settings


@MODELS.register_module()
class MaskNMSRoIHead(_MaskNMS, StandardRoIHead):
    """MMDetection's ``StandardRoIHead`` with suppression on masks.

    ``test_cfg.rcnn.mask_nms`` holds the settings of
    :func:`~plugin.models.postprocess.mask_nms`, and ``candidates``: the number of boxes that are
    outlined before (by default twice ``max_per_img``, which limits what is left). The suppression
    by boxes comes first and should leave more than usual, as by ``nms=dict(type='nms',
    iou_threshold=0.8)``. Without ``mask_nms`` it is the stock head; parameters are the same.
    """


@MODELS.register_module()
class CascadeMaskNMSRoIHead(_MaskNMS, CascadeRoIHead):
    """The same for ``CascadeRoIHead``; see :class:`MaskNMSRoIHead`."""
