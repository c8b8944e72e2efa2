"""Entropy of each pixel, and the threshold above which U2PL calls a pixel unreliable."""

import torch
from mmengine.dist import all_reduce
from torch import Tensor

from plugin.utils import UserError

from .blocks import check_logits, row_blocks

# the 32 bits of a float in three digits: shift and number of values
DIGITS = ((21, 2048), (10, 2048), (0, 1024))
SIGN = -2**31


@torch.no_grad()
def entropy(logits: Tensor) -> Tensor:
    r"""Entropy of the softmax over the classes of each pixel.

    ``H(p) = - sum_c p(c) log p(c)``, equation 5 of `U2PL <https://arxiv.org/abs/2203.03884>`_,
    computed from the logits in float32, so that probabilities near 0 do no harm.

    Args:
        logits (Tensor): Scores before the softmax, (N, C, H, W), of any floating type; N
            images, 2 to 255 classes C, H x W pixels.

    Returns:
        Tensor: (N, H, W) float32 in nats, 0..log(C), without gradient.

    Raises:
        UserError: If C or the shape does not fit.

    Example:
        >>> import torch
        >>> logits = torch.tensor([0., 0.]).view(1, 2, 1, 1)  # two classes, equally likely
        >>> round(entropy(logits).item(), 4)  # log(2)
        0.6931
    """
    check_logits(logits)
    result = logits.new_empty(_without_classes(logits), dtype=torch.float32)
    for image, rows in row_blocks(logits):
        block = logits[image, :, rows].float()
        result[image, rows] = entropy_of_block(block, block.amax(0))[0]
    return result


def entropy_of_block(scores: Tensor, top: Tensor) -> tuple[Tensor, Tensor]:
    """Entropy and largest probability of each pixel.

    With ``d = scores - top`` and ``z = sum_c exp(d)``, the log of a probability is
    ``d - log(z)``, thus ``H = log(z) - sum_c d exp(d) / z``, and the largest one is ``1 / z``.

    Args:
        scores (Tensor): (C, h, W) float32.
        top (Tensor): Their maximum over the classes, (h, W).

    Returns:
        tuple[Tensor, Tensor]: Both (h, W) float32.
    """
    distance = scores - top
    weights = distance.exp()
    total = weights.sum(0)
    # rounding may leave a sure pixel a little below 0
    sure = (total.log() - distance.mul_(weights).sum(0) / total).clamp_(min=0)
    return sure, total.reciprocal_()


def unreliable_share(alpha_0: float, progress: float) -> float:
    """Share of the pixels that count as unreliable, ``alpha_t = alpha_0 (1 - t / T)``.

    Equation 7 of `U2PL <https://arxiv.org/abs/2203.03884>`_.

    Args:
        alpha_0 (float): Share at the start, 0..1; 0.2 in the paper.
        progress (float): ``t / T``, the share of the training that is over, 0..1.

    Raises:
        UserError: If one of them is outside 0..1.

    Example:
        >>> unreliable_share(0.2, progress=0.5)
        0.1
    """
    for name, value in (('alpha_0', alpha_0), ('progress', progress)):
        if not 0 <= value <= 1:
            raise UserError(f'{name}={value} is outside 0..1: give a share, 0.2 for 20%')
    return alpha_0 * (1 - progress)


@torch.no_grad()
def masked_quantile(values: Tensor, mask: Tensor, q: float) -> Tensor:
    """Exact quantile of the values under a mask, over all processes together.

    The same as ``numpy.percentile(values[mask], 100 * q)``, which interpolates linearly between
    neighbours: gamma_t of `U2PL <https://arxiv.org/abs/2203.03884>`_ (text below equation 6).
    Nothing is sorted and nothing is copied to the host: the value is found by three histograms,
    of the high, middle and low bits of all values. Processes add up their histograms, so they may
    hold different numbers of values.

    Args:
        values (Tensor): Of any shape; compared as float32, not NaN where the mask is True.
        mask (Tensor): Bool of the same shape: which values count.
        q (float): 0..1.

    Returns:
        Tensor: 0-dim float32; ``+inf`` if no process has a value that counts.

    Raises:
        UserError: If ``q`` is outside 0..1 or the shapes differ.

    Example:
        >>> import torch
        >>> values = torch.tensor([1., 2., 3., 100.])
        >>> masked_quantile(values, values < 50, 0.75).item()
        2.5
    """
    if not 0 <= q <= 1:
        raise UserError(f'q={q} is outside 0..1: give a share, 0.8 for the 80th percentile')
    if values.shape != mask.shape:
        raise UserError(f'values have the shape {tuple(values.shape)}, their mask '
                        f'{tuple(mask.shape)}: they must be the same')
    # adding 0 turns -0.0, whose bits differ, into 0.0
    values, mask = values.detach().float().reshape(-1) + 0., mask.reshape(-1)
    count = _total(mask.sum())
    position = (q * (count - 1).double()).clamp_(min=0)
    rank = position.floor()
    low, has_twin = _value_of_rank(values, mask, rank.long())
    # where a value appears once, the next one is the smallest among the larger
    larger = values.masked_fill((values <= low) | ~mask, torch.inf)
    above = larger.amin() if len(larger) else torch.full_like(low, torch.inf)
    all_reduce(above, 'min')
    high = torch.where(has_twin, low, above)
    part = (position - rank).float()
    # with a part of 0 there need not be a next value
    result = torch.where(part > 0, torch.lerp(low, high, part), low)
    return torch.where(count > 0, result, torch.inf)


def _value_of_rank(values: Tensor, mask: Tensor, rank: Tensor) -> tuple[Tensor, Tensor]:
    """The value of a rank (0 is the smallest), and whether the next rank has the same."""
    bits = values.view(torch.int32)
    # with the sign flipped, of negative numbers all bits, the bits have the order of the values
    keys = bits ^ ((bits >> 31) | SIGN)
    found = torch.zeros_like(rank)
    for shift, bins in DIGITS:
        digits = (keys >> shift).bitwise_and_(bins - 1)
        counts = _total(torch.zeros(bins, dtype=torch.int32, device=keys.device)
                        .index_add_(0, digits, mask.int()).long())
        passed = counts.cumsum(0) <= rank
        digit = passed.sum()
        rank = rank - torch.where(passed, counts, 0).sum()
        mask = mask & (digits == digit)
        found = found | (digit << shift)
    same = torch.where(torch.arange(bins, device=keys.device) == digit, counts, 0).sum()
    key = found.int()
    return (key ^ (~(key >> 31) | SIGN)).view(torch.float32), rank + 1 < same


def _total(counts: Tensor) -> Tensor:
    """Sum over all processes, in place."""
    all_reduce(counts)
    return counts


def _without_classes(logits: Tensor) -> torch.Size:
    return logits[:, 0].shape
