"""Detectors: the order of the steps of training methods for instances.

``MaskTeacher`` wraps any two-stage detector with masks, to learn from pictures without labels.
"""
from .mask_teacher import MaskTeacher

__all__ = ['MaskTeacher']
