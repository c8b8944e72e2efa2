"""The targets of a student, while it learns from a teacher instead of labels."""
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from mmdet.models.dense_heads import RPNHead
from mmdet.models.detectors import TwoStageDetector
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures import SampleList
from mmdet.structures.bbox import bbox2roi, get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor

from ..semi.geometry import (
    cell_centres,
    clip_boxes,
    inside_boxes,
    move_boxes,
    move_points,
    sample_masks,
)
from ..semi.instances import mask_loss, pixel_doubt, weigh_background
from .doubt import assign_without_doubt
from .teaching import Features, background_scores, box_assigners, box_heads, mask_heads


class Lesson(NamedTuple):
    """What a student learns of N unlabelled images.

    Attributes:
        teacher (TwoStageDetector): In evaluation mode.
        features (tuple[Tensor]): Its levels for its own view of the images.
        samples (list[DetDataSample]): Of the student's view: ``gt_instances`` with ``bboxes``,
            ``labels``, ``sure`` (whether the box is), ``taught_masks`` (K, h, w) and
            ``taught_boxes``, the boxes in the teacher's view; ``ignored_instances``, what may be
            an animal (:func:`~.doubt.find_doubt`).
        back (Tensor): From the student's view to the teacher's, (N, 3, 3).
        sizes (Tensor): Height and width of the teacher's view, (N, 2).
        limit (Tensor): Greatest doubt of a pixel of a mask that teaches.
        background_counts (dict[str, list[Tensor]]): Of the ``anchors`` and ``boxes`` that were
            assigned while :func:`taught` was open: how many are background, and how many of these
            are ignored.
    """

    teacher: TwoStageDetector
    features: Features
    samples: SampleList
    back: Tensor
    sizes: Tensor
    limit: Tensor
    background_counts: dict[str, list[Tensor]]

    def background(self, stage: int, rois: Tensor) -> Tensor:
        """The teacher's probability that regions of the student's view show no animal, (R,)."""
        images = rois[:, 0].long()
        boxes = clip_boxes(move_boxes(rois[:, 1:].float(), self.back[images]), self.sizes[images])
        return background_scores(self.teacher.roi_head, stage, self.features,
                                 torch.cat([rois[:, :1], boxes], 1))


@contextmanager
def taught(student: TwoStageDetector, lesson: Lesson) -> Iterator[None]:
    """Replace the targets of a detector's heads while the context is open.

    Its ``loss`` then weighs background by the teacher's doubt, ignores anchors and regions on what
    may be an animal, regresses from sure boxes alone, and learns masks where the teacher is sure.

    Args:
        student (TwoStageDetector): The detector.
        lesson (Lesson): Its ``samples`` are what ``student.loss`` is given.
    """
    replaced: list[tuple[Any, str, Callable]] = [
        (student.rpn_head, '_get_targets_single', partial(_anchor_targets, student.rpn_head))]
    for name, assigner in (('anchors', student.rpn_head.assigner),
                           *(('boxes', one) for one in box_assigners(student.roi_head))):
        counts = lesson.background_counts.setdefault(name, [])
        replaced.append((assigner, 'assign', partial(assign_without_doubt, assigner, counts)))
    for stage, head in enumerate(box_heads(student.roi_head)):
        replaced.append((head, 'get_targets', partial(_box_targets, head, lesson, stage)))
    for head in mask_heads(student.roi_head):
        replaced.append((head, 'loss_and_target', partial(_mask_losses, head, lesson)))
    for owner, name, function in replaced:
        setattr(owner, name, function)
    try:
        yield
    finally:
        for owner, name, _ in replaced:
            delattr(owner, name)  # that of the class again


def _anchor_targets(head: RPNHead, anchors: Any, flags: Tensor, instances: InstanceData,
                    *args: Any, **kwargs: Any) -> tuple:
    """Targets of the anchors of an image; see ``AnchorHead._get_targets_single``."""
    found = type(head)._get_targets_single(head, anchors, flags, instances, *args, **kwargs)
    labels, label_weights, box_targets, box_weights, positive, negative, sampled = found[:7]
    is_positive = labels < head.num_classes
    # both in the order of the anchors
    sure = instances.sure[sampled.pos_assigned_gt_inds].to(box_weights)
    box_weights = box_weights * torch.ones_like(label_weights).masked_scatter(
        is_positive, sure)[:, None]
    return (labels, label_weights, box_targets, box_weights, positive, negative, sampled,
            *found[7:])


def _box_targets(head: BBoxHead, lesson: Lesson, stage: int, sampled: Sequence[SamplingResult],
                 *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Targets of the regions of all images; see ``BBoxHead.get_targets``."""
    labels, weights, targets, box_weights = type(head).get_targets(head, sampled, *args, **kwargs)
    background = lesson.background(stage, bbox2roi([one.priors for one in sampled]))
    weights = weigh_background(weights, labels == head.num_classes, background)
    # of each image those with an animal come first
    sure = torch.cat([part for one, sample in zip(sampled, lesson.samples, strict=True)
                      for part in (sample.gt_instances.sure[one.pos_assigned_gt_inds],
                                   sample.gt_instances.sure.new_ones(len(one.neg_priors)))])
    return labels, weights, targets, box_weights * sure[:, None]


def _mask_losses(head: FCNMaskHead, lesson: Lesson, mask_preds: Tensor,
                 sampling_results: Sequence[SamplingResult], **kwargs: Any) -> dict[str, Any]:
    """Loss and targets of the regions with an animal; see ``FCNMaskHead.loss_and_target``.

    Beyond a box a mask is 0 without a doubt, which holds only where the box is sure.
    """
    chosen = [(number, sample.gt_instances, one.pos_assigned_gt_inds) for number, (sample, one)
              in enumerate(zip(lesson.samples, sampling_results, strict=True))]
    masks = torch.cat([given.taught_masks[places] for _, given, places in chosen])
    boxes = torch.cat([given.taught_boxes[places] for _, given, places in chosen])
    sure_boxes = torch.cat([given.sure[places] for _, given, places in chosen])
    images = torch.cat([torch.full_like(places, number) for number, _, places in chosen])
    labels = torch.cat([one.pos_gt_labels for one in sampling_results])
    regions = torch.cat([get_box_tensor(one.pos_priors) for one in sampling_results])
    height, width = mask_preds.shape[-2:]
    points = move_points(cell_centres(regions.float(), (height, width)), lesson.back[images])
    targets = sample_masks(masks, boxes, points).view(-1, height, width)
    known = (inside_boxes(points, boxes) | sure_boxes[:, None]).view(-1, height, width)
    channels = torch.zeros_like(labels) if head.class_agnostic else labels
    logits = mask_preds[torch.arange(len(labels), device=labels.device), channels]
    loss = head.loss_mask.loss_weight * mask_loss(
        logits, targets, known & (pixel_doubt(targets) <= lesson.limit))
    return dict(loss_mask=dict(loss_mask=loss), mask_targets=targets)
