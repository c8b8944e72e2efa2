"""Pasture: segmentation models for MMSegmentation and MMDetection.

``custom_imports = dict(imports=['plugin'])`` in a config registers everything.
"""
from plugin import ops
from plugin.utils.stack import check_stack, import_stack
from plugin.version import __version__

ops.install()  # operators for an mmcv without compiled ones
check_stack()  # before the rooms, whose own errors would not name the cure
import_stack()

from plugin import datasets, engine, evaluation, models, visualization  # noqa: F401, E402, I001

__all__ = ['__version__']
