"""Generates barn scenes seen from above, with labels: data sets that need no download."""
from .folder import BarnSpec, make_barn
from .labels import labelme_json, outlines, palette_png
from .scene import CLASSES, PALETTE, Scene, draw_scene
from .video import VideoSpec, make_videos

__all__ = [
    'CLASSES', 'PALETTE', 'BarnSpec', 'Scene', 'VideoSpec', 'draw_scene', 'labelme_json',
    'make_barn', 'make_videos', 'palette_png', 'outlines'
]
