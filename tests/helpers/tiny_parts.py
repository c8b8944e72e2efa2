"""A network of a few hundred weights, and hooks that end their own process."""
import os
import signal

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmengine.hooks import Hook
from mmengine.model import BaseModule
from mmengine.registry import HOOKS
from mmseg.registry import MODELS
from torch import nn


@MODELS.register_module(force=True)
class TinyBackbone(BaseModule):
    """Two convolutions with batch norm, stride 2."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, width, 3, 2, 1), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = nn.Conv2d(width, width, 3, 1, 1), nn.BatchNorm2d(width)

    def forward(self, x):
        x = F.relu(self.norm1(self.conv1(x)))
        return (F.relu(self.norm2(self.conv2(x))),)


@MODELS.register_module(force=True)
class FailingBackbone(TinyBackbone):
    """Fails in one of its calls as a machine fails, and works in the others.

    Args:
        call (int): The call, from 1.
        failure (str): A signal, such as ``SIGTERM``, that the process gets; or whose memory is too
            small: ``torch``, ``numpy`` or ``cv2``.
    """

    def __init__(self, call: int, failure: str) -> None:
        super().__init__()
        self.left, self.failure = call, failure

    def forward(self, x):
        self.left -= 1
        if self.left == 0:
            self._fail()
        return super().forward(x)

    def _fail(self) -> None:
        if self.failure == 'torch':
            torch.empty(1 << 50, dtype=torch.uint8)
        elif self.failure == 'numpy':
            np.empty(1 << 50, np.uint8)
        elif self.failure == 'cv2':
            cv2.resize(np.zeros((1, 1), np.float64), (1 << 23, 1 << 23))
        else:
            os.kill(os.getpid(), signal.Signals[self.failure])


@HOOKS.register_module(force=True)
class KillHook(Hook):
    """Dies as a process dies on a machine that runs out of memory or of time.

    Args:
        moment (str): Name of the method of a hook, e.g. ``before_train_iter``.
        iteration (int): Number of iterations done before.
        sent (str): Name of the signal.
    """

    priority = 'VERY_LOW'

    def __init__(self, moment: str, iteration: int, sent: str = 'SIGKILL') -> None:
        self.iteration, self.sent = iteration, signal.Signals[sent]
        setattr(self, moment, self._die)

    def _die(self, runner, *args, **kwargs) -> None:
        if runner.iter == self.iteration:
            os.kill(os.getpid(), self.sent)


@HOOKS.register_module(force=True)
class ShortMemoryHook(Hook):
    """Fails as PyTorch does where a GPU has too little memory.

    Args:
        iteration (int): Number of iterations done before.
    """

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def before_train_iter(self, runner, *args, **kwargs) -> None:
        if runner.iter == self.iteration:
            raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 20.00 GiB.')


@HOOKS.register_module(force=True)
class StopHook(Hook):
    """Stops as Ctrl-C does.

    Args:
        iteration (int): Number of iterations done before.
    """

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def before_train_iter(self, runner, *args, **kwargs) -> None:
        if runner.iter == self.iteration:
            raise KeyboardInterrupt
