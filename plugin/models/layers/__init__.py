"""Small modules that several heads share."""
from .bilinear import BilinearDeconv, bilinear_kernel

__all__ = ['BilinearDeconv', 'bilinear_kernel']
