"""What a teacher finds in pictures, and how sure it is."""
from typing import Any

import torch
from mmdet.models.detectors import TwoStageDetector
from mmdet.models.roi_heads import CascadeRoIHead, StandardRoIHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.models.task_modules.assigners import BaseAssigner
from mmdet.structures import SampleList
from mmdet.structures.bbox import bbox2roi
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor, nn

from ..roi_heads.mask_nms_heads import kept_places
from ..semi.geometry import clip_boxes
from ..semi.instances import HALF, box_spread, jitter_boxes, mask_sureness
from .doubt import paste_in_cells

Features = tuple[Tensor, ...]


@torch.no_grad()
def find_instances(teacher: TwoStageDetector, features: Features, samples: SampleList, *,
                   score_thr: float, jitters: int, scale: float) -> list[InstanceData]:
    """Instances of images, each with what tells how good it is.

    They are suppressed as in a test: by boxes, and by masks where the head does it
    (:class:`~plugin.models.roi_heads.MaskNMSRoIHead`), here on every fourth pixel.

    Args:
        teacher (TwoStageDetector): In evaluation mode.
        features (tuple[Tensor]): Its levels for N images.
        samples (list[DetDataSample]): Their metadata.
        score_thr (float): The least score.
        jitters (int): Boxes around each that the box head refines again, 2 or more.
        scale (float): See :func:`~plugin.models.semi.instances.jitter_boxes`.

    Returns:
        list[InstanceData]: Of each image ``bboxes`` (K, 4), ``scores``, ``labels``, ``masks``, the
        probabilities inside the box (K, h, w), ``sureness`` and ``spread``, (K,) each.
    """
    metas = [sample.metainfo for sample in samples]
    proposals = teacher.rpn_head.predict(features, samples, rescale=False)
    given = teacher.test_cfg.rcnn
    nms = dict(type='nms', iou_threshold=given.get('nms', {}).get('iou_threshold', 0.5))
    found = teacher.roi_head.predict_bbox(
        features, metas, proposals, ConfigDict(given, score_thr=score_thr, nms=nms), rescale=False)
    found = [InstanceData(bboxes=one.bboxes.float(), labels=one.labels, scores=one.scores.float())
             for one in found]
    masks = predict_masks(teacher.roi_head, features, bbox2roi([one.bboxes for one in found]),
                          torch.cat([one.labels for one in found]))
    for one, own in zip(found, masks.split([len(one) for one in found]), strict=True):
        one.masks = own
    suppression = getattr(teacher.roi_head, 'mask_suppression', None)
    if suppression is not None:
        found = [_suppressed(one, meta, given, suppression[1])
                 for one, meta in zip(found, metas, strict=True)]
    spreads = _spreads(teacher.roi_head, features, metas, found, jitters, scale)
    for one, spread in zip(found, spreads, strict=True):
        one.sureness, one.spread = mask_sureness(one.masks), spread
    return found


def predict_masks(roi_head: StandardRoIHead, features: Features, rois: Tensor,
                  labels: Tensor) -> Tensor:
    """Probabilities of masks inside their boxes, of a cascade the mean of its stages.

    Args:
        roi_head (StandardRoIHead): With masks.
        features (tuple[Tensor]): Levels of N images.
        rois (Tensor): Number of the image and box, (K, 5).
        labels (Tensor): Classes, (K,).

    Returns:
        Tensor: (K, h, w) float32.
    """
    heads = mask_heads(roi_head)
    total: Any = 0
    for stage, head in enumerate(heads):
        # of a class-agnostic head there is one channel
        channels = torch.zeros_like(labels) if head.class_agnostic else labels
        logits = roi_head._mask_forward(*_stage(roi_head, stage), features, rois)['mask_preds']
        total = total + logits[torch.arange(len(labels), device=labels.device),
                               channels].float().sigmoid()
    return total / len(heads)


@torch.no_grad()
def background_scores(roi_head: StandardRoIHead, stage: int, features: Features,
                      rois: Tensor) -> Tensor:
    """Probability that there is no animal in a region.

    Args:
        roi_head (StandardRoIHead): With boxes.
        stage (int): Which box head of a cascade.
        features (tuple[Tensor]): Levels of N images.
        rois (Tensor): Number of the image and box, (R, 5).

    Returns:
        Tensor: (R,) float32.
    """
    scores = roi_head._bbox_forward(*_stage(roi_head, stage), features, rois)['cls_score'].float()
    head = box_heads(roi_head)[stage]
    if head.custom_activation:
        return head.loss_cls.get_activation(scores)[:, -1]
    return scores.softmax(-1)[:, -1]


def box_heads(roi_head: StandardRoIHead) -> list[BBoxHead]:
    """The box heads, one a stage."""
    return _listed(roi_head.bbox_head)


def mask_heads(roi_head: StandardRoIHead) -> list[FCNMaskHead]:
    """The mask heads, one a stage."""
    return _listed(roi_head.mask_head)


def box_assigners(roi_head: StandardRoIHead) -> list[BaseAssigner]:
    """The assigners of regions, one a stage."""
    return _listed(roi_head.bbox_assigner)


def _listed(parts: Any) -> list[Any]:
    return list(parts) if isinstance(parts, (nn.ModuleList, list)) else [parts]


def _stage(roi_head: StandardRoIHead, stage: int) -> tuple[int, ...]:
    """The first argument of what belongs to a stage; nothing where there is one."""
    return (stage, ) if isinstance(roi_head, CascadeRoIHead) else ()


def _suppressed(one: InstanceData, meta: dict, given: ConfigDict, settings: dict) -> InstanceData:
    """What masks do not suppress of an image's instances, ``max_per_img`` at most."""
    pasted = paste_in_cells(one.masks, one.bboxes, torch.eye(3).to(one.bboxes), meta['img_shape'])
    return one[kept_places(pasted >= given.get('mask_thr_binary', HALF), one.scores, one.labels,
                           given['max_per_img'], settings)]


def _spreads(roi_head: StandardRoIHead, features: Features, metas: list[dict],
             found: list[InstanceData], jitters: int, scale: float) -> list[Tensor]:
    """How far the boxes lie apart that become of jittered ones, of each image (K,)."""
    if not sum(map(len, found)):
        return [one.scores for one in found]
    jittered = []
    for one, meta in zip(found, metas, strict=True):
        boxes = jitter_boxes(one.bboxes, jitters, scale).view(-1, 4)
        size = boxes.new_tensor(meta['img_shape'][:2]).expand(len(boxes), 2)
        jittered.append(InstanceData(bboxes=clip_boxes(boxes, size)))
    refined = roi_head.predict_bbox(features, metas, jittered, None, rescale=False)
    return [box_spread(_of_class(boxes.bboxes.float(), one.labels, jitters), one.bboxes)
            if len(one) else one.scores for boxes, one in zip(refined, found, strict=True)]


def _of_class(boxes: Tensor, labels: Tensor, jitters: int) -> Tensor:
    """Of the boxes of all classes (J * K, 4 * C) those of the class of each, (J, K, 4)."""
    boxes = boxes.view(jitters, len(labels), -1, 4)
    if boxes.shape[2] == 1:
        return boxes[:, :, 0]
    return boxes[:, torch.arange(len(labels), device=labels.device), labels]
