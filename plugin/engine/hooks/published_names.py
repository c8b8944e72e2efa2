"""Checkpoints in the names of the published FCN."""
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS

from plugin.models.weights.published_fcn import rename_published


@HOOKS.register_module()
class PublishedNamesHook(Hook):
    """Lets ``load_from`` and the test tools take a checkpoint in the names of the published FCN."""

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Rename the loaded parameters before they reach the model."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        state_dict = checkpoint.get('state_dict', checkpoint)
        renamed = rename_published(state_dict, model.state_dict())
        moved = len(set(renamed) - set(state_dict))
        if moved:
            state_dict.clear()
            state_dict.update(renamed)
            print_log(f'{moved} parameters have the names of the published FCN: '
                      'placed into backbone and decode_head', logger='current')
