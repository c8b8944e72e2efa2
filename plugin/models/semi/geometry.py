"""Boxes and masks from one view of an image to another.

Coordinates are continuous, in pixels: the centre of the first pixel is (0.5, 0.5), and an image of
W pixels reaches from 0 to W. A matrix (3, 3) maps ``(x, y, 1)`` of one view to ``(x, y, 1)`` of
another up to a factor, as the ``homography_matrix`` of MMDetection's transforms.
"""
import torch
import torch.nn.functional as F
from torch import Tensor


def move_points(points: Tensor, matrices: Tensor) -> Tensor:
    """Points in another view.

    Args:
        points (Tensor): (K, P, 2), x and y.
        matrices (Tensor): (K, 3, 3).

    Returns:
        Tensor: (K, P, 2).
    """
    # a product in mixed precision would round coordinates to whole pixels
    with torch.autocast(points.device.type, enabled=False):
        moved = torch.cat([points, torch.ones_like(points[..., :1])], -1) @ matrices.transpose(1, 2)
    return moved[..., :2] / moved[..., 2:]


def move_boxes(boxes: Tensor, matrices: Tensor) -> Tensor:
    """The smallest boxes around boxes that were moved to another view.

    Args:
        boxes (Tensor): (K, 4), x1, y1, x2, y2.
        matrices (Tensor): (K, 3, 3).

    Returns:
        Tensor: (K, 4), not clipped.

    Example:
        >>> import torch
        >>> mirrored = torch.tensor([[-1., 0, 10], [0, 1, 0], [0, 0, 1]])  # 10 pixels wide
        >>> move_boxes(torch.tensor([[1., 2, 4, 5]]), mirrored[None]).tolist()
        [[6.0, 2.0, 9.0, 5.0]]
    """
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].view(-1, 4, 2)
    moved = move_points(corners, matrices)
    return torch.cat([moved.amin(1), moved.amax(1)], -1)


def clip_boxes(boxes: Tensor, sizes: Tensor) -> Tensor:
    """Boxes cut at the border of their image.

    Args:
        boxes (Tensor): (K, 4).
        sizes (Tensor): (K, 2), height and width.
    """
    upper = sizes[:, [1, 0, 1, 0]].to(boxes)
    return torch.minimum(boxes.clamp(min=0), upper)


def cell_centres(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Centres of the cells into which boxes are divided, row after row.

    Args:
        boxes (Tensor): (K, 4).
        size (tuple[int, int]): Cells down and across, h and w.

    Returns:
        Tensor: (K, h * w, 2), x and y.
    """
    rows, columns = (
        (torch.arange(number, device=boxes.device, dtype=boxes.dtype) + 0.5) / number
        for number in size)
    y, x = torch.meshgrid(rows, columns, indexing='ij')
    shares = torch.stack([x, y], -1).view(1, -1, 2)
    return boxes[:, None, :2] + shares * (boxes[:, None, 2:] - boxes[:, None, :2])


def sample_masks(masks: Tensor, boxes: Tensor, points: Tensor) -> Tensor:
    """Masks, each of which fills its box, at points of the image.

    As MMDetection pastes masks into an image: between the centres of the cells linear, and from the
    last centre on falling to 0, which is reached half a cell outside of the box.

    Args:
        masks (Tensor): Probabilities, (K, h, w).
        boxes (Tensor): Their boxes, (K, 4).
        points (Tensor): (K, P, 2), x and y.

    Returns:
        Tensor: (K, P).
    """
    if not len(masks):
        return points.new_zeros(points.shape[:2])
    low, side = boxes[:, None, :2], (boxes[:, 2:] - boxes[:, :2])[:, None].clamp(min=1e-6)
    # within -1..1, where the border of the box is
    places = (points - low) / side * 2 - 1
    return F.grid_sample(masks[:, None], places[:, None], align_corners=False)[:, 0, 0]


def inside_boxes(points: Tensor, boxes: Tensor) -> Tensor:
    """Which points lie in the box that belongs to them.

    Args:
        points (Tensor): (K, P, 2), x and y.
        boxes (Tensor): (K, 4).

    Returns:
        Tensor: (K, P) bool.
    """
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    return ((points >= low) & (points <= high)).all(-1)


def crop_masks(masks: Tensor, boxes: Tensor, rois: Tensor, matrices: Tensor,
               size: tuple[int, int]) -> Tensor:
    """Masks of one view inside of regions of another.

    Args:
        masks (Tensor): Probabilities, (K, h, w), of the mask that belongs to each region.
        boxes (Tensor): The boxes that they fill, in their own view, (K, 4).
        rois (Tensor): Regions in the other view, (K, 4).
        matrices (Tensor): From the other view to their own, (K, 3, 3).
        size (tuple[int, int]): Cells of a region, down and across.

    Returns:
        Tensor: (K, *size).
    """
    points = move_points(cell_centres(rois, size), matrices)
    return sample_masks(masks, boxes, points).view(-1, *size)


def paste_masks(masks: Tensor, boxes: Tensor, matrix: Tensor, size: tuple[int, int],
                stride: int = 1) -> Tensor:
    """Masks of one view in the whole image of another, at the middle of each of its cells.

    Args:
        masks (Tensor): Probabilities, (K, h, w).
        boxes (Tensor): The boxes that they fill, in their own view, (K, 4).
        matrix (Tensor): From the other view to their own, (3, 3).
        size (tuple[int, int]): Cells of the image, down and across.
        stride (int): Pixels of a cell, down and across.

    Returns:
        Tensor: (K, *size).

    Example:
        >>> import torch
        >>> box = torch.tensor([[2., 0., 6., 4.]])
        >>> paste_masks(torch.ones(1, 8, 8), box, torch.eye(3), (2, 3), stride=2).tolist()
        [[[0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]]
    """
    whole = boxes.new_tensor([0, 0, size[1] * stride, size[0] * stride])
    number = len(boxes)
    return crop_masks(masks, boxes, whole.expand(number, 4), matrix.expand(number, 3, 3), size)
