"""MMDetection's heads of Mask R-CNN and Cascade Mask R-CNN, with suppression on masks."""
from typing import Any

from mmdet.models.roi_heads import CascadeRoIHead, StandardRoIHead
from mmdet.registry import MODELS
from mmengine.structures import InstanceData

from plugin.utils import UserError

from ..postprocess.mask_suppression import check_shares, mask_nms

SETTINGS = ('iou', 'inside', 'merged', 'parts', 'class_agnostic')


def suppress(found: InstanceData, most: int, settings: dict[str, Any]) -> InstanceData:
    """The instances of an image that masks do not suppress, the surest first.

    Args:
        found (InstanceData): With ``masks`` (N, H, W), ``scores`` and ``labels``.
        most (int): How many at most are kept.
        settings (dict): Of :func:`~plugin.models.postprocess.mask_nms`.
    """
    if not len(found):
        return found
    found = found[mask_nms(found.masks.bool(), found.scores, found.labels, **settings)]
    return found[found.scores.argsort(descending=True, stable=True)[:most]]


class _MaskNMS:
    """Suppression on masks before the limit of instances; without settings, nothing changes."""

    test_cfg: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settings()  # what is misspelt is told before an image is read

    def predict_bbox(self, x: Any, batch_img_metas: Any, rpn_results_list: Any,
                     rcnn_test_cfg: Any, rescale: bool = False) -> Any:
        """Find boxes: as many as may stay after the suppression, and those it will drop."""
        suppression = self.mask_suppression
        if suppression is not None:
            rcnn_test_cfg = type(rcnn_test_cfg)(rcnn_test_cfg, max_per_img=suppression[0])
        return super().predict_bbox(  # type: ignore[misc]  # the class beside it has it
            x, batch_img_metas, rpn_results_list, rcnn_test_cfg, rescale)

    def predict_mask(self, x: Any, batch_img_metas: Any, results_list: Any,
                     rescale: bool = False) -> Any:
        """Outline the boxes, and drop what is one animal twice, or several at once."""
        results_list = super().predict_mask(  # type: ignore[misc]
            x, batch_img_metas, results_list, rescale)
        settings = self._settings()
        if settings is None:
            return results_list
        return [suppress(found, self.test_cfg['max_per_img'], settings[1])
                for found in results_list]

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
