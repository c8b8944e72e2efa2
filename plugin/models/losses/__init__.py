"""Losses, tensor in, scalar out: cross-entropy with a weight for each class.

``class_weights`` computes such weights from the pixels of each class.
"""
from .balanced_cross_entropy import BalancedCrossEntropyLoss

__all__ = ['BalancedCrossEntropyLoss']
