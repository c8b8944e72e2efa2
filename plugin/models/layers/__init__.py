"""Modules and functions that several backbones or heads share: upsampling, pooling, norms."""
from .aligned import resample_aligned
from .bilinear import BilinearDeconv, bilinear_kernel
from .frozen_batch_norm import FrozenBatchNorm2d
from .he_init import HE_FAN_IN
from .mirror import mirrored_index
from .refinement import (ChainedResidualPooling, MultiResolutionFusion, RefineNetBlock,
                         ResidualConvUnit, conv3x3)
from .unet import UpConv, double_conv
from .unpooling import Pooling, max_pool, max_unpool

__all__ = ['BilinearDeconv', 'ChainedResidualPooling', 'FrozenBatchNorm2d', 'HE_FAN_IN',
           'MultiResolutionFusion', 'Pooling', 'RefineNetBlock', 'ResidualConvUnit', 'UpConv',
           'bilinear_kernel', 'conv3x3', 'double_conv', 'max_pool', 'max_unpool', 'mirrored_index',
           'resample_aligned']
