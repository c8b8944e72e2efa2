"""Schedules of the learning rate: replayed under another config, and compared with the training."""
import copy
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from mmengine.optim import _ParamScheduler
from mmengine.optim.scheduler.param_scheduler import INF, LinearParamScheduler

# what changes while a scheduler runs; the rest is what its config says
RUNNING = {'optimizer', 'verbose', 'last_step', 'base_values', '_global_step', '_last_value'}
# they do not lower the rate any more after their end, and were not meant to
CONSTANT = ('ConstantLR', )


def settings_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """What of the state of a scheduler its config says.

    Args:
        state (Mapping): ``scheduler.state_dict()``, or that of a checkpoint.
    """
    return {name: value for name, value in state.items()
            if name not in RUNNING and not callable(value)}


def changes_of(schedulers: Sequence[_ParamScheduler], states: Sequence[Mapping[str, Any]]) -> str:
    """In which settings schedulers differ from those of a checkpoint.

    Args:
        schedulers (Sequence): Those of the config.
        states (Sequence[Mapping]): Those of the checkpoint.

    Returns:
        str: ``'param_scheduler.0: end=12 instead of 6'``; empty where they are the same.
    """
    own = [settings_of(scheduler.state_dict()) for scheduler in schedulers]
    saved = [settings_of(state) for state in states]
    if [set(one) for one in own] != [set(one) for one in saved]:
        return 'its schedulers are others'
    parts = []
    for place, (new, old) in enumerate(zip(own, saved, strict=True)):
        told = [f'{name}={new[name]} instead of {old[name]}' for name in new
                if new[name] != old[name] and name != 'total_iters']
        if told:
            parts.append(f'param_scheduler.{place}: {", ".join(told)}')
    return '; '.join(parts)


def can_replay(schedulers: Sequence[_ParamScheduler]) -> bool:
    """Whether schedulers depend on the number of iterations alone, not on scores or epochs."""
    return not any(scheduler.by_epoch or getattr(scheduler, 'need_val_args', False)
                   for scheduler in schedulers)


def replay(schedulers: Sequence[_ParamScheduler], groups: Sequence[Mapping[str, Any]],
           iterations: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Let schedulers run from the beginning, without a training.

    The arithmetic is that of the training, so that the values are the same to the last bit.

    Args:
        schedulers (Sequence): Those of the config; they stay as they are.
        groups (Sequence[Mapping]): Parameter groups of the optimizer, with ``initial_lr`` where
            a schedule has run.
        iterations (int): How many.

    Returns:
        tuple: The groups without ``params``, with the values after these iterations, and the
        state of each scheduler.
    """
    begun = [_begun(group, schedulers) for group in groups]
    # groups by the hundred that differ in their parameters alone are computed once
    names = [repr(sorted(group.items(), key=lambda item: item[0])) for group in begun]
    unique = dict(zip(names, begun))
    place = {name: number for number, name in enumerate(unique)}
    order = [place[name] for name in names]
    optimizer = SimpleNamespace(param_groups=list(unique.values()), _global_step=0,
                                step=SimpleNamespace(_with_counter=True), defaults={})
    copies: list[Any] = []
    for scheduler in schedulers:
        twin: Any = copy.copy(scheduler)
        twin.optimizer, twin.last_step, twin._global_step = optimizer, -1, -1
        twin.base_values = [group[f'initial_{twin.param_name}']
                            for group in optimizer.param_groups]
        twin.step()
        copies.append(twin)
    for _ in range(iterations):
        for twin in copies:
            twin.step()
    states = [twin.state_dict() for twin in copies]
    for state in states:
        for name in ('base_values', '_last_value'):
            state[name] = [state[name][number] for number in order]
    return [dict(unique[name]) for name in names], states


def early_end(schedulers: Sequence[_ParamScheduler], max_iters: int,
              listed: bool = True) -> str | None:
    """What to say of a schedule that ends before its training does.

    Args:
        schedulers (Sequence): Those of the config.
        max_iters (int): Iterations of the training.
        listed (bool): Whether the config has a list of them.

    Returns:
        str | None: A sentence, or None where the schedule lasts, or only warms up.
    """
    rates = [(_end_of(one), place, one) for place, one in enumerate(schedulers)
             if one.param_name == 'lr' and not one.by_epoch]
    if not rates or len(rates) < sum(one.param_name == 'lr' for one in schedulers):
        return None
    end, place, last = max(rates, key=lambda rate: rate[:2])
    if end >= max_iters or not _lowers(last):
        return None
    path = f'param_scheduler.{place}' if listed else 'param_scheduler'
    cycle = getattr(last, 'T_max', None)
    # a cosine rises again after it, where its end has not come yet
    of_cycle = cycle is not None and last.begin + cycle < last.end
    key = f'{path}.T_max' if of_cycle else f'{path}.end'
    now, needed = (cycle, max_iters - last.begin) if of_cycle else (last.end, max_iters)
    after = 'rises again' if of_cycle else 'stays as it is then'
    if not of_cycle and getattr(last, 'eta_min_ratio', None) is None and hasattr(last, 'eta_min'):
        after = f'stays at {last.eta_min:g}'
    cure = f'set {key}={needed}'
    if of_cycle and last.end < max_iters:
        cure += f' and {path}.end={max_iters}'
    elif cycle is not None and not of_cycle and last.begin + cycle < max_iters:
        cure += f' (and T_max, where the config has it, to {max_iters - last.begin})'
    elif hasattr(last, 'milestones'):
        cure += f' and later {path}.milestones'
    return (f'the schedule of the learning rate ends at iteration {end} ({key}={now}) and the '
            f'training at {max_iters} (train_cfg.max_iters): in the last {max_iters - end} '
            f'iterations the rate {after}; {cure}')


def _end_of(scheduler: Any) -> int:
    """The iteration from which on a scheduler does not do what it is for."""
    cycle = getattr(scheduler, 'T_max', None)
    return min(scheduler.end, scheduler.begin + (INF if cycle is None else cycle))


def _lowers(scheduler: Any) -> bool:
    if isinstance(scheduler, LinearParamScheduler):
        return scheduler.end_factor < scheduler.start_factor
    return type(scheduler).__name__ not in CONSTANT


def _begun(group: Mapping[str, Any], schedulers: Sequence[_ParamScheduler]) -> dict[str, Any]:
    """A group as it was before the first iteration."""
    begun = {name: value for name, value in group.items() if name != 'params'}
    for scheduler in schedulers:
        name = scheduler.param_name
        begun.setdefault(f'initial_{name}', begun.get(name))
    for name in [name for name in begun if name.startswith('initial_')]:
        begun[name.removeprefix('initial_')] = begun[name]
    return begun
