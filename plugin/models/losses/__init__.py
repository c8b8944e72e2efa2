"""Losses, tensor in, scalar out: cross-entropy with a weight for each class, or of hard pixels.

``class_weights`` computes such weights from the pixels of each class.
"""
from .balanced_cross_entropy import BalancedCrossEntropyLoss
from .ohem_cross_entropy import OhemCrossEntropyLoss

__all__ = ['BalancedCrossEntropyLoss', 'OhemCrossEntropyLoss']
