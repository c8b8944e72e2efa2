"""Batch norm whose statistics, scale and shift stay fixed."""
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module('FrozenBN')
class FrozenBatchNorm2d(nn.Module):
    """Batch norm with fixed statistics, scale and shift, in training as in evaluation.

    Its state has the names of :class:`torch.nn.BatchNorm2d`, so that each loads the other's
    weights. ``norm_cfg=dict(type='FrozenBN')`` freezes the norms of a backbone or of a head, for
    images too few or too large for statistics of a batch.

    Args:
        num_features (int): Channels.
        eps (float): Added to the variance. Defaults to 1e-5.
        momentum (float): Not used; a config that freezes a norm need not take it out.
    """

    # buffers, not parameters: neither the optimiser nor distributed training changes them
    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.register_buffer('weight', torch.ones(num_features))
        self.register_buffer('bias', torch.zeros(num_features))
        self.register_buffer('running_mean', torch.zeros(num_features))
        self.register_buffer('running_var', torch.ones(num_features))
        self.register_buffer('num_batches_tracked', torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, num_features, H, W) to the same shape."""
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias,
                            training=False, eps=self.eps)

    def extra_repr(self) -> str:
        return f'{self.num_features}, eps={self.eps}'
