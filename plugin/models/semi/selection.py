"""Which pixels are anchors, positives and negatives of each class.

Y. Wang et al., `U2PL <https://arxiv.org/abs/2203.03884>`_, equations 10 to 16. Legend: ``N``
images, ``C`` classes, ``D`` dimensions of a representation, ``h, w`` positions of the decode
head's features, ``P = N * h * w`` pixels, image by image. The rank of a class in a pixel is the
number of classes with a strictly larger logit there.
"""

import torch
from torch import Tensor

# up to this rank the extremes of a pixel are found by comparing class after class, beyond it by
# topk
SIFTED = 4


def take_pixels(features: Tensor, pixels: Tensor) -> Tensor:
    """Features (N, D, h, w) at pixels (...) in 0..P-1, as (..., D)."""
    flat = features.flatten(2)
    return flat[pixels // flat.shape[2], :, pixels % flat.shape[2]]


def class_probability(logits: Tensor, labels: Tensor) -> Tensor:
    """Softmax probability of each pixel's own class.

    Args:
        logits (Tensor): (N, C, h, w).
        labels (Tensor): (N, h, w) int64; what is outside 0..C-1 counts as ignored.

    Returns:
        Tensor: (N, h, w) float32, 0 where the label is ignored.
    """
    logits = logits.float()
    known = _is_known(labels, logits.shape[1])
    own = logits.gather(1, torch.where(known, labels, 0)[:, None])[:, 0]
    return torch.where(known, (own - logits.logsumexp(1)).exp(), 0.)


def low_mask(labels: Tensor, reliable: Tensor, is_labeled: Tensor, num_classes: int) -> Tensor:
    """Pixels that stand for their class: with a label, or with a reliable pseudo-label.

    Args:
        labels (Tensor): (N, h, w) int64 truth or pseudo-labels, 255 for none.
        reliable (Tensor): (N, h, w) bool; counts in unlabelled images only.
        is_labeled (Tensor): (N,) bool.
        num_classes (int): Number of classes ``C``.

    Returns:
        Tensor: (N, h, w) bool.
    """
    return _is_known(labels, num_classes) & (reliable | is_labeled[:, None, None])


def anchor_mask(logits: Tensor, labels: Tensor, low: Tensor, threshold: float = 0.3) -> Tensor:
    """Pixels that may be anchors of their class, equations 10 to 12.

    Args:
        logits (Tensor): (N, C, h, w) of the teacher.
        labels (Tensor): (N, h, w) int64.
        low (Tensor): (N, h, w) bool of :func:`low_mask`.
        threshold (float): ``delta_p``: the own class is likelier than this. Defaults to 0.3.

    Returns:
        Tensor: (N, h, w) bool.
    """
    return low & (class_probability(logits, labels) > threshold)


def class_sums(features: Tensor, labels: Tensor, mask: Tensor,
               num_classes: int) -> tuple[Tensor, Tensor]:
    """Sums and numbers from which class centres follow, ``centre = sum / number`` (eq. 13).

    Args:
        features (Tensor): (N, D, h, w) of the teacher.
        labels (Tensor): (N, h, w) int64.
        mask (Tensor): (N, h, w) bool: the pixels that count.
        num_classes (int): Number of classes ``C``.

    Returns:
        tuple[Tensor, Tensor]: (C, D) and (C,), float32.
    """
    classes = torch.arange(num_classes, device=labels.device)[:, None]
    sums = features.new_zeros(num_classes, features.shape[1], dtype=torch.float32)
    numbers = sums.new_zeros(num_classes)
    # image by image, so that nothing as large as the features is made in half precision
    for feature, label, counts in zip(features, labels, mask):
        member = ((label.flatten() == classes) & counts.flatten()).float()
        sums.addmm_(member, feature.flatten(1).float().T)
        numbers += member.sum(1)
    return sums, numbers


def negative_mask(logits: Tensor, labels: Tensor, candidates: Tensor, is_labeled: Tensor,
                  ranks: tuple[int, int]) -> Tensor:
    """Pixels that are negatives of each class, equations 14 to 16.

    A labelled pixel is a negative of a class that it does not have although the class is among
    the ``low`` likeliest; an unlabelled one of a class of rank ``low <= rank < high``.

    Args:
        logits (Tensor): (N, C, h, w) of the teacher.
        labels (Tensor): (N, h, w) int64; the truth counts, in labelled images; 255 for none.
        candidates (Tensor): (N, h, w) bool: the pixels of unlabelled images that may be
            negatives, in U2PL the unreliable ones; padding belongs to neither.
        is_labeled (Tensor): (N,) bool.
        ranks (tuple[int, int]): ``(low, high)``.

    Returns:
        Tensor: (C, P) bool.
    """
    num_classes = logits.shape[1]
    classes = torch.arange(num_classes, device=labels.device)[:, None, None]
    labeled = is_labeled[:, None, None]
    below_low, below_high = (_rank_below(logits, rank) for rank in ranks)
    known = (labeled & _is_known(labels, num_classes))[:, None]
    wrong = known & (labels[:, None] != classes) & below_low
    unlikely = (candidates & ~labeled)[:, None] & below_high & ~below_low
    return _by_class(wrong | unlikely)


def official_negative_mask(logits: Tensor, labels: Tensor, candidates: Tensor, is_labeled: Tensor,
                           ranks: tuple[int, int]) -> Tensor:
    """Pixels that the published code of U2PL takes as negatives; see :func:`negative_mask`.

    There a negative of a class must have the label of that class. No labelled pixel remains, and
    of the unlabelled ones those to whose pseudo-label the teacher now gives a middle rank.
    """
    classes = torch.arange(logits.shape[1], device=labels.device)[:, None, None]
    below_low, below_high = (_rank_below(logits, rank) for rank in ranks)
    own = (candidates & ~is_labeled[:, None, None])[:, None] & (labels[:, None] == classes)
    return _by_class(own & below_high & ~below_low)


def _rank_below(logits: Tensor, rank: int) -> Tensor:
    """Where fewer than ``rank`` classes have a larger logit, (N, C, h, w) bool."""
    num_classes = logits.shape[1]
    if rank >= num_classes:
        return torch.ones_like(logits, dtype=torch.bool)
    from_below = num_classes - rank + 1
    if rank <= from_below:
        return logits >= _extreme(logits, rank, largest=True)
    return logits >= _extreme(logits, from_below, largest=False)


def _extreme(logits: Tensor, rank: int, largest: bool) -> Tensor:
    """The ``rank``-th largest or smallest logit of each pixel, (N, 1, h, w)."""
    if rank > SIFTED:
        return logits.topk(rank, 1, largest).values[:, -1:]
    # along the classes topk is several times slower than comparing one class after the other
    outer, inner = (torch.maximum, torch.minimum) if largest else (torch.minimum, torch.maximum)
    found: list[Tensor] = []
    for rest in logits.split(1, 1):
        for place, held in enumerate(found):
            found[place], rest = outer(held, rest), inner(held, rest)
        if len(found) < rank:
            found.append(rest)
    return found[-1]


def _is_known(labels: Tensor, num_classes: int) -> Tensor:
    return (labels >= 0) & (labels < num_classes)


def _by_class(mask: Tensor) -> Tensor:
    """(N, C, h, w) to (C, P)."""
    return mask.transpose(0, 1).flatten(1)
