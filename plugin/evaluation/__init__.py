"""Metrics: label maps, cells, calibration, COCO average precision, counting errors, losses."""
from .calibration import CalibrationMetric
from .cell_metric import CellMetric
from .coco_metric import FastCocoMetric
from .coco_results import encode_masks
from .confusion import fold, joint_histogram, seg_scores
from .count_intervals import CountCalibration, CountIntervals, cross_coverage
from .count_metric import CountMetric
from .count_threshold import best_count_threshold, best_threshold
from .image_quality import match_instances
from .seg_metric import SegMetric
from .v_rand import VRandMetric, v_rand

__all__ = ['CalibrationMetric', 'CellMetric', 'CountCalibration', 'CountIntervals', 'CountMetric',
           'FastCocoMetric', 'SegMetric', 'VRandMetric', 'best_count_threshold', 'best_threshold',
           'cross_coverage', 'encode_masks', 'fold', 'joint_histogram', 'match_instances',
           'seg_scores', 'v_rand']
