"""Background that is not counted as such where nobody could outline the animals."""
from typing import Any

import torch
from mmdet.models.task_modules.assigners import AssignResult, MaxIoUAssigner
from mmdet.registry import TASK_UTILS
from mmdet.structures.bbox import get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor

from plugin.utils import UserError

from .regions import background_iou, covered_shares, region_boxes, region_map

# assigned to no animal, and not to the background either
NOTHING, BACKGROUND = -1, 0


@TASK_UTILS.register_module()
class IgnoreRegionAssigner(MaxIoUAssigner):
    """``MaxIoUAssigner`` for which anchors and proposals in a region to ignore count for nothing.

    A box that would be background is neither that nor an animal, so that no loss sees it, if

    - at least ``region_share`` of its area in the image lies in regions, or
    - it overlaps the box around a connected area of regions with an IoU of ``neg_iou_thr`` and up,
      with which it would not be background if the area were an outlined animal.

    Boxes that are assigned to an outlined animal stay so, whether or not a region lies there.
    Regions are the masks of ``gt_instances_ignore``: polygons and crowds of a COCO file, through
    all transforms of MMDetection. What counts is the area that they cover together: classes and
    number of the regions change nothing. Without masks their boxes are taken.

    It takes the place of ``MaxIoUAssigner`` in any detector that has one: RPN, Faster, Mask and
    Cascade R-CNN and what is derived from them, RetinaNet, SSD. Heads with assigners of another
    kind (FCOS, SOLO, DETR) do not know regions.

    Args:
        *args: Of ``MaxIoUAssigner``.
        region_share (float): Share of a box in regions from which on it is ignored, above 0 to 1.
        **kwargs: Of ``MaxIoUAssigner``.

    Raises:
        UserError: If ``region_share`` is no such share.
    """

    def __init__(self, *args: Any, region_share: float = 0.5, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not 0 < region_share <= 1:
            raise UserError(f'region_share={region_share} is no share above 0, at most 1: give the '
                            'part of a box that must lie in regions, as 0.5')
        self.region_share = region_share

    def assign(self, pred_instances: InstanceData, gt_instances: InstanceData,
               gt_instances_ignore: InstanceData | None = None, **kwargs: Any) -> AssignResult:
        """Assign an animal, the background or nothing to every box.

        Args:
            pred_instances (InstanceData): N ``priors`` (N, 4), x1, y1, x2, y2 in pixels.
            gt_instances (InstanceData): K animals: ``bboxes`` (K, 4) and ``labels`` (K, ).
            gt_instances_ignore (InstanceData, optional): R regions: ``bboxes`` (R, 4), and
                ``masks`` of the size of the image.
            **kwargs: For ``MaxIoUAssigner``.

        Returns:
            AssignResult: ``gt_inds`` (N, ): 0 background, -1 nothing, k + 1 the animal k.
        """
        if gt_instances_ignore is not None and not len(gt_instances_ignore):
            gt_instances_ignore = None
        result = super().assign(pred_instances, gt_instances, gt_instances_ignore, **kwargs)
        if gt_instances_ignore is not None:
            priors = get_box_tensor(pred_instances.priors)
            ignored = self._in_regions(priors, gt_instances_ignore)
            background = result.gt_inds == BACKGROUND
            result.gt_inds = torch.where(background & ignored, NOTHING, result.gt_inds)
        return result

    def _in_regions(self, priors: Tensor, regions: InstanceData) -> Tensor:
        """(N, ) bool, which of the N priors would be ignored."""
        if 'masks' not in regions:
            boxes = get_box_tensor(regions.bboxes)
            shares = self.iou_calculator(priors, boxes, mode='iof').amax(dim=1)
        else:
            # masks are arrays of NumPy, so that nothing waits for the device
            drawn = region_map(regions.masks)
            boxes = torch.from_numpy(region_boxes(drawn)).to(priors)
            shares = covered_shares(torch.from_numpy(drawn).to(priors.device), priors)
        ignored = shares >= self.region_share
        if len(boxes):
            ignored |= self.iou_calculator(priors, boxes).amax(dim=1) >= background_iou(self)
        return ignored
