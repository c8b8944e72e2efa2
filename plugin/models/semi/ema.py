"""A teacher that is the moving average of its student."""
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from plugin.utils import UserError


def ema_decay(step: int, limit: float = 0.99) -> float:
    """Share that the teacher keeps of itself, ``min(1 - 1 / (step + 1), limit)``.

    At first the average is over all steps since the teacher was set, later over about
    ``1 / (1 - limit)`` steps; at step 0 the teacher becomes the student.

    Args:
        step (int): Updates of the teacher so far.
        limit (float): Largest decay, 0..1. Defaults to 0.99, that of `U2PL
            <https://arxiv.org/abs/2203.03884>`_.

    Raises:
        UserError: If an argument is out of range.

    Example:
        >>> ema_decay(0), ema_decay(1), ema_decay(10_000)
        (0.0, 0.5, 0.99)
    """
    if step < 0:
        raise UserError(f'step={step} is negative: count the updates of the teacher from 0')
    _check_share('limit', limit)
    return min(1 - 1 / (step + 1), limit)


@torch.no_grad()
def ema_update(teacher: nn.Module, student: nn.Module, decay: float) -> None:
    """Move a teacher towards its student: ``teacher = decay teacher + (1 - decay) student``.

    Parameters and floating point buffers, such as the statistics of batch norm, are averaged;
    counters and other buffers are copied. Only the teacher changes.

    Args:
        teacher (nn.Module): Of the same parts as the student; changed in place.
        student (nn.Module): Stays as it is.
        decay (float): 0..1; 0 makes the teacher equal to the student, 1 leaves it alone, except
            for the counters.

    Raises:
        UserError: If the decay is out of range, or the networks differ in a part.
    """
    _check_share('decay', decay)
    averaged: tuple[list[Tensor], list[Tensor]] = ([], [])
    for ours, theirs in _pairs(teacher, student):
        if ours.is_floating_point():
            averaged[0].append(ours)
            averaged[1].append(theirs)
        else:
            ours.copy_(theirs)
    if averaged[0]:
        torch._foreach_lerp_(*averaged, 1 - decay)


@torch.no_grad()
def copy_weights(teacher: nn.Module, student: nn.Module) -> None:
    """Give a teacher the parameters and buffers of its student, as values, not as references.

    Args:
        teacher (nn.Module): Of the same parts as the student; changed in place.
        student (nn.Module): Stays as it is.

    Raises:
        UserError: If the networks differ in a part.
    """
    for ours, theirs in _pairs(teacher, student):
        ours.copy_(theirs)


def _pairs(teacher: nn.Module, student: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
    """Parameters and buffers of both networks under the same name."""
    parts = [dict(list(module.named_parameters()) + list(module.named_buffers()))
             for module in (teacher, student)]
    shapes = [{name: tuple(part.shape) for name, part in named.items()} for named in parts]
    differing = sorted(name for name in shapes[0].keys() | shapes[1].keys()
                       if shapes[0].get(name) != shapes[1].get(name))
    if differing:
        name = differing[0]
        raise UserError(f'teacher and student differ in {len(differing)} parts, first in {name}: '
                        f'{shapes[0].get(name)} and {shapes[1].get(name)}; build both from the '
                        'same config')
    yield from ((part, parts[1][name]) for name, part in parts[0].items())


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise UserError(f'{name}={value} is outside 0..1: give a share, such as 0.99')
