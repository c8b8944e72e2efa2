"""Figures of data, predictions and runs: overlays, sheets of samples, curves, and the report."""
from .confusion import draw_confusion
from .curves import draw_curves, read_scalars, stitch
from .instance_samples import InstanceSample, draw_instance_samples
from .instances import draw_instances, instance_colour
from .images import caption, colorize, grid, overlay, shrink
from .precision_recall import draw_precision_recall
from .pseudo_labels import draw_pseudo_labels
from .regions import draw_regions
from .samples import Sample, draw_samples

__all__ = ['InstanceSample', 'Sample', 'caption', 'colorize', 'draw_confusion', 'draw_curves',
           'draw_instance_samples', 'draw_instances', 'draw_precision_recall', 'draw_pseudo_labels',
           'draw_regions', 'draw_samples', 'grid', 'instance_colour', 'overlay',
           'read_scalars', 'shrink', 'stitch']
