"""The memory layout of the weights."""

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from torch import Tensor, nn

from plugin.utils import UserError


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Lays the weights of convolutions out with the channels last, before training and testing.

    The outputs of a convolution follow the layout of its weights, so that the whole network
    computes in the layout that oneDNN (CPU) and tensor cores (GPU, mixed precision) compute in
    fastest. The values, the checkpoints and what they can be loaded into stay the same.

        default_hooks = dict(layout=dict(type='ChannelsLastHook'))

    The operators of mmcv read their maps as if the channels came first, whatever the layout.
    Those without weights, such as ``RoIAlign``, are handed maps of that layout.

    Raises:
        UserError: If the model has operators of mmcv that make maps of their own, such as
            deformable convolutions.
    """

    def before_run(self, runner) -> None:
        """Lay the weights out, and wrap the model anew where several processes train it."""
        model = runner.model
        guard_operators(model)
        if not is_model_wrapper(model):
            model.to(memory_format=torch.channels_last)
            return
        # DistributedDataParallel keeps the strides of the weights that it was made with
        inner = model.module.to(memory_format=torch.channels_last)
        runner.model = runner.wrap_model(runner.cfg.get('model_wrapper_cfg'), inner)


def guard_operators(model: nn.Module) -> None:
    """Hand the operators of mmcv in ``model`` maps with the channels first."""
    for name, module in model.named_modules():
        if not type(module).__module__.startswith('mmcv.ops'):
            continue
        if any(True for _ in module.parameters()):
            raise UserError(
                f'{name} is a {type(module).__name__} of mmcv, which misreads maps with the '
                'channels last: leave ChannelsLastHook out of default_hooks and custom_hooks')
        module.register_forward_pre_hook(_channels_first)


def _channels_first(module: nn.Module, inputs: tuple) -> tuple:
    return tuple(x.contiguous() if isinstance(x, Tensor) else x for x in inputs)
