"""Which detectors can learn from a teacher."""
from mmdet.models.dense_heads import RPNHead
from mmdet.models.detectors import TwoStageDetector
from mmdet.models.roi_heads import CascadeRoIHead, StandardRoIHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from torch import nn

from plugin.utils import UserError

from .teaching import box_heads, mask_heads


def check_detector(detector: nn.Module, preprocessor: nn.Module) -> None:
    """Raise for a detector whose targets the teacher could not give.

    Args:
        detector (nn.Module): As it was built.
        preprocessor (nn.Module): Of the data.

    Raises:
        UserError: Names the part that does not serve.
    """
    part = _other_part(detector)
    if part is not None:
        raise UserError(f'{part} cannot learn from a teacher: MaskTeacher wraps two-stage '
                        'detectors of MMDetection with an RPN and FCN masks, such as Mask R-CNN '
                        'and Cascade Mask R-CNN')
    if detector.train_cfg is None:
        raise UserError('the detector has no train_cfg, so that it cannot be trained: keep that of '
                        'its config')
    if getattr(preprocessor, 'batch_augments', None) is not None:
        raise UserError('batch_augments of data_preprocessor would join labelled and unlabelled '
                        'pictures: leave them out')


def _other_part(detector: nn.Module) -> str | None:
    """What is of another kind."""
    if not isinstance(detector, TwoStageDetector):
        return type(detector).__name__
    roi_head = detector.roi_head
    if not isinstance(getattr(detector, 'rpn_head', None), RPNHead):
        return f'{type(detector).__name__} without an RPNHead'
    known = next((kind for kind in (StandardRoIHead, CascadeRoIHead)
                  if isinstance(roi_head, kind)), None)
    # others share targets between stages or heads
    if known is None or type(roi_head).mask_loss is not known.mask_loss:
        return type(roi_head).__name__
    if not roi_head.with_mask:
        return f'{type(detector).__name__} without masks'
    for head, kind in [*((one, BBoxHead) for one in box_heads(roi_head)),
                       *((one, FCNMaskHead) for one in mask_heads(roi_head))]:
        if not isinstance(head, kind) or getattr(
                getattr(head, 'loss_mask', None), 'use_mask', True) is not True:
            return type(head).__name__
    return None
