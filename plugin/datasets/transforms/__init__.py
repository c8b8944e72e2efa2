"""Transforms of single images: views, scale, colours, blur, deformation, weights, packing."""
from .border_weight import BorderWeight, border_weight
from .bound_short_side import BoundShortSide
from .color_jitter import ColorJitter
from .elastic_deformation import ElasticDeformation
from .gaussian_blur import RandomGaussianBlur
from .grey_variation import GreyVariation
from .instance_seg_map import LoadInstanceSegMap
from .load_deep_image import LoadDeepImage
from .mirror_border import MirrorBorder
from .pack_semi_det_inputs import PackSemiDetInputs
from .pack_semi_inputs import PackSemiInputs
from .pack_weighted_inputs import PackWeightedSegInputs
from .paste_instances import PasteInstances
from .random_scale import RandomScale
from .tta_views import TTAViews

__all__ = ['BorderWeight', 'BoundShortSide', 'ColorJitter', 'ElasticDeformation', 'GreyVariation',
           'LoadDeepImage', 'LoadInstanceSegMap', 'MirrorBorder', 'PackSemiDetInputs',
           'PackSemiInputs', 'PackWeightedSegInputs', 'PasteInstances', 'RandomGaussianBlur',
           'RandomScale', 'TTAViews', 'border_weight']
