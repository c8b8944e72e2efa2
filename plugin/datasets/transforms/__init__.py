"""Transforms of single images: views, scale, blur, deformation, weights, packing for a model."""
from .border_weight import BorderWeight, border_weight
from .elastic_deformation import ElasticDeformation
from .gaussian_blur import RandomGaussianBlur
from .instance_seg_map import LoadInstanceSegMap
from .load_deep_image import LoadDeepImage
from .mirror_border import MirrorBorder
from .pack_semi_inputs import PackSemiInputs
from .pack_weighted_inputs import PackWeightedSegInputs
from .random_scale import RandomScale
from .tta_views import TTAViews

__all__ = ['BorderWeight', 'ElasticDeformation', 'LoadDeepImage', 'LoadInstanceSegMap',
           'MirrorBorder', 'PackSemiInputs', 'PackWeightedSegInputs', 'RandomGaussianBlur',
           'RandomScale', 'TTAViews', 'border_weight']
