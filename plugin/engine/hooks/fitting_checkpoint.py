"""A test of a checkpoint that was made for another model."""
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from ..checkpoints.fitting import check_fits


@HOOKS.register_module()
class FittingCheckpointHook(Hook):
    """Stops when the checkpoint was made for another model or for other classes.

    MMEngine loads what fits and only warns of the rest. ``plugin.runs.test`` adds this hook; see
    :func:`~plugin.engine.checkpoints.fitting.check_fits` for what is compared.

        custom_hooks = [dict(type='FittingCheckpointHook')]
    """

    # after the hooks that rename what was loaded
    priority = 'LOWEST'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the checkpoint with the model.

        Raises:
            UserError: If they do not belong together.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        # test-time augmentation wraps the model in another one
        model = getattr(model, 'module', model)
        name = Path(runner._load_from or 'the checkpoint').name
        check_fits(checkpoint.get('state_dict', checkpoint), model, name)
