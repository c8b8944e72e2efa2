"""Confidence thresholds of pseudo-labels, one a class, that follow what a network has learned."""
import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from plugin.utils import UserError


class ClassThresholds(nn.Module):
    """Asks less confidence of the classes of which a network is less sure.

    After the self-adaptive thresholds of Y. Wang et al., `FreeMatch
    <https://arxiv.org/abs/2205.07246>`_, ICLR 2023, equation 7::

        tau_t(c) = MaxNorm(p_t(c)) tau = p_t(c) / max_c' p_t(c') * tau

    with p_t(c) a moving average of how sure the network is of class c. Two things differ. There
    p_t(c) is the mean probability of c over all examples (equation 6), which for pixels is little
    else than the share of the class: a rare one would be taken whatever its confidence. Here it is
    the mean confidence of the pixels that are labelled c. And tau is a fixed threshold, which the
    surest class keeps, where equation 5 has the moving average of all confidences.

    Args:
        num_classes (int): Number of classes C.
        decay (float): What a step keeps of the steps before it, 0..1. Defaults to 0.99.

    Raises:
        UserError: If ``decay`` is out of range.

    Example:
        >>> import torch
        >>> thresholds = ClassThresholds(3)
        >>> labels = torch.tensor([[[0, 0, 1, 255]]])
        >>> thresholds.update(labels, torch.tensor([[[1., 0.8, 0.6, 0.9]]]))
        >>> [round(value, 4) for value in thresholds(0.9).tolist()]  # class 2 was not seen
        [0.9, 0.6, 0.9]
    """

    seen: Tensor

    def __init__(self, num_classes: int, decay: float = 0.99) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise UserError(f'decay={decay} of the class thresholds: give a number from 0 to '
                            'below 1, e.g. 0.99')
        self.num_classes, self.decay = num_classes, decay
        # confidences and numbers of the pixels of each class; float64: long sums stay exact
        self.register_buffer('seen', torch.zeros(2, num_classes, dtype=torch.float64))

    @torch.no_grad()
    def update(self, labels: Tensor, confidence: Tensor) -> None:
        """Count a step, of all processes together.

        Args:
            labels (Tensor): Pseudo-labels, (N, H, W) int64, 255 where there is none.
            confidence (Tensor): Largest probability behind them, (N, H, W).
        """
        # pixels without a label are counted as one class more
        places = labels.flatten().clamp(max=self.num_classes)
        values = torch.stack([confidence.flatten().double(),
                              torch.ones_like(places, dtype=torch.float64)])
        new = values.new_zeros(2, self.num_classes + 1).scatter_add_(
            1, places.expand_as(values), values)[:, :-1].contiguous()
        all_reduce(new)
        self.seen.mul_(self.decay).add_(new)

    def forward(self, highest: float) -> Tensor:
        """The threshold of each class, (C,) float32; ``highest`` of a class that was never seen.

        Args:
            highest (float): That of the class of which the network is surest.
        """
        confidence, number = self.seen
        sure = confidence / number.clamp(min=1e-9)
        share = sure / sure.max().clamp(min=1e-9)
        return (highest * torch.where(number > 0, share, 1)).float()
