"""Evaluation."""
from .confusion import fold, joint_histogram, seg_scores
from .seg_metric import SegMetric

__all__ = ['SegMetric', 'fold', 'joint_histogram', 'seg_scores']
