"""The memory layout of the weights."""
import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Lays the weights of convolutions out with the channels last, before training and testing.

    The outputs of a convolution follow the layout of its weights, so that the whole network
    computes in the layout that oneDNN (CPU) and tensor cores (GPU, mixed precision) compute in
    fastest. The values, the checkpoints and what they can be loaded into stay the same.

        custom_hooks = [*_base_.custom_hooks, dict(type='ChannelsLastHook')]
    """

    def before_run(self, runner) -> None:
        """Lay the weights out; once more round it goes what runs the model over processes."""
        model = runner.model
        if not is_model_wrapper(model):
            model.to(memory_format=torch.channels_last)
            return
        # DistributedDataParallel keeps the strides of the weights that it was made with
        inner = model.module.to(memory_format=torch.channels_last)
        runner.model = runner.wrap_model(runner.cfg.get('model_wrapper_cfg'), inner)
