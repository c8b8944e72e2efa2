"""Networks, and everything between images and losses or predictions.

``backbones`` and ``decode_heads`` hold one published network a file, ``layers`` what several of
them share. ``segmentors`` hold the order of the steps of prediction and of each training method,
``detectors`` the same for instances, ``semi`` the steps of semi-supervised learning, ``losses`` and
``postprocess`` what follows the network. ``assigners`` and ``roi_heads`` are parts of detectors.
"""
from . import (
    assigners,
    backbones,
    decode_heads,
    detectors,
    layers,
    losses,
    postprocess,
    roi_heads,
    segmentors,
    semi,
)

__all__ = ['assigners', 'backbones', 'decode_heads', 'detectors', 'layers', 'losses', 'postprocess',
           'roi_heads',
           'segmentors', 'semi']
