"""Cross-entropy of the hard pixels of a batch."""
import math

import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from plugin.utils import UserError


@MODELS.register_module()
class OhemCrossEntropyLoss(nn.Module):
    """Mean cross-entropy over the pixels of a batch that are hard.

    Online hard example mining as in the published code of U2PL on Cityscapes: of all pixels with a
    label in the batch of a process, those count whose true class has at most the probability
    ``thresh``, or, where these are fewer than ``min_kept``, the ``min_kept`` hardest. The sum is
    divided by the number of pixels that count.

    MMSegmentation's ``OHEMPixelSampler`` keeps ``min_kept`` pixels of each image instead, and the
    loss behind it divides by all labelled pixels, so that it shrinks with the share that is kept.

    Args:
        thresh (float): Probability of the true class, in (0, 1]. Defaults to 0.7.
        min_kept (int): Pixels of a batch that count at least, if so many have a label. Defaults to
            100000.
        loss_weight (float): Factor. Defaults to 1.
        loss_name (str): Name in the log. Defaults to 'loss_ce'.

    Raises:
        UserError: If ``thresh`` is no such probability or ``min_kept`` is below 1.

    Example:
        >>> import torch
        >>> loss = OhemCrossEntropyLoss(thresh=0.7, min_kept=1)
        >>> easy, hard = [9., 0.], [0., 0.]
        >>> logits = torch.tensor([[easy, hard]]).permute(0, 2, 1)[..., None]  # (1, 2, 2, 1)
        >>> labels = torch.zeros(1, 2, 1, dtype=torch.long)
        >>> round(loss(logits, labels).item(), 4)  # log(2), of the second pixel alone
        0.6931
    """

    def __init__(self, *, thresh: float = 0.7, min_kept: int = 100000, loss_weight: float = 1.,
                 loss_name: str = 'loss_ce') -> None:
        super().__init__()
        if not 0 < thresh <= 1:
            raise UserError(f'thresh={thresh} is the probability of the true class up to which a '
                            'pixel is hard: give more than 0 and at most 1, e.g. 0.7')
        if min_kept < 1:
            raise UserError(f'min_kept={min_kept} may leave no pixel to learn from: give 1 or '
                            'more, e.g. 100000')
        self.thresh = thresh
        self.min_kept = min_kept
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, logits: Tensor, labels: Tensor, weight: Tensor | None = None,
                ignore_index: int = 255, **kwargs) -> Tensor:
        """Compute the loss.

        Args:
            logits (Tensor): Scores before the softmax, (N, C, H, W).
            labels (Tensor): (N, H, W) int64, 0..C-1 or ``ignore_index``.
            weight (Tensor, optional): Weight of each pixel, (N, H, W).
            ignore_index (int): Label of the pixels to leave out. Defaults to 255.

        Returns:
            Tensor: 0-dim; 0 where no pixel has a label.
        """
        losses = F.cross_entropy(logits, labels, ignore_index=ignore_index, reduction='none')
        kept = self._hard(losses.detach(), labels != ignore_index)
        if weight is not None:
            losses = losses * weight
        return self.loss_weight * (losses * kept).sum() / kept.sum().clamp(min=1)

    def _hard(self, losses: Tensor, valid: Tensor) -> Tensor:
        """Which pixels count, (N, H, W) bool; the host does not wait for a GPU."""
        # -log p falls as the probability rises; pixels without a label are the easiest
        ranked = losses.masked_fill(~valid, -math.inf).flatten()
        least = ranked.kthvalue(max(1, len(ranked) - self.min_kept + 1)).values
        return valid & (losses >= least.clamp(max=-math.log(self.thresh)))
