"""A training made shorter or longer, with all of its schedule."""
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config
from mmengine.optim.scheduler.param_scheduler import INF

from plugin.utils import UserError

from .twins import method_hook

# iterations in the settings of a scheduler
SCALED = ('begin', 'end', 'T_max', 'step_size', 'total_steps', 'milestones')
# iterations in those of hooks
OF_HOOKS = dict(checkpoint=('interval', 'save_begin'))
OF_METHODS = ('warmup', 'picture_interval', 'begin_iter')
POINTS = 100  # lines of the log in a training, at least


def steps_of(cfg: Config) -> int:
    """Iterations of the training of a config.

    Raises:
        UserError: If it counts epochs, or does not train.
    """
    steps = (cfg.get('train_cfg') or {}).get('max_iters')
    if not isinstance(steps, int) or steps < 1:
        raise UserError(f'{cfg.filename or "the config"} has no train_cfg.max_iters: a comparison '
                        'counts iterations; train with an iteration-based loop')
    return steps


def set_steps(cfg: Config, steps: int) -> None:
    """Train for another number of iterations, with the schedule in proportion.

    Schedules of the learning rate, the warm-up of a method, and the intervals of validations and
    checkpoints are scaled; what is not 0 stays 1 or more.

    Args:
        cfg (mmengine.Config): It is changed.
        steps (int): Iterations, 1 or more.

    Raises:
        UserError: If it counts epochs.
    """
    factor = steps / steps_of(cfg)
    if factor == 1:
        return
    for part in _schedulers(cfg.get('param_scheduler')):
        if part.get('by_epoch', True):
            raise UserError(f'the schedule {part.get("type")} of {cfg.filename or "the config"} '
                            'counts epochs, which --steps cannot scale: set by_epoch=False')
        _scale(part, SCALED, factor)
        if 'end' in part:
            part.end = max(part.end, part.get('begin', 0) + 1)
    train = cfg.train_cfg
    _scale(train, ('val_interval', 'val_begin'), factor)
    train.max_iters = steps
    for name, hook in [*cfg.get('default_hooks', {}).items(),
                       *(('', hook) for hook in cfg.get('custom_hooks') or ())]:
        if isinstance(hook, dict):
            _scale(hook, OF_HOOKS.get(name, OF_METHODS), factor)


def drop_warmup(cfg: Config) -> None:
    """Let a method learn from the unlabelled images from its first iteration on.

    Args:
        cfg (mmengine.Config): It is changed, where it has a supervised warm-up.
    """
    hook = method_hook(cfg)
    if hook is not None:
        hook.update(warmup=0)
        hook.pop('warmup_epochs', None)


def log_often(cfg: Config) -> None:
    """Let the loss be written often enough that its end can be judged."""
    logger = cfg.get('default_hooks', {}).get('logger')
    if isinstance(logger, dict):
        logger['interval'] = min(logger.get('interval', 10), max(1, steps_of(cfg) // POINTS))


def _schedulers(node: Any) -> Iterator[Any]:
    """All settings of schedulers: one, a list of them, or a dict by optimizer."""
    if isinstance(node, dict):
        if 'type' in node:
            yield node
        else:
            for item in node.values():
                yield from _schedulers(item)
    elif isinstance(node, (list, tuple)):
        for item in node:
            yield from _schedulers(item)


def _scale(node: Any, names: tuple[str, ...], factor: float) -> None:
    for name in names:
        value = node.get(name)
        if isinstance(value, (list, tuple)):
            node[name] = [_scaled(item, factor) for item in value]
        elif isinstance(value, int) and not isinstance(value, bool):
            node[name] = _scaled(value, factor)


def _scaled(value: int, factor: float) -> int:
    return max(1, round(value * factor)) if 0 < value < INF else value
