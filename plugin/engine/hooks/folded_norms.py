"""Batch norms with fixed statistics as a part of the convolutions before them."""
from mmcv.cnn import ConvModule
from mmcv.cnn.bricks.wrappers import Conv2d
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from torch import nn

# others do more with their input or their weights than to convolve
PLAIN = (nn.Conv2d, Conv2d)


@HOOKS.register_module()
class FoldedNormsHook(Hook):
    """Trains batch norms with fixed statistics by the weights of the convolutions before them.

    Where a batch norm does not follow its batches (``norm_eval`` of a backbone), it scales and
    shifts each channel, and so may the convolution before it: the weights are scaled instead of the
    maps, in each step, so that neither pass of the norm is computed, nor are its maps kept.
    Parameters, gradients and checkpoints are the same but for rounding (You et al., `Tune-Mode
    ConvBN Blocks <https://arxiv.org/abs/2305.11624>`_). A norm that follows its batches, and what
    is no ``ConvModule`` of mmcv, stays as it is, and so do validations.

        default_hooks = dict(folding=dict(type='FoldedNormsHook'))

    Args:
        enabled (bool): False trains the norms by themselves. Defaults to True.
    """

    def __init__(self, enabled: bool = True) -> None:
        self.enabled = enabled

    def before_train(self, runner) -> None:
        """Fold."""
        fold_norms(runner.model, self.enabled)

    def before_val(self, runner) -> None:
        """Predict as every tool does, to the last bit."""
        fold_norms(runner.model, False)

    def after_val(self, runner) -> None:
        """Fold again."""
        fold_norms(runner.model, self.enabled)

    def after_train(self, runner) -> None:
        """Leave the model as it was."""
        fold_norms(runner.model, False)


def fold_norms(model: nn.Module, fold: bool = True) -> None:
    """Let the plain convolutions of ``model`` take over the batch norms behind them, or not.

    Args:
        model (nn.Module): Any; a batch norm in training mode is computed all the same.
        fold (bool): False undoes it. Defaults to True.
    """
    for part in model.modules():
        if isinstance(part, ConvModule) and type(part.conv) in PLAIN:
            part.turn_on_efficient_conv_bn_eval(fold)
