"""Networks and their parts."""
from . import backbones, decode_heads, layers, postprocess

__all__ = ['backbones', 'decode_heads', 'layers', 'postprocess']
