"""Cross-entropy of large logits with less memory for the backward pass."""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from plugin.utils import UserError

from .blocks import check_logits, row_blocks


def cross_entropy_sum(logits: Tensor, labels: Tensor, ignore_index: int = 255) -> Tensor:
    """Sum of the cross-entropy over all pixels that have a label.

    The same as ``F.cross_entropy(..., reduction='sum')`` in float32. PyTorch's keeps the
    log-softmax of all pixels for the backward pass and allocates two more tensors of its size
    there; this function keeps one number for each pixel and allocates the gradient alone.

    Args:
        logits (Tensor): Scores before the softmax, (N, C, H, W), of any floating type; 2 to 255
            classes C.
        labels (Tensor): (N, H, W) int64, 0..C-1 or ``ignore_index``.
        ignore_index (int): Label of the pixels to leave out. Defaults to 255.

    Returns:
        Tensor: 0-dim float32; 0 with a gradient of 0 where no pixel has a label.

    Raises:
        UserError: If C or a shape does not fit.

    Example:
        >>> import torch
        >>> logits, labels = torch.zeros(1, 2, 1, 3), torch.tensor([[[0, 1, 255]]])
        >>> round(cross_entropy_sum(logits, labels).item(), 4)  # 2 log(2)
        1.3863
    """
    check_logits(logits)
    if labels.shape != logits[:, 0].shape:
        raise UserError(f'labels have the shape {tuple(labels.shape)}, logits have '
                        f'{tuple(logits.shape)}: bring them to the same size first')
    return _CrossEntropySum.apply(logits, labels, ignore_index)


class _CrossEntropySum(torch.autograd.Function):
    """``sum(log z - x_y)``, whose gradient is the softmax less 1 at the label."""

    @staticmethod
    def forward(ctx, logits: Tensor, labels: Tensor, ignore_index: int) -> Tensor:
        normalizer = logits.new_empty(labels.shape, dtype=torch.float32)
        total = logits.new_zeros((), dtype=torch.float32)
        for image, rows in row_blocks(logits):
            block = logits[image, :, rows].float()
            top = block.amax(0)
            log_sum = (block - top).exp_().sum(0).log_().add_(top)
            normalizer[image, rows] = log_sum
            index, kept = _at_label(labels[image, rows], ignore_index)
            lost = log_sum - block.gather(0, index)[0]
            total += torch.where(kept, lost, 0).sum()
        ctx.save_for_backward(logits, labels, normalizer)
        ctx.ignore_index = ignore_index
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:
        logits, labels, normalizer = ctx.saved_tensors
        result = torch.empty_like(logits)
        for image, rows in row_blocks(logits):
            index, kept = _at_label(labels[image, rows], ctx.ignore_index)
            weight = kept[None] * grad
            block = (logits[image, :, rows] - normalizer[image, rows]).exp_().mul_(weight)
            result[image, :, rows] = block.scatter_add_(0, index, -weight)
        return result, None, None


def _at_label(labels: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Index of the label among the classes, (1, h, W), and which pixels have one, (h, W)."""
    kept = labels != ignore_index
    return labels.masked_fill(~kept, 0)[None], kept
