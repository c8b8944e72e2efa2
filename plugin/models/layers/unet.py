"""Convolutions of both halves of a U-Net, and the pixels that they lose without padding."""
import math

from mmcv.cnn import ConvModule
from torch import nn

from plugin.utils import UserError

PADDINGS = ('same', 'valid')
# pixels that the two unpadded 3x3 convolutions of a level lose on each side
LOST = 2


def check_padding(padding: str) -> None:
    """Raise ``UserError`` unless ``padding`` is one of ``PADDINGS``."""
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

    He initialisation: normal with the variance ``2 / in_channels``, as the kernel has the size of
    the stride and each output therefore one input from each map.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 2, stride=2)

    def reset_parameters(self) -> None:
        """Initialise the weights at random and the biases with 0."""
        nn.init.normal_(self.weight, std=math.sqrt(2 / self.in_channels))
        if self.bias is not None:
            nn.init.zeros_(self.bias)


def unpadded_margin(levels: int) -> int:
    """Pixels that an unpadded U-Net loses on each side.

    With ``m(1) = 2`` for the two convolutions of the coarsest level, each further level adds two
    convolutions before and two behind what happens at half the size: ``m(n) = 2 m(n - 1) + 4``,
    which is ``6 * 2^(n - 1) - 4``.

    Example:
        >>> unpadded_margin(5)  # the published network: 572 pixels in, 388 out
        92
    """
    return 3 * LOST * 2 ** (levels - 1) - 2 * LOST


def unpadded_output(extent: int, levels: int) -> int:
    """The smallest height or width, at least ``extent``, that an unpadded U-Net gives.

    Each pooling needs an even size, so that outputs are ``4 + k * 2^(levels - 1)``.

    Example:
        >>> unpadded_output(380, levels=5)
        388
    """
    return extent + (2 * LOST - extent) % 2 ** (levels - 1)
