"""The InfoNCE loss with negatives that are rows of a table of keys."""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# keys per block: few enough for a processor's cache, many enough to keep a GPU busy
BLOCK = 1 << 13


class _InfoNCE(torch.autograd.Function):
    """The loss of each anchor; forward computes the gradient too, while the keys are in cache."""

    @staticmethod
    def forward(ctx, anchors: Tensor, positives: Tensor, keys: Tensor, indices: Tensor,
                temperature: float) -> Tensor:
        losses, gradients = [], []
        size = max(BLOCK // indices.shape[1], 1)
        # one buffer for all blocks: allocating costs more time than the computation
        buffer = keys.new_empty(min(size, len(anchors)) * indices.shape[1], keys.shape[1])
        for anchor, positive, index in zip(
                anchors.split(size), positives.split(size), indices.split(size)):
            negatives = torch.index_select(keys, 0, index.flatten(),
                                           out=buffer[:index.numel()]).view(*index.shape, -1)
            loss, gradient = _block(anchor, positive, negatives.to(anchor.dtype), temperature)
            losses.append(loss)
            gradients.append(gradient)
        ctx.save_for_backward(torch.cat(gradients))
        return torch.cat(losses)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple:
        return gradient[:, None] * ctx.saved_tensors[0], None, None, None, None


def _block(anchors: Tensor, positives: Tensor, negatives: Tensor,
           temperature: float) -> tuple[Tensor, Tensor]:
    """Losses (A,) and their gradients (A, D) for negatives (A, K, D)."""
    alike = torch.cat([(anchors * positives).sum(-1, keepdim=True),
                       torch.bmm(negatives, anchors[..., None])[..., 0]], 1) / temperature
    log_share = alike.log_softmax(1)
    share = log_share.exp()
    # d loss / d anchor = (sum of share * key - positive) / temperature
    gradient = torch.bmm(share[:, None, 1:], negatives)[:, 0] + (share[:, :1] - 1) * positives
    return -log_share[:, 0], gradient / temperature


def info_nce(anchors: Tensor, positives: Tensor, keys: Tensor, indices: Tensor,
             temperature: float = 0.5) -> Tensor:
    """InfoNCE of anchors, each against one positive and negatives from a table of keys.

    ``-log(exp(<a, p> / t) / (exp(<a, p> / t) + sum_j exp(<a, n_j> / t)))``, equation 4 of
    Y. Wang et al., `U2PL <https://arxiv.org/abs/2203.03884>`_. The negatives of all anchors are
    never in memory together, and nothing of them is kept for the backward pass.

    Args:
        anchors (Tensor): (A, D) of length 1, float32; gradients flow into these alone.
        positives (Tensor): (A, D) of length 1, float32.
        keys (Tensor): (R, D) of length 1, any floating type.
        indices (Tensor): (A, K) int64: rows of ``keys``, the negatives of each anchor.
        temperature (float): ``t``. Defaults to 0.5.

    Returns:
        Tensor: (A,) float32 loss of each anchor.
    """
    return _InfoNCE.apply(anchors, positives, keys, indices, temperature)
