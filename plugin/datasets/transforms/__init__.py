"""Transforms."""
from .gaussian_blur import RandomGaussianBlur
from .instance_seg_map import LoadInstanceSegMap
from .pack_semi_inputs import PackSemiInputs

__all__ = ['LoadInstanceSegMap', 'PackSemiInputs', 'RandomGaussianBlur']
