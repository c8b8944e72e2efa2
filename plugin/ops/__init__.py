"""Operators of mmcv in PyTorch, for where mmcv comes without its compiled extension.

``install()`` lets ``import mmcv.ops`` find them. There are non-maximum suppression (``nms``,
``soft_nms``, ``nms_match``, and ``batched_nms`` on top), RoIAlign, focal losses and box overlaps;
every other operator says when it is called that it needs the compiled extension.

The environment variable ``PASTURE_OPS`` chooses: ``auto`` (the default) takes the compiled
operators where there are any, ``pytorch`` and ``compiled`` insist. Where torchvision works, its
kernels of nms and RoIAlign serve.
"""
# the standard library alone: this runs before the stack is checked
from .finder import install, serving, use

__all__ = ['install', 'serving', 'use']
