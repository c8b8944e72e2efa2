"""Metrics: scores of label maps, COCO average precision, counting errors and validation loss."""
from .calibration import CalibrationMetric
from .coco_metric import FastCocoMetric
from .coco_results import encode_masks
from .confusion import fold, joint_histogram, seg_scores
from .count_metric import CountMetric, best_count_threshold, best_threshold
from .image_quality import match_instances
from .seg_metric import SegMetric

__all__ = ['CalibrationMetric', 'CountMetric', 'FastCocoMetric', 'SegMetric',
           'best_count_threshold', 'best_threshold', 'encode_masks', 'fold', 'joint_histogram',
           'match_instances', 'seg_scores']
