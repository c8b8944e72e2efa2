"""Trainings that are killed, gone on with, and compared."""
from pathlib import Path

import torch


def assert_same(one, other, where='checkpoint'):
    """Compare nested dicts and lists of tensors bit by bit."""
    assert type(one) is type(other), where
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_same(one[key], other[key], f'{where}.{key}')
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), where
        for index, (first, second) in enumerate(zip(one, other, strict=True)):
            assert_same(first, second, f'{where}.{index}')
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    else:
        assert one == other, where


def load(path: Path) -> dict:
    """What of a checkpoint a training goes on from."""
    checkpoint = torch.load(path, weights_only=False)
    return {key: checkpoint[key] for key in ('state_dict', 'optimizer', 'param_schedulers')}


def killed_at(moment: str, iteration: int) -> list[str]:
    """Arguments of train.py by which a training kills itself."""
    return ['--cfg-options', 'default_hooks.kill.type=KillHook',
            f'default_hooks.kill.moment={moment}', f'default_hooks.kill.iteration={iteration}']


def printed_error(result) -> str:
    """The line by which a tool says what is wrong."""
    return next(line for line in result.err.splitlines() if line.startswith('error:'))
