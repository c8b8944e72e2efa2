"""The contracting path of U-Net."""
from collections.abc import Sequence

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from plugin.utils import UserError

from ..layers import HE_FAN_IN
from ..layers.unet import check_padding, double_conv, unpadded_margin, unpadded_output


@MODELS.register_module()
class UNetEncoder(BaseModule):
    """Levels of two 3x3 convolutions with a pooling between them, whose maps double.

    O. Ronneberger, P. Fischer, T. Brox, `U-Net: Convolutional Networks for Biomedical Image
    Segmentation <https://arxiv.org/abs/1505.04597>`_, section 2 and figure 1.

    Args:
        in_channels (int): Channels of the image. Defaults to 3; the paper's have 1.
        base_channels (int): Maps of the first level. Defaults to 64.
        num_levels (int): Levels. Defaults to 5: 64, 128, 256, 512 and 1024 maps.
        padding (str): ``'same'``: convolutions keep the size, poolings round it up, and any
            image will do. ``'valid'``: the published network, whose convolutions lose their
            borders; only some sizes fit, which :class:`UNetHead` knows. Defaults to ``'same'``.
        norm_cfg (dict, optional): Norm after each convolution, e.g. ``dict(type='BN')``.
            Defaults to None, as published.
        dropout_ratio (float): Dropout at the end of the contracting path, after its last two
            levels as in the published code. Defaults to 0.5.
        init_cfg (dict | list, optional): Defaults to section 3: He initialisation, normal with
            the variance 2 / N for N incoming nodes.

    Raises:
        UserError: If ``padding`` is unknown or ``num_levels`` is below 1.
    """

    def __init__(self,
                 *,
                 in_channels: int = 3,
                 base_channels: int = 64,
                 num_levels: int = 5,
                 padding: str = 'same',
                 norm_cfg: dict | None = None,
                 dropout_ratio: float = 0.5,
                 init_cfg: dict | Sequence[dict] | None = None) -> None:
        super().__init__(list(HE_FAN_IN) if init_cfg is None else init_cfg)
        check_padding(padding)
        if num_levels < 1:
            raise UserError(f'num_levels={num_levels} is no network: give 1 or more, 5 as '
                            'published')
        self.padding = padding
        widths = [base_channels * 2 ** level for level in range(num_levels)]
        # a plain ModuleList: mmcv's modules would otherwise initialise themselves once more
        self.levels = nn.ModuleList(
            double_conv(before, width, padding, norm_cfg)
            for before, width in zip([in_channels, *widths], widths))
        self.dropout = nn.Dropout(dropout_ratio)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return every level, fine to coarse.

        Args:
            x (Tensor): Images, (N, in_channels, H, W).

        Returns:
            tuple[Tensor]: Level ``k`` is (N, base_channels * 2^k, ceil(H / 2^k), ceil(W / 2^k));
            with ``padding='valid'`` smaller: 568, 280, 136, 64 and 28 pixels of 572.

        Raises:
            UserError: If ``padding='valid'`` and the size does not fit; names the next ones.
        """
        if self.padding == 'valid':
            self._check_size(x.shape[2:])
        outputs: list[Tensor] = []
        for level, convs in enumerate(self.levels):
            if level:
                # rounding up loses no border of an odd image
                x = F.max_pool2d(x, 2, 2, ceil_mode=True)
            x = convs(x)
            if level >= len(self.levels) - 2:
                x = self.dropout(x)
            outputs.append(x)
        return tuple(outputs)

    def _check_size(self, size: Sequence[int]) -> None:
        """Raise for a size that some pooling would meet odd, or that is used up on the way."""
        lost, step = 2 * unpadded_margin(len(self.levels)), 2 ** (len(self.levels) - 1)
        for name, extent in zip(('height', 'width'), size):
            above = unpadded_output(max(extent - lost, 1), len(self.levels)) + lost
            if extent != above:
                # a whole step less gives an output of at least one pixel, or does not fit
                near = f'{above - step} or {above}' if above - step > lost else f'{above}'
                raise UserError(
                    f'{name} {extent} does not fit the unpadded network of {len(self.levels)} '
                    f'levels: give {near}, for an output that is {lost} pixels smaller, or use '
                    "padding='same' in backbone and head")
