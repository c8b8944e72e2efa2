"""The average of a teacher, for a training without one."""
from typing import Any

from mmengine.model import BaseAveragedModel
from mmengine.registry import MODELS
from torch import Tensor, nn

from .ema import ema_decay, ema_update


@MODELS.register_module()
class TeacherAverage(BaseAveragedModel):
    """Averages a network as a teacher is averaged, in MMEngine's ``EMAHook``.

    Parameters and buffers follow :func:`~plugin.models.semi.ema_update` with the decay
    ``min(1 - 1 / (t + 1), decay)``, where t counts the updates since ``begin_iter`` of the hook.
    A teacher after a warm-up of W iterations begins with the W-th update of its student::

        default_hooks = dict(average=dict(
            type='EMAHook', ema_type='TeacherAverage', decay=0.99, begin_iter=W + 1))

    Args:
        model (nn.Module): The network.
        decay (float): Limit of the decay, 0..1. Defaults to 0.99.
        **kwargs: See :class:`mmengine.model.BaseAveragedModel`: ``interval``, iterations between
            two updates, and ``device``.
    """

    def __init__(self, model: nn.Module, decay: float = 0.99, **kwargs: Any) -> None:
        super().__init__(model, **{**kwargs, 'update_buffers': True})
        self.decay = decay

    def update_parameters(self, model: nn.Module) -> None:
        """Move the average by one iteration of ``model``."""
        update, rest = divmod(int(self.steps), self.interval)
        if not rest:
            ema_update(self.module, model, ema_decay(update, self.decay))
        self.steps += 1

    def avg_func(self, averaged_param: Tensor, source_param: Tensor, steps: int) -> None:
        """Move one tensor; see :meth:`update_parameters`."""
        averaged_param.lerp_(source_param, 1 - ema_decay(steps // self.interval, self.decay))
