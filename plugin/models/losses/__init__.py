"""Losses: tensor in, scalar out."""
from .balanced_cross_entropy import BalancedCrossEntropyLoss

__all__ = ['BalancedCrossEntropyLoss']
