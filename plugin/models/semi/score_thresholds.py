"""Thresholds of the scores of pseudo-instances, one a class, that follow the training."""
import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from plugin.utils import UserError

BINS = 100


class ScoreThresholds(nn.Module):
    """Takes as many instances of a class a picture as the labelled pictures show.

    After the adaptive thresholds of B. Chen et al., `Label Matching Semi-Supervised Object
    Detection <https://arxiv.org/abs/2206.06608>`_, CVPR 2022: labelled and unlabelled pictures
    come from the same source, so that as many scores of a class should reach its threshold. Here
    both numbers are means that forget old steps, and are taken anew in each step; the threshold
    is a multiple of 0.01.

    Args:
        num_classes (int): Number of classes C.
        lowest (float): The least threshold, 0..1.
        highest (float): The greatest one, 0..1.
        share (float): Instances that are wanted for each labelled one.
        decay (float): What a step keeps of the numbers before it, 0..1.

    Raises:
        UserError: If a number is out of range.
    """

    scores: Tensor
    labelled: Tensor
    pictures: Tensor

    def __init__(self, num_classes: int, lowest: float = 0.5, highest: float = 0.9,
                 share: float = 1., decay: float = 0.99) -> None:
        super().__init__()
        if not 0 <= lowest <= highest <= 1:
            raise UserError(f'lowest={lowest} and highest={highest} are no range of scores: give '
                            'two numbers from 0 to 1, the smaller one first, e.g. 0.5 and 0.9')
        if share <= 0 or not 0 <= decay < 1:
            raise UserError(f'share={share} and decay={decay}: give a share above 0, and a decay '
                            'from 0 to below 1')
        self.num_classes, self.lowest, self.highest = num_classes, lowest, highest
        self.share, self.decay = share, decay
        # float64: long sums stay exact
        self.register_buffer('scores', torch.zeros(num_classes, BINS, dtype=torch.float64))
        self.register_buffer('labelled', torch.zeros(num_classes, dtype=torch.float64))
        # unlabelled and labelled ones
        self.register_buffer('pictures', torch.zeros(2, dtype=torch.float64))

    @torch.no_grad()
    def update(self, labels: Tensor, scores: Tensor, pictures: int, true_labels: Tensor,
               true_pictures: int) -> None:
        """Count a step, of all processes together.

        Args:
            labels (Tensor): Classes of what the teacher found in unlabelled pictures, (K,) int64.
            scores (Tensor): Its scores, (K,), 0..1.
            pictures (int): Number of these pictures.
            true_labels (Tensor): Classes of what is outlined in labelled pictures, (L,) int64: of
                whole pictures, without what a pipeline pastes.
            true_pictures (int): Number of these.
        """
        places = labels * BINS + (scores * BINS).long().clamp(0, BINS - 1)
        new = torch.cat([_count(places, self.num_classes * BINS),
                         _count(true_labels, self.num_classes),
                         places.new_tensor([pictures, true_pictures])]).double()
        all_reduce(new)
        found, true, number = new.split([self.num_classes * BINS, self.num_classes, 2])
        for buffer, value in ((self.scores, found), (self.labelled, true), (self.pictures, number)):
            buffer.mul_(self.decay).add_(value.view_as(buffer))

    def forward(self) -> Tensor:
        """The threshold of each class, (C,) float32."""
        found, true = self.pictures.clamp(min=1e-9)
        wanted = self.share * self.labelled / true
        # scores that reach the lower bound of a bin, a picture
        reach = self.scores.flip(1).cumsum(1).flip(1) / found
        # rounding must not decide between as many and one more
        bins = (reach > wanted[:, None] * (1 + 1e-9)).sum(1)
        return (bins / BINS).clamp(self.lowest, self.highest).float()

    def labelled_number(self) -> Tensor:
        """Instances that are outlined in a labelled picture on average, 0-dim."""
        return (self.labelled.sum() / self.pictures[1].clamp(min=1e-9)).float()


def _count(places: Tensor, number: int) -> Tensor:
    counts = torch.zeros(number, dtype=torch.int64, device=places.device)
    return counts.scatter_add_(0, places, torch.ones_like(places))
