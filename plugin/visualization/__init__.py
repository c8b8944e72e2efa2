"""Pictures of data, predictions and runs."""
from .confusion import draw_confusion
from .curves import draw_curves, read_scalars, stitch
from .pictures import colorize, grid, overlay, shrink
from .samples import Sample, draw_samples

__all__ = ['Sample', 'colorize', 'draw_confusion', 'draw_curves', 'draw_samples', 'grid',
           'overlay', 'read_scalars', 'shrink', 'stitch']
