"""Networks, and everything between images and losses or predictions.

``backbones`` and ``decode_heads`` hold one published network a file, ``layers`` what several of
them share. ``segmentors`` hold the order of the steps of prediction and of each training method,
``semi`` the steps of semi-supervised learning, ``losses`` and ``postprocess`` what follows the
network. ``roi_heads`` are second stages of detectors.
"""
from . import backbones, decode_heads, layers, losses, postprocess, roi_heads, segmentors, semi

__all__ = ['backbones', 'decode_heads', 'layers', 'losses', 'postprocess', 'roi_heads',
           'segmentors', 'semi']
