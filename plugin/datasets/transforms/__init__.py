"""Transforms."""
from .instance_seg_map import LoadInstanceSegMap

__all__ = ['LoadInstanceSegMap']
