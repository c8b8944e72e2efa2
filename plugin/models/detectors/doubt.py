"""Where the background of an unlabelled image does not count, as it may show an animal."""
from typing import Any

import torch
from mmdet.models.task_modules.assigners import AssignResult, BaseAssigner
from mmdet.structures.bbox import bbox_overlaps, get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor

from ..assigners.ignore_region_assigner import BACKGROUND, NOTHING
from ..assigners.regions import background_iou, covered_shares
from ..semi.geometry import paste_masks
from ..semi.instances import HALF, explained_masks

# pixels of a side of the cells on which masks are compared: the stride of the finest level of most
# detectors, which see nothing that is smaller
CELL = 4


def paste_in_cells(masks: Tensor, boxes: Tensor, matrix: Tensor,
                   size: tuple[int, ...]) -> Tensor:
    """Masks in the whole image, on cells of 4 x 4 pixels.

    Args:
        masks (Tensor): Probabilities, (K, h, w).
        boxes (Tensor): The boxes that they fill, in their own view, (K, 4).
        matrix (Tensor): From the view of the image to their own, (3, 3).
        size (tuple[int, ...]): Height and width of the image in pixels, H and W.

    Returns:
        Tensor: (K, ceil(H / 4), ceil(W / 4)).
    """
    return paste_masks(masks, boxes, matrix, (-(-size[0] // CELL), -(-size[1] // CELL)), CELL)


def find_doubt(boxes: Tensor, labels: Tensor, masks: Tensor, taken: Tensor,
               seen: Tensor) -> InstanceData:
    """What may be an animal of an image, beside the instances that teach.

    A candidate that an instance which teaches explains is left out: a part of it, or an outline
    around it and others. Its boxes and anchors stay background, which teaches that there is no
    second animal.

    Args:
        boxes (Tensor): Of all candidates, in the student's view, (K, 4).
        labels (Tensor): Their classes, (K,).
        masks (Tensor): The cells that they cover, (K, h, w) bool.
        taken (Tensor): Which teach, (K,) bool.
        seen (Tensor): Which the view shows, (K,) bool.

    Returns:
        InstanceData: ``bboxes`` (D, 4) and ``labels`` (D,) of those that nothing explains; as
        metadata ``cells``, (h, w) bool: where one of them is, and nothing that teaches.
    """
    own, doubtful = masks[taken & seen], ~taken & seen
    doubtful = doubtful.masked_scatter(doubtful, ~explained_masks(masks[doubtful], own))
    return InstanceData(
        bboxes=boxes[doubtful], labels=labels[doubtful],
        metainfo=dict(cells=masks[doubtful].any(0) & ~own.any(0)))


def is_doubtful(boxes: Tensor, doubt: InstanceData, iou: float) -> Tensor:
    """Which boxes lie where there may be an animal.

    At least half of their area does, or they overlap a doubtful candidate so far that they would
    not be background if it were an animal: a slim one fills less than half of its box.

    Args:
        boxes (Tensor): In the student's view, (A, 4).
        doubt (InstanceData): Of :func:`find_doubt`.
        iou (float): From which on a box is no background.

    Returns:
        Tensor: (A,) bool.
    """
    boxes = boxes.float()
    doubtful = covered_shares(doubt.cells, boxes / CELL) >= HALF
    if len(doubt):
        doubtful |= bbox_overlaps(boxes, doubt.bboxes).amax(1) >= iou
    return doubtful


def assign_without_doubt(assigner: BaseAssigner, counts: list[Tensor], predicted: InstanceData,
                         instances: InstanceData, doubt: InstanceData,
                         **kwargs: Any) -> AssignResult:
    """Assign an animal or the background to boxes, and nothing where there may be an animal.

    Where that would be all of them, the last one stays background, which of proposals is least
    like an animal.

    Args:
        assigner (BaseAssigner): Of MMDetection, or one derived from these.
        counts (list[Tensor]): Gets how many boxes would be background, and how many of them are
            left out: (2,) int64.
        predicted (InstanceData): ``priors`` (A, 4).
        instances (InstanceData): Those that teach.
        doubt (InstanceData): Of :func:`find_doubt`.
        **kwargs: For the assigner.
    """
    result = type(assigner).assign(assigner, predicted, instances, None, **kwargs)
    background = result.gt_inds == BACKGROUND
    ignored = background & is_doubtful(
        get_box_tensor(predicted.priors), doubt, background_iou(assigner))
    # a cascade without a box ends early, and other processes wait for its next stage
    ignored[-1:] &= ((result.gt_inds >= BACKGROUND) & ~ignored).any()
    result.gt_inds = torch.where(ignored, NOTHING, result.gt_inds)
    counts.append(torch.stack([background.sum(), ignored.sum()]))
    return result
