"""Focal losses (Lin et al., ICCV 2017, arXiv:1708.02002) and their gradients.

The compiled operators exist for GPUs only; these run everywhere.
"""
import torch
from torch import Tensor

# logarithms of less are taken of this, the smallest normal float32
TINY = torch.finfo(torch.float32).tiny


def sigmoid_focal_loss_forward(input: Tensor, target: Tensor, weight: Tensor, output: Tensor,
                               gamma: float, alpha: float) -> None:
    """Write the loss of each logit into ``output``.

    Args:
        input (Tensor): Logits, (N, C).
        target (Tensor): Class of each sample, C for background, (N,), int64.
        weight (Tensor): Of the classes, (C,), or empty. Background weighs 1.
        output (Tensor): (N, C).
        gamma (float): Exponent of (1 - p_t).
        alpha (float): Weight of the class a sample has; the others weigh 1 - alpha.
    """
    p, is_class, weights = _sigmoid_terms(input, target, weight)
    positive = (1 - p).pow(gamma) * p.clamp(min=TINY).log() * -alpha
    negative = p.pow(gamma) * (1 - p).clamp(min=TINY).log() * (alpha - 1)
    output.copy_(torch.where(is_class, positive, negative) * weights)


def sigmoid_focal_loss_backward(input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor,
                                gamma: float, alpha: float) -> None:
    """Write the derivatives of :func:`sigmoid_focal_loss_forward` into ``grad_input``, (N, C)."""
    p, is_class, weights = _sigmoid_terms(input, target, weight)
    q = 1 - p
    positive = q.pow(gamma) * (q - gamma * p * p.clamp(min=TINY).log()) * -alpha
    negative = p.pow(gamma) * (gamma * q * q.clamp(min=TINY).log() - p) * (alpha - 1)
    grad_input.copy_(torch.where(is_class, positive, negative) * weights)


def softmax_focal_loss_forward(input: Tensor, target: Tensor, weight: Tensor, output: Tensor,
                               gamma: float, alpha: float) -> None:
    """Write the loss of each sample into ``output``.

    Args:
        input (Tensor): Probabilities of the classes, (N, C).
        target (Tensor): Class of each sample, (N,), int64; below 0 or C and more costs nothing.
        weight (Tensor): Of the classes, (C,), or empty.
        output (Tensor): (N,).
        gamma (float): Exponent of (1 - p_t).
        alpha (float): Weight of all.
    """
    p, weights = _softmax_terms(input, target, weight)
    output.copy_((1 - p).pow(gamma) * p.clamp(min=TINY).log() * -alpha * weights)


def softmax_focal_loss_backward(input: Tensor, target: Tensor, weight: Tensor, buff: Tensor,
                                grad_input: Tensor, gamma: float, alpha: float) -> None:
    """Write the derivatives with respect to the logits into ``grad_input``, (N, C).

    ``buff``, (N,), gets those of a sample's loss with respect to the logarithm of its p_t.
    """
    p, weights = _softmax_terms(input, target, weight)
    q = 1 - p
    slope = gamma * q.pow(gamma - 1) * p * p.clamp(min=TINY).log() - q.pow(gamma)
    slope *= alpha * weights
    buff.copy_(slope)
    is_class = target[:, None] == torch.arange(input.size(1), device=input.device)
    grad_input.copy_((is_class.to(p.dtype) - input.to(p.dtype)) * slope[:, None])


def _sigmoid_terms(input: Tensor, target: Tensor, weight: Tensor
                   ) -> tuple[Tensor, Tensor, Tensor | float]:
    """Probabilities (N, C), which of them are of a sample's class, and weights (N, 1)."""
    logits = input.float() if input.dtype != torch.float64 else input
    is_class = target[:, None] == torch.arange(input.size(1), device=input.device)
    if not weight.numel():
        return logits.sigmoid(), is_class, 1.0
    weights = torch.cat([weight.to(logits), weight.new_ones(1).to(logits)])
    return logits.sigmoid(), is_class, weights[target.clamp(max=input.size(1))][:, None]


def _softmax_terms(input: Tensor, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Probabilities of the samples' classes, and weights, 0 where there is no class: (N,)."""
    probabilities = input.float() if input.dtype != torch.float64 else input
    label = target.clamp(0, input.size(1) - 1)
    weights = (target == label).to(probabilities.dtype)
    if weight.numel():
        weights = weights * weight.to(weights)[label]
    return probabilities.gather(1, label[:, None])[:, 0], weights
