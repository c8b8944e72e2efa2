"""Several moving averages of a training beside it."""
from collections.abc import Mapping
from typing import Any

from mmengine.hooks import EMAHook, Hook
from mmengine.registry import HOOKS

from plugin.utils import UserError

KEY = 'averages'


@HOOKS.register_module()
class AveragesHook(Hook):
    """Keeps averages of the weights and buffers of a training, which they do not change.

    Unlike MMEngine's ``EMAHook``, of which a training can have one and which is then validated and
    saved in the place of the weights, there may be any number: each is saved in every checkpoint
    under its name, goes on after a kill, and is tested by its name::

        default_hooks = dict(averages=dict(type='AveragesHook', averages={
            'slow': dict(ema_type='TeacherAverage', decay=0.996, begin_iter=1)}))
        default_hooks = dict(averages=dict(type='AveragesHook', predict_on='slow'))  # of a test

    Args:
        averages (dict, optional): Settings of :class:`mmengine.hooks.EMAHook` by name.
        predict_on (str, optional): The average that is taken out of a checkpoint which is loaded.

    Raises:
        UserError: If a checkpoint that is resumed or tested does not hold an average.
    """

    def __init__(self, averages: Mapping[str, Mapping[str, Any]] | None = None,
                 predict_on: str | None = None) -> None:
        self.averages = {name: EMAHook(**settings) for name, settings in (averages or {}).items()}
        self.predict_on = predict_on

    def before_run(self, runner) -> None:
        """Copy the model, once for each average."""
        for average in self.averages.values():
            average.before_run(runner)

    def after_train_iter(self, runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict | None = None) -> None:
        """Move the averages."""
        for average in self.averages.values():
            average.after_train_iter(runner, batch_idx, data_batch, outputs)

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Save the averages beside the weights."""
        if self.averages:
            checkpoint[KEY] = {name: average.ema_model.state_dict()
                               for name, average in self.averages.items()}

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Go on with the averages of a checkpoint, start them from it, or predict with one."""
        for name, average in self.averages.items():
            if runner._resume:
                average.ema_model.load_state_dict(_saved(checkpoint, name))
            else:
                average.after_load_checkpoint(runner, checkpoint)
        if self.predict_on is not None:
            prefix = 'module.'
            checkpoint['state_dict'] = {
                key[len(prefix):]: value
                for key, value in _saved(checkpoint, self.predict_on).items()
                if key.startswith(prefix)}


def _saved(checkpoint: Mapping[str, Any], name: str) -> Any:
    known = checkpoint.get(KEY) or {}
    if name not in known:
        raise UserError(f'the checkpoint holds no average {name!r}: it has '
                        f'{", ".join(map(repr, known)) or "none"}; train anew with this average')
    return known[name]
