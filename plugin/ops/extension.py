"""The module that mmcv imports as ``mmcv._ext``, with the signatures of the compiled one."""
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from .boxes import bbox_overlaps, nms, nms_match
from .focal_loss import (
    sigmoid_focal_loss_backward,
    sigmoid_focal_loss_forward,
    softmax_focal_loss_backward,
    softmax_focal_loss_forward,
)
from .roi_align import roi_align_backward, roi_align_forward
from .soft_nms import softnms

__all__ = [
    'bbox_overlaps', 'get_compiler_version', 'get_compiling_cuda_version', 'nms', 'nms_match',
    'roi_align_backward', 'roi_align_forward', 'sigmoid_focal_loss_backward',
    'sigmoid_focal_loss_forward', 'softmax_focal_loss_backward', 'softmax_focal_loss_forward',
    'softnms',
]

STAND_IN = True
CHECKOUT = Path(__file__).resolve().parents[2] / 'tools' / 'install.sh'


class MissingOperator(NotImplementedError, ValueError):
    """An operator was called that exists only in mmcv's compiled extension."""


def get_compiler_version() -> str:
    """What compiled the operators, for the list of versions in a log."""
    return 'none (operators in PyTorch)'


def get_compiling_cuda_version() -> str:
    """The CUDA that the operators were compiled for, for the list of versions in a log."""
    return 'none (operators in PyTorch)'


def __getattr__(name: str) -> Callable[..., NoReturn]:
    """Any other operator: mmcv asks for all of them when it is imported, and calls few."""
    if name.startswith('__'):
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')

    def missing(*args: object, **kwargs: object) -> NoReturn:
        # a package from an index comes without the script
        cure = ('`tools/install.sh --compile`' if CHECKOUT.is_file() else
                '`pip install --no-build-isolation --no-cache-dir --force-reinstall --no-deps '
                'onedl-mmcv`, with torch, setuptools, wheel and ninja installed,')
        raise MissingOperator(f'{name} of mmcv exists only in its compiled extension, which is '
                              f'missing here: {cure} builds it')

    missing.__name__ = missing.__qualname__ = name
    return missing
