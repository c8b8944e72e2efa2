"""The contrastive loss of U2PL."""
from collections.abc import Collection
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine.dist import all_gather, get_rank, get_world_size
from torch import Tensor, nn

from plugin.utils import UserError

from .info_nce import info_nce
from .memory_bank import MemoryBank
from .ranks import check_ranks, default_ranks
from .selection import (
    anchor_mask,
    class_sums,
    low_mask,
    negative_mask,
    official_negative_mask,
    take_pixels,
)

NEGATIVES = ('paper', 'official')
NEGATIVE_PIXELS = ('unreliable', 'reliable', 'all')
# anchors of a class and negatives of an anchor: those of the paper's text, and those that its
# authors ran, by their configs and their answers
SAMPLES = dict(paper=(50, 256), published=(256, 50))


class _Joined(NamedTuple):
    """What all processes know of the joined batch."""

    centres: Tensor  # (C, D) mean features of the classes, 0 for an absent one
    present: Tensor  # (C,) bool: classes that have a centre
    anchors: Tensor  # (W, C) numbers of possible anchors in each of W processes
    uniform: Tensor  # (C, M) random numbers in [0, 1), the same in all processes


class ContrastiveLoss(nn.Module):
    """Pulls pixels to the centre of their class and away from unlikely pixels of a memory bank.

    Y. Wang et al., `Semi-Supervised Semantic Segmentation Using Unreliable Pseudo-Labels
    <https://arxiv.org/abs/2203.03884>`_, CVPR 2022, equations 4 and 9 to 17. Legend: ``N``
    images, labelled and unlabelled, ``C`` classes, ``D`` channels, ``h, w`` positions of the
    decode head's features.

    In several processes anchors are sampled from the images of all of them, and each process
    answers for those in its own; the mean of its gradients over the processes, which distributed
    training takes, is the gradient of the joined batch. A step has two collective operations
    and no synchronisation of host and GPU.

    Args:
        num_classes (int): Number of classes ``C``, at least 2.
        channels (int): Dimensions ``D`` of the representations. Defaults to 256.
        samples (str): Numbers of anchors and negatives: ``paper``, 50 and 256 as in the text of the
            paper, or ``published``, 256 and 50 as in the published configs, which the authors say
            they ran. Defaults to ``paper``.
        num_anchors (int, optional): Anchors ``M`` of a class, sampled with replacement. Defaults
            to that of ``samples``.
        num_negatives (int, optional): Negatives ``N`` of each anchor. Defaults to that of
            ``samples``.
        temperature (float): Defaults to 0.5.
        threshold (float): Probability of the own class above which a pixel may be an anchor; 0
            lets all be. Defaults to 0.3.
        ranks (tuple[int, int], optional): ``(low, high)`` of equations 14 and 15. Defaults to
            :func:`default_ranks`.
        negatives (str): ``paper``, or ``official`` for the published code: a negative of a class
            has the label of that class, the centre is that of all its reliable pixels, and the
            bank of the i-th class present goes with class i. Defaults to ``paper``.
        negative_pixels (str): Unlabelled pixels that may be negatives: ``unreliable``,
            ``reliable`` or ``all`` (table 4 of the paper). Defaults to ``unreliable``.
        bank (dict, optional): Options of :class:`MemoryBank`.

    Raises:
        UserError: If an option is none of the above, or the ranks hold no rank.
    """

    def __init__(self, num_classes: int, channels: int = 256, *, samples: str = 'paper',
                 num_anchors: int | None = None, num_negatives: int | None = None,
                 temperature: float = 0.5, threshold: float = 0.3,
                 ranks: tuple[int, int] | None = None, negatives: str = 'paper',
                 negative_pixels: str = 'unreliable', bank: dict | None = None) -> None:
        super().__init__()
        low, high = default_ranks(num_classes) if ranks is None else ranks
        self.ranks = (low, high)
        check_ranks(low, high, num_classes)
        self.num_classes = num_classes
        _check_choice('samples', samples, SAMPLES)
        anchors, keys = SAMPLES[samples]
        self.num_anchors = anchors if num_anchors is None else num_anchors
        self.num_negatives = keys if num_negatives is None else num_negatives
        self.temperature = temperature
        self.threshold = threshold
        self.negatives = negatives
        self.negative_pixels = negative_pixels
        _check_options(self)
        self.bank = MemoryBank(num_classes, channels, **(bank or {}))

    def forward(self, student_features: Tensor, teacher_features: Tensor, teacher_logits: Tensor,
                labels: Tensor, reliable: Tensor, unreliable: Tensor,
                is_labeled: Tensor) -> dict[str, Tensor]:
        """Add to the bank, and contrast.

        Args:
            student_features (Tensor): (N, D, h, w), which gradients flow into.
            teacher_features (Tensor): (N, D, h, w).
            teacher_logits (Tensor): (N, C, h, w).
            labels (Tensor): (N, h, w) int64: truth of the labelled images, pseudo-labels of the
                others; 255 for none. ``official`` needs those of unreliable pixels too.
            reliable (Tensor): (N, h, w) bool; counts in unlabelled images, where padding is
                neither reliable nor unreliable.
            unreliable (Tensor): (N, h, w) bool.
            is_labeled (Tensor): (N,) bool.

        Returns:
            dict[str, Tensor]: 0-dim ``loss``, and 0-dim ``classes``: how many take part. A class
            without anchors or without keys does not; where none does, the loss is 0.
        """
        with torch.autocast(labels.device.type, enabled=False):
            with torch.no_grad():
                low = low_mask(labels, reliable, is_labeled, self.num_classes)
                anchors = anchor_mask(teacher_logits, labels, low, self.threshold)
                joined = self._join(teacher_features, labels, anchors,
                                    anchors if self.negatives == 'paper' else low)
                classes = torch.where(anchors, labels, self.num_classes).flatten()
                pixels, mine = sample_anchors(classes, joined.anchors, joined.uniform)
                self.bank.enqueue(teacher_features, self._negative_mask(
                    teacher_logits, labels, reliable, unreliable, is_labeled))
                banks, takes_part, divisor = self._pair(joined)
                counts = mine & takes_part[:, None]
            losses = self._info_nce(take_pixels(student_features, pixels), joined.centres, banks,
                                    counts)
            # each process has the loss of its own anchors; training takes the mean over processes
            loss = losses.sum() * get_world_size() / (self.num_anchors * divisor)
        return dict(loss=loss, classes=takes_part.sum().float())

    def _join(self, features: Tensor, labels: Tensor, anchors: Tensor, centred: Tensor) -> _Joined:
        """Centres of equation 13 and numbers of anchors of all processes, in one collective."""
        sums, numbers = class_sums(features, labels, centred, self.num_classes)
        possible = numbers if anchors is centred else class_sums(
            features[:, :0], labels, anchors, self.num_classes)[1]
        uniform = torch.rand(self.num_classes, self.num_anchors, device=features.device)
        parts = [sums, numbers[:, None], possible[:, None], uniform]
        shared = torch.stack(all_gather(torch.cat(parts, 1)))
        sums, numbers, possible, uniform = shared.split([part.shape[1] for part in parts], 2)
        numbers = numbers.sum(0)
        return _Joined(centres=sums.sum(0) / numbers.clamp_min(1), present=numbers[:, 0] > 0,
                       anchors=possible[..., 0].long(), uniform=uniform[0])

    def _info_nce(self, anchors: Tensor, centres: Tensor, banks: Tensor, counts: Tensor) -> Tensor:
        """Losses (C * M,) of anchors (C, M, D), 0 where an anchor does not count."""
        rows = self.bank.sample(self.num_anchors, self.num_negatives)[banks]
        # anchors that do not count all read the same row, which stays in cache
        rows = torch.where(counts[..., None], rows, len(self.bank.keys) - 1)
        losses = info_nce(F.normalize(anchors.float(), dim=-1).flatten(0, 1),
                          F.normalize(centres, dim=-1).repeat_interleave(self.num_anchors, 0),
                          self.bank.keys, rows.flatten(0, 1), self.temperature)
        return torch.where(counts.flatten(), losses, 0.)

    def _negative_mask(self, logits: Tensor, labels: Tensor, reliable: Tensor, unreliable: Tensor,
                       is_labeled: Tensor) -> Tensor:
        candidates = dict(unreliable=unreliable, reliable=reliable,
                          all=reliable | unreliable)[self.negative_pixels]
        select = negative_mask if self.negatives == 'paper' else official_negative_mask
        return select(logits, labels, candidates, is_labeled, self.ranks)

    def _pair(self, joined: _Joined) -> tuple[Tensor, Tensor, Tensor]:
        """The bank (C,) of each class, whether it takes part (C,), and the 0-dim divisor."""
        classes = torch.arange(self.num_classes, device=joined.present.device)
        able = joined.anchors.sum(0) > 0
        if self.negatives == 'paper':
            takes_part = able & (self.bank.filled > 0)
            return classes, takes_part, takes_part.sum().clamp_min(1)
        # the classes present first, in their order
        banks = (~joined.present).to(torch.uint8).argsort(stable=True)
        number = joined.present.sum()
        takes_part = able & (self.bank.filled[banks] > 0) & (classes < number) & (number > 1)
        return banks, takes_part, number.clamp_min(1)


def sample_anchors(classes: Tensor, numbers: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """Sample anchors from the pixels of all processes, uniformly and with replacement.

    Args:
        classes (Tensor): (P,) int64 class of which a pixel of this process may be an anchor;
            ``C`` for none.
        numbers (Tensor): (W, C) int64 numbers of such pixels in each of ``W`` processes.
        uniform (Tensor): (C, M) in [0, 1), the same in all processes.

    Returns:
        tuple[Tensor, Tensor]: (C, M) int64 pixels of this process, and (C, M) bool whether the
        anchor is one of this process. Where not, the pixel is any.
    """
    rank = get_rank()
    total, before = numbers.sum(0)[:, None], numbers[:rank].sum(0)[:, None]
    own = numbers[rank][:, None]
    # rounding may bring a number just below 1 to the total
    place = torch.minimum((uniform * total).long(), total - 1) - before
    mine = (place >= 0) & (place < own)
    by_class = classes.to(torch.int16).argsort(stable=True)
    first = own.cumsum(0) - own
    return by_class[torch.where(mine, first + place, 0)], mine


def _check_options(loss: ContrastiveLoss) -> None:
    for name, known in dict(negatives=NEGATIVES, negative_pixels=NEGATIVE_PIXELS).items():
        _check_choice(name, getattr(loss, name), known)
    for name in ('num_anchors', 'num_negatives'):
        if getattr(loss, name) < 1:
            raise UserError(f'{name}={getattr(loss, name)} contrasts nothing; use 1 or more')
    if not loss.temperature > 0:
        raise UserError(f'temperature={loss.temperature} must be above 0, e.g. 0.5')
    if not 0 <= loss.threshold < 1:
        raise UserError(f'threshold={loss.threshold} is a probability; use 0 or more, below 1')


def _check_choice(name: str, value: str, known: Collection[str]) -> None:
    if value not in known:
        raise UserError(f'{name}={value!r} is unknown; use one of {", ".join(map(repr, known))}')
