"""Networks and their parts."""
from . import backbones, decode_heads, layers, losses, postprocess, segmentors, semi

__all__ = ['backbones', 'decode_heads', 'layers', 'losses', 'postprocess', 'segmentors', 'semi']
