"""Transforms."""
from .border_weight import BorderWeight, border_weight
from .elastic_deformation import ElasticDeformation
from .gaussian_blur import RandomGaussianBlur
from .instance_seg_map import LoadInstanceSegMap
from .mirror_border import MirrorBorder
from .pack_semi_inputs import PackSemiInputs
from .pack_weighted_inputs import PackWeightedSegInputs

__all__ = ['BorderWeight', 'ElasticDeformation', 'LoadInstanceSegMap', 'MirrorBorder',
           'PackSemiInputs', 'PackWeightedSegInputs', 'RandomGaussianBlur', 'border_weight']
