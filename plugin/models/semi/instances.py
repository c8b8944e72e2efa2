"""The steps of learning from instances that a teacher found: how sure it is, and of what."""
import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor

HALF = 0.5


def jitter_boxes(boxes: Tensor, number: int, scale: float) -> Tensor:
    """Boxes whose sides are moved at random, each by a share of the side of the box.

    M. Xu et al., `End-to-End Semi-Supervised Object Detection with Soft Teacher
    <https://arxiv.org/abs/2106.09018>`_, "box jittering".

    Args:
        boxes (Tensor): (K, 4).
        number (int): Of jittered boxes of each, J.
        scale (float): Standard deviation in sides of the box.

    Returns:
        Tensor: (J, K, 4).
    """
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1).repeat(1, 2)
    # drawn on the CPU, so that a seed gives the same everywhere
    noise = torch.randn(number, len(boxes), 4).to(boxes, non_blocking=True)
    return boxes + noise * scale * sides


def box_spread(refined: Tensor, boxes: Tensor) -> Tensor:
    """How far the boxes lie apart that a box head makes of jittered ones, in sides of the box.

    As the paper of Soft Teacher has it: the mean over the four sides of their standard deviation,
    over half of the sum of height and width of the jittered box. MMDetection's ``SoftTeacher``
    divides each side by the width or height of the mean of the refined boxes instead.

    Args:
        refined (Tensor): (J, K, 4), two or more of each box.
        boxes (Tensor): The boxes that were jittered, (K, 4).

    Returns:
        Tensor: (K,), 0 where all agree.

    Example:
        >>> import torch
        >>> refined = torch.tensor([[[0., 0, 10, 10]], [[2., 0, 10, 10]]])
        >>> round(box_spread(refined, refined[0]).item(), 4)  # sqrt(2) / 4 / 10
        0.0354
    """
    sides = (boxes[:, 2:] - boxes[:, :2]).mean(-1).clamp(min=1)
    return refined.std(0).mean(-1) / sides


def pixel_doubt(masks: Tensor) -> Tensor:
    """``1 - |2 p - 1|`` of each pixel, 0 where a mask is sure and 1 where it is not at all."""
    return 1 - (2 * masks - 1).abs()


def mask_sureness(masks: Tensor) -> Tensor:
    """The mean of ``|2 p - 1|`` over the pixels of a mask, those with p of a half or more.

    Args:
        masks (Tensor): Probabilities, (K, h, w).

    Returns:
        Tensor: (K,), 0 of a mask without a pixel.

    Example:
        >>> import torch
        >>> mask_sureness(torch.tensor([[[0., 0.75, 1.]]])).item()
        0.75
    """
    inside = masks >= HALF
    total = torch.where(inside, 1 - pixel_doubt(masks), 0).sum((1, 2))
    return total / inside.sum((1, 2)).clamp(min=1)


def mask_loss(logits: Tensor, targets: Tensor, sure: Tensor) -> Tensor:
    """Binary cross-entropy with masks of a teacher, where it is sure.

    The mean over the sure pixels of all processes, as if one had all regions.

    Args:
        logits (Tensor): Of the student, of the class of each region, (P, h, w).
        targets (Tensor): Probabilities of the teacher, (P, h, w).
        sure (Tensor): Which pixels teach, (P, h, w) bool.

    Returns:
        Tensor: 0-dim; 0 without a pixel.
    """
    losses = F.binary_cross_entropy_with_logits(
        logits.float(), (targets >= HALF).float(), reduction='none')
    return (losses * sure).sum() / mean_of_processes(sure.sum().float()).clamp(min=1)


def weigh_background(weights: Tensor, is_background: Tensor, doubtless: Tensor) -> Tensor:
    """Weights of regions, the background among them by how sure the teacher is that it is one.

    As MMDetection's ``SoftTeacher`` does, and so normalised that all regions together keep their
    weight, here over all processes: a missed animal counts little, and the regions together not
    less than before.

    Args:
        weights (Tensor): Of R regions, (R,), 0 or more.
        is_background (Tensor): Which are labelled as background, (R,) bool.
        doubtless (Tensor): The teacher's probability of background, (R,).

    Returns:
        Tensor: (R,).

    Example:
        >>> import torch
        >>> weigh_background(torch.ones(3), torch.tensor([False, True, True]),
        ...                  torch.tensor([0., 0.75, 0.25])).tolist()
        [1.5, 1.125, 0.375]
    """
    new = torch.where(is_background, weights * doubtless.to(weights), weights)
    before, after = mean_of_processes(torch.stack([weights.sum(), new.sum()]))
    return new * before / after.clamp(min=1e-6)


def explained_masks(masks: Tensor, others: Tensor) -> Tensor:
    """Which masks show what other masks show already.

    At least half of such a mask lies in the others, as of a part of an animal, or at least half of
    one of the others lies in it, as in an outline around several. Half is far from both sides:
    masks of different animals hardly share pixels, however much their boxes overlap, so that the
    boxes could not tell an animal behind another from a part of it.

    Args:
        masks (Tensor): (D, h, w) bool.
        others (Tensor): (T, h, w) bool; there may be none.

    Returns:
        Tensor: (D,) bool; False of a mask without a pixel.

    Example:
        >>> import torch
        >>> masks = torch.tensor([[[1, 1, 0, 0]], [[0, 1, 1, 1]], [[0, 0, 1, 1]]]).bool()
        >>> explained_masks(masks, torch.tensor([[[1, 1, 0, 0]]]).bool()).tolist()
        [True, True, False]
    """
    ours, theirs = masks.flatten(1).float(), others.flatten(1).float()
    # counts of pixels, which mixed precision would round
    with torch.autocast(ours.device.type, enabled=False):
        common = ours @ theirs.T
        inside = ours @ others.any(0).flatten().float()
    area, other_area = ours.sum(1), theirs.sum(1)
    within = (inside >= HALF * area) & (area > 0)
    around = (common >= HALF * other_area) & (other_area > 0)
    return within | around.any(1)


def mean_of_processes(values: Tensor) -> Tensor:
    """The mean over all processes of values of the same shape in each; not in place."""
    values = values.detach().clone()
    all_reduce(values)
    return values / get_world_size()
