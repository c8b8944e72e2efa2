"""What both halves of a U-Net are made of, and how many pixels they lose."""
import math

from mmcv.cnn import ConvModule
from torch import nn

from plugin.utils import UserError

PADDINGS = ('same', 'valid')
# the two unpadded 3x3 convolutions of a level take so many pixels off each side
LOST = 2


def check_padding(padding: str) -> None:
    """Raise ``ValueError`` unless ``padding`` is one of ``PADDINGS``."""
    if padding not in PADDINGS:
        raise UserError(f"padding={padding!r} is unknown: use 'same', or 'valid' for the "
                         'published network without padding')


def double_conv(in_channels: int, out_channels: int, padding: str,
                norm_cfg: dict | None = None) -> nn.Sequential:
    """Two 3x3 convolutions, each followed by a norm (if any) and a ReLU.

    Args:
        in_channels (int): Maps that come in.
        out_channels (int): Maps of both convolutions.
        padding (str): ``'same'`` keeps the size; ``'valid'`` loses 2 pixels on each side.
        norm_cfg (dict, optional): Norm after each convolution.

    Returns:
        nn.Sequential: (N, in_channels, H, W) to (N, out_channels, H', W').
    """
    settings = dict(kernel_size=3, padding=int(padding == 'same'), norm_cfg=norm_cfg)
    return nn.Sequential(ConvModule(in_channels, out_channels, **settings),
                         ConvModule(out_channels, out_channels, **settings))


class UpConv(nn.ConvTranspose2d):
    """The 2x2 up-convolution: (N, in_channels, h, w) to (N, out_channels, 2 h, 2 w).

    It starts by He's rule, normal with the variance ``2 / in_channels``: as the kernel is as
    wide as the stride, each output has one input of each map.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 2, stride=2)

    def reset_parameters(self) -> None:
        """Draw the weights; biases start at 0."""
        nn.init.normal_(self.weight, std=math.sqrt(2 / self.in_channels))
        nn.init.zeros_(self.bias)


def unpadded_margin(levels: int) -> int:
    """Pixels that an unpadded U-Net loses on each side.

    With ``m(1) = 2`` for the two convolutions of the coarsest level, each further level adds two
    convolutions before and two behind what happens at half the size: ``m(n) = 2 m(n - 1) + 4``,
    which is ``6 * 2^(n - 1) - 4``; 92 for the published network of 5 levels.
    """
    return 3 * LOST * 2 ** (levels - 1) - 2 * LOST


def unpadded_output(extent: int, levels: int) -> int:
    """The smallest height or width, at least ``extent``, that an unpadded U-Net gives.

    Each pooling must meet an even size: outputs are ``4 + k * 2^(levels - 1)``, e.g. 388.
    """
    return extent + (2 * LOST - extent) % 2 ** (levels - 1)
