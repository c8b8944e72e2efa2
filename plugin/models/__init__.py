"""Networks and their parts."""
from . import backbones, decode_heads, layers, postprocess, segmentors, semi

__all__ = ['backbones', 'decode_heads', 'layers', 'postprocess', 'segmentors', 'semi']
