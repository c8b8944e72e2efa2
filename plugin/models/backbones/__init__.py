"""Backbones: one network a file."""
from .fcn_vgg16 import FCNVGG16

__all__ = ['FCNVGG16']
