"""A training that goes on: what of its config counts, and what its checkpoint replaces."""
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict
from mmengine.registry import HOOKS

from plugin.utils import UserError
from plugin.utils.text import printable, shortened
from plugin.visualization.report.configs import parse_config

from ..checkpoints.fitting import check_fits
from ..checkpoints.safe_reading import CONFIG_TEXT
from ..resuming.optimizer import replaced, unlike
from ..resuming.schedule import can_replay, changes_of, early_end, replay


@HOOKS.register_module()
class ResumedConfigHook(Hook):
    """Compares the config of a training that is resumed with its checkpoint.

    MMEngine puts the state of the checkpoint over the config in silence: a schedule that was made
    longer ends where it did before. With this hook the schedule of the config counts, as if the
    training had begun with it; an optimizer of another type starts without the state of the old
    one; and each setting that the checkpoint replaces is said in a sentence before the first
    iteration, as is a schedule that ends before the training, also where nothing is resumed.
    A checkpoint with the same settings is left as it is.

    ``ResumableTrainLoop`` adds this hook; no config needs to name it.

    Raises:
        UserError: If the checkpoint is of another network or of other classes.
    """

    # before the EMAHook, which loads the weights without asking whether they fit
    priority = 'VERY_HIGH'

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Take over what can be, before the runner loads the state of the checkpoint."""
        if not getattr(runner, '_resume', False) or 'state_dict' not in checkpoint:
            return
        path = str(runner._load_from or 'the checkpoint')
        name = Path(path).name
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        check_fits(checkpoint['state_dict'], model, name, buffers=False,
                   cure=f'resume with that config, or start from its weights with '
                        f'--cfg-options load_from={path} and without --resume')
        saved = _saved_config(checkpoint)
        for text in (*_classes(runner, checkpoint, name), *_average(runner, checkpoint, name),
                     *_batch(runner, saved, name), *_optimizer(runner, checkpoint, saved, path)):
            # a checkpoint may hold any text
            runner.logger.warning(printable(shortened(text)))

    def before_train(self, runner) -> None:
        """Say what a training cannot do: with a schedule that is short, or nothing left to do."""
        done, wanted = runner.iter, runner.max_iters
        schedulers = runner.param_schedulers
        listed = isinstance(runner.cfg.get('param_scheduler'), (list, tuple))
        if 0 < wanted <= done:
            runner.logger.warning(
                f'the checkpoint has {done} iterations and train_cfg.max_iters={wanted}: there is '
                'nothing to train; for a longer training set train_cfg.max_iters and the end of '
                'the schedule (param_scheduler)')
        elif isinstance(schedulers, list):
            text = early_end(schedulers, wanted, listed)
            if text is not None:
                runner.logger.warning(text)


def add_resumed_config(runner) -> None:
    """Add the hook to a runner that does not have it."""
    if not any(isinstance(hook, ResumedConfigHook) for hook in runner.hooks):
        runner.register_hook(ResumedConfigHook())


def _saved_config(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a checkpoint, read and not run; empty where there is none to be read."""
    meta = checkpoint['meta']
    try:
        return parse_config(str(meta.get(CONFIG_TEXT, meta.get('cfg', ''))), 'the checkpoint')
    except UserError:
        return {}


def _classes(runner, checkpoint: Mapping[str, Any], name: str) -> list[str]:
    saved = (checkpoint['meta'].get('dataset_meta') or {}).get('classes')
    own = (getattr(runner.train_dataloader.dataset, 'metainfo', None) or {}).get('classes')
    if not saved or not own or list(saved) == list(own):
        return []
    return [f'{name} was trained for the classes {", ".join(map(str, saved))}, and the config has '
            f'{", ".join(own)}: what the network calls the first of the former is the first of '
            'the latter from now on']


def _average(runner, checkpoint: dict, name: str) -> list[str]:
    """Take the trained weights where they were averaged, and are not any more."""
    if 'ema_state_dict' not in checkpoint or any(isinstance(hook, EMAHook)
                                                 for hook in runner.hooks):
        return []
    for key, value in checkpoint.pop('ema_state_dict').items():
        if key.startswith('module.'):
            # EMAHook saves the trained ones in the place of the averaged ones
            checkpoint['state_dict'][key.removeprefix('module.')] = value
    return [f'{name} holds averaged weights (EMAHook), which the config does not have: the '
            'training goes on from the weights that were not averaged']


def _batch(runner, saved: Mapping[str, Any], name: str) -> list[str]:
    own = runner.cfg.get('train_dataloader') or {}
    before = (saved.get('train_dataloader') or {}).get('batch_size')
    if before is None or own.get('batch_size') == before:
        return []
    return [f'train_dataloader.batch_size={own.get("batch_size")} replaces {before} of {name}: '
            'the images of a step are others from here on, and the learning rate stays']


def _optimizer(runner, checkpoint: dict, saved: Mapping[str, Any], path: str) -> list[str]:
    """Choose between the optimizer of the config and that of the checkpoint; then its schedule."""
    wrapper, name = runner.optim_wrapper, Path(path).name
    if isinstance(wrapper, OptimWrapperDict):
        return []
    state, told = checkpoint.get('optimizer') or {}, []
    own = type(wrapper.optimizer).__name__
    before = ((saved.get('optim_wrapper') or {}).get('optimizer') or {}).get('type')
    # the best checkpoints hold weights alone
    reason = unlike(own, before, wrapper.optimizer.param_groups,
                    state['param_groups']) if state else 'is missing'
    if reason is not None:
        told.append(f'the state of the optimizer in {name} {reason}: {own} starts without it, with '
                    'the settings of the config')
        checkpoint.pop('optimizer', None)
        targets = wrapper.param_groups
    else:
        targets = [*state['param_groups'], *filter(None, [state.get('base_param_settings')])]
        kept = replaced(wrapper.param_groups, targets)
        if kept:
            old = ', '.join(f'{key}={both[1]}' for key, both in kept.items())
            new = ', '.join(f'{key}={both[0]}' for key, both in kept.items())
            told.append(f'the training goes on with {old} of the optimizer in {name}, not with '
                        f'{new} of the config: to train with that start from its weights, with '
                        f'--cfg-options load_from={path} and without --resume')
    return [*told, *_schedule(runner, checkpoint, targets, name, reason is not None)]


def _schedule(runner, checkpoint: dict, targets: list[dict], name: str, anew: bool) -> list[str]:
    """Let the schedule of the config count; ``targets`` get the values it has by now."""
    schedulers, states = runner.param_schedulers or [], checkpoint.get('param_schedulers') or []
    done = checkpoint['meta']['iter']
    if not isinstance(schedulers, list) or not isinstance(states, list) or (
            done >= runner.max_iters):
        return []
    changes = changes_of(schedulers, states) if states or not anew else ''
    if not changes and not anew:
        return []
    if not can_replay(schedulers):
        return [f'the schedule of {name} is kept, because that of the config follows scores or '
                f'epochs ({changes})'] if changes else []
    groups, checkpoint['param_schedulers'] = replay(schedulers, targets, done)
    for target, group in zip(targets, groups, strict=True):
        target.update(group)
    rate = groups[-1]['lr']
    return [f'the schedule of the config replaces that of {name} ({changes}), as if the training '
            f'had begun with it: the learning rate goes on at {rate:.4g}'] if changes else []
