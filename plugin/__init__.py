"""Pasture: segmentation models for MMSegmentation and MMDetection.

``custom_imports = dict(imports=['plugin'])`` in a config registers everything. What is called from
Python stands on this page; labels, splits and the look at data are in ``plugin.datasets``, the page
in the browser in ``plugin.demo``.

Example:
    >>> import plugin
    >>> model = plugin.load_model('fcn8s_barn', 'best.pth', device='cpu')
    >>> model('barn.jpg').ndim
    2
"""
from . import ops
from .utils.stack import check_stack, import_stack
from .version import __version__

ops.install()  # operators for an mmcv without compiled ones
check_stack()  # first: the errors of the other packages would not name the cure
import_stack()

from . import datasets, engine, evaluation, models, visualization  # noqa: F401, E402, I001
from .inference import Detector, Segmenter, load_model, predict  # noqa: E402
from .runs import compare, kfold, test, train  # noqa: E402
from .utils import UserError  # noqa: E402

__all__ = ['Detector', 'Segmenter', 'UserError', '__version__', 'compare', 'kfold', 'load_model',
           'predict', 'test', 'train']
