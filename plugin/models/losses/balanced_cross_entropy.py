"""Cross-entropy in which rare classes weigh more."""
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from mmseg.models.losses.utils import get_class_weight
from mmseg.registry import MODELS
from torch import Tensor, nn

from plugin.utils import UserError


@MODELS.register_module()
class BalancedCrossEntropyLoss(nn.Module):
    """Cross-entropy weighted by class, averaged over the labelled pixels.

    V. Badrinarayanan, A. Kendall, R. Cipolla, `SegNet <https://arxiv.org/abs/1511.00561>`_,
    section 3.2, with the average of the published model: ``sum_i w[y_i] * -log p_i[y_i]`` over the
    pixels with a label, divided by their number. Dividing by the sum of their weights instead, as
    PyTorch does, would make an image of one class weigh the same for every class.

    ``tools/data/class_weights.py`` computes the weights from a data set.

    Args:
        class_weight (Sequence[float] | str): A weight for each of the C classes, or a file that
            holds them (``.json``, ``.npy``).
        loss_weight (float): Factor. Defaults to 1.
        loss_name (str): Name in the log. Defaults to 'loss_ce'.
    """

    def __init__(self, class_weight: Sequence[float] | str, *, loss_weight: float = 1.,
                 loss_name: str = 'loss_ce') -> None:
        super().__init__()
        # values that can be looked at also where the network is built without any
        weights = np.asarray(get_class_weight(class_weight), np.float32)
        if weights.ndim != 1 or not np.isfinite(weights).all() or (weights < 0).any():
            raise UserError(f'class_weight={class_weight} is no list of weights: give one number '
                            'of at least 0 for each class, e.g. by tools/data/class_weights.py')
        # the config holds them; a checkpoint need not
        self.register_buffer('class_weight', torch.as_tensor(weights), persistent=False)
        self.class_weight: Tensor
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, logits: Tensor, labels: Tensor, weight: Tensor | None = None,
                ignore_index: int = 255, **kwargs) -> Tensor:
        """Compute the loss.

        Args:
            logits (Tensor): Scores before the softmax, (N, C, H, W).
            labels (Tensor): (N, H, W) int64, 0..C-1 or ``ignore_index``.
            weight (Tensor, optional): Weight of each pixel, (N, H, W), of a pixel sampler.
            ignore_index (int): Label of the pixels to leave out. Defaults to 255.

        Returns:
            Tensor: 0-dim; 0 where no pixel has a label.

        Raises:
            UserError: If the number of weights is not C.
        """
        if len(self.class_weight) != logits.shape[1]:
            raise UserError(f'class_weight has {len(self.class_weight)} numbers for '
                            f'{logits.shape[1]} classes: give one for each')
        loss = F.cross_entropy(logits, labels, weight=self.class_weight.to(logits.dtype),
                               ignore_index=ignore_index, reduction='none')
        if weight is not None:
            loss = loss * weight
        labelled = (labels != ignore_index).sum()
        return self.loss_weight * loss.sum() / labelled.clamp(min=1)
