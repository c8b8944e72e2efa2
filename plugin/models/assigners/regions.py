"""How much of each of many boxes lies in regions to ignore, without a loop over boxes or pixels."""
import cv2
import numpy as np
import torch
from mmdet.models.task_modules.assigners import BaseAssigner
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from torch import Tensor


def region_map(masks: BitmapMasks | PolygonMasks) -> np.ndarray:
    """Where an image is to be ignored.

    Args:
        masks (BitmapMasks | PolygonMasks): R regions, which may overlap.

    Returns:
        np.ndarray: (H, W) uint8, 1 in a region. However the same area is divided into regions, the
        map is the same.
    """
    return masks.to_ndarray().astype(bool).any(axis=0).astype(np.uint8)


def region_boxes(regions: np.ndarray) -> np.ndarray:
    """Boxes of the connected areas of a map.

    Args:
        regions (np.ndarray): (H, W) uint8, not 0 in a region.

    Returns:
        np.ndarray: (A, 4) float32, x1, y1, x2, y2 in pixels.
    """
    _, _, found, _ = cv2.connectedComponentsWithStats(regions, connectivity=8)
    # the first is what lies in no region
    boxes = found[1:, :4].astype(np.float32)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def background_iou(assigner: BaseAssigner) -> float:
    """The IoU with an animal from which on a box is no background; a half of other assigners."""
    threshold = getattr(assigner, 'neg_iou_thr', 0.5)
    return threshold[1] if isinstance(threshold, tuple) else threshold


def covered_shares(regions: Tensor, boxes: Tensor) -> Tensor:
    """The share of each box that lies in a region.

    The sums of the map over all rectangles from the corner of the image are made once; each box
    then takes four of them (Crow, 1984).

    Args:
        regions (Tensor): (H, W) of any type, not 0 in a region.
        boxes (Tensor): (N, 4), x1, y1, x2, y2 in pixels, which are rounded to whole ones. What
            lies outside the image does not count.

    Returns:
        Tensor: (N, ) float32, 0 to 1; 0 for a box without a pixel in the image.

    Example:
        >>> regions = torch.zeros(4, 4)
        >>> regions[:, 2:] = 1
        >>> covered_shares(regions, torch.tensor([[1., 0., 3., 4.], [-9., 0., 2., 4.]])).tolist()
        [0.5, 0.0]
    """
    height, width = regions.shape
    # whole numbers, so that differences of large sums are exact
    sums = (regions != 0).cumsum(0, dtype=torch.int32).cumsum(1, dtype=torch.int32)
    sums = torch.nn.functional.pad(sums, (1, 0, 1, 0)).flatten()
    corners = boxes.detach().round().long()
    x = corners[:, 0::2].clamp(0, width)
    y = corners[:, 1::2].clamp(0, height)
    # top left, top right, bottom left, bottom right
    places = y[:, [0, 0, 1, 1]] * (width + 1) + x[:, [0, 1, 0, 1]]
    signs = sums.new_tensor([1, -1, -1, 1])
    inside = (sums[places] * signs).sum(dim=1)
    area = (x[:, 1] - x[:, 0]).clamp(min=0) * (y[:, 1] - y[:, 0]).clamp(min=0)
    return inside / area.clamp(min=1) * (area > 0)
