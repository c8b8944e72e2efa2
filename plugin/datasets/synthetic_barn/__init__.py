"""Generates barn scenes seen from above, with labels: a data set that needs no download."""
from .folder import BarnSpec, make_barn
from .labels import labelme_json, outlines, palette_png
from .scene import CLASSES, PALETTE, Scene, draw_scene

__all__ = [
    'CLASSES', 'PALETTE', 'BarnSpec', 'Scene', 'draw_scene', 'labelme_json', 'make_barn',
    'palette_png', 'outlines'
]
