"""The head of DPT on the levels of a vision transformer."""
from collections.abc import Sequence

import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from plugin.utils import UserError


@MODELS.register_module()
class DPTSegHead(BaseDecodeHead):
    """Four levels of one size become a pyramid, which is fused from coarse to fine.

    R. Ranftl et al., `Vision Transformers for Dense Prediction
    <https://arxiv.org/abs/2103.13413>`_, without the read-out of the class token, as UniMatch V2
    (`arXiv 2410.10777 <https://arxiv.org/abs/2410.10777>`_) has it on DINOv2: levels at 4, 2, 1
    and 1/2 times the grid of patches, joined by residual units without norms; scores
    at 8 times the grid.

    Args:
        in_channels (Sequence[int]): Of the four levels.
        channels (int): Of the fused maps. As published 64 on small, 128 on base, 256 on large.
        num_classes (int): Number of classes ``C``.
        pyramid_channels (Sequence[int]): Of the levels before they are fused. As published
            48, 96, 192, 384 on small and twice as many on base.
        dropout_ratio (float): Before the classifier. Defaults to 0, as published.
        align_corners (bool): Of all resizing. Defaults to True, as published.
        kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`.

    Raises:
        UserError: If there are not four levels.
    """

    def __init__(self,
                 in_channels: Sequence[int] = (384, 384, 384, 384),
                 channels: int = 64,
                 *,
                 num_classes: int,
                 pyramid_channels: Sequence[int] = (48, 96, 192, 384),
                 dropout_ratio: float = 0.,
                 align_corners: bool = True,
                 **kwargs) -> None:
        if len(in_channels) != 4 or len(pyramid_channels) != 4:
            raise UserError(f'in_channels={tuple(in_channels)} and pyramid_channels='
                            f'{tuple(pyramid_channels)}: DPT needs four of each')
        super().__init__(list(in_channels), channels, num_classes=num_classes,
                         in_index=(0, 1, 2, 3), input_transform='multiple_select',
                         dropout_ratio=dropout_ratio, align_corners=align_corners, **kwargs)
        widths = tuple(pyramid_channels)
        self.projects = nn.ModuleList(
            nn.Conv2d(before, after, 1) for before, after in zip(in_channels, widths))
        self.resize_layers = nn.ModuleList([
            nn.ConvTranspose2d(widths[0], widths[0], 4, 4),
            nn.ConvTranspose2d(widths[1], widths[1], 2, 2),
            nn.Identity(),
            nn.Conv2d(widths[3], widths[3], 3, 2, 1)])
        self.laterals = nn.ModuleList(
            nn.Conv2d(width, channels, 3, padding=1, bias=False) for width in widths)
        self.fusions = nn.ModuleList(
            Fusion(channels, align_corners, coarsest=index == 3) for index in range(4))
        self.output_conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Logits (N, C, 8 h, 8 w) of four levels (N, channels, h, w)."""
        levels = [lateral(resize(project(level))) for level, project, resize, lateral in zip(
            self._transform_inputs(inputs), self.projects, self.resize_layers, self.laterals)]
        sizes = [None, *(level.shape[2:] for level in levels)]
        x = None
        for index in (3, 2, 1, 0):
            x = self.fusions[index](x, levels[index], sizes[index])
        return self.cls_seg(F.relu(self.output_conv(x)))


class Fusion(nn.Module):
    """Adds a level to what comes from the coarser ones, and enlarges the sum.

    Args:
        channels (int): Of all maps.
        align_corners (bool): How it is enlarged.
        coarsest (bool): Nothing comes from below: the level goes through one unit. Defaults to
            False.
    """

    def __init__(self, channels: int, align_corners: bool, coarsest: bool = False) -> None:
        super().__init__()
        self.align_corners = align_corners
        # weights that nothing reaches would stop distributed training
        self.level_unit = None if coarsest else ResidualUnit(channels)
        self.sum_unit = ResidualUnit(channels)
        self.out_conv = nn.Conv2d(channels, channels, 1)

    def forward(self, coarse: Tensor | None, level: Tensor,
                size: Sequence[int] | None) -> Tensor:
        """(N, channels, h, w) at ``size``, or at twice its size where that is None."""
        x = self.sum_unit(level if self.level_unit is None else coarse + self.level_unit(level))
        height, width = size or (2 * side for side in x.shape[2:])
        x = F.interpolate(x, (height, width), mode='bilinear', align_corners=self.align_corners)
        return self.out_conv(x)


class ResidualUnit(nn.Module):
    """Two 3x3 convolutions after a ReLU each, added to what came in.

    Args:
        channels (int): Of all maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) to the same."""
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))
