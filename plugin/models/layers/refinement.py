"""Residual units, fusion and chained pooling of RefineNet."""
from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmseg.models.utils import resize
from torch import Tensor, nn


def conv3x3(in_channels: int, out_channels: int, norm_cfg: dict | None = None) -> ConvModule:
    """A 3x3 convolution without bias and activation that keeps the size."""
    return ConvModule(in_channels, out_channels, 3, padding=1, bias=False, norm_cfg=norm_cfg,
                      act_cfg=None)


class ResidualConvUnit(nn.Module):
    """``x + conv(relu(conv(relu(x))))``, the unit of ResNet without its batch norm.

    G. Lin, A. Milan, C. Shen, I. Reid, `RefineNet <https://arxiv.org/abs/1611.06612>`_,
    section 3.2 and figure 3 (b). As published, the first convolution has a bias, the second none.

    Args:
        channels (int): Maps in and out.
        norm_cfg (dict, optional): Norm after each convolution. Defaults to None, as in the paper.
    """

    def __init__(self, channels: int, *, norm_cfg: dict | None = None) -> None:
        super().__init__()
        self.conv1 = ConvModule(channels, channels, 3, padding=1, norm_cfg=norm_cfg,
                                act_cfg=dict(type='ReLU'))
        self.conv2 = conv3x3(channels, channels, norm_cfg)

    def forward(self, x: Tensor) -> Tensor:
        """Refine maps.

        Args:
            x (Tensor): (N, channels, H, W).

        Returns:
            Tensor: Of the same shape.
        """
        return x + self.conv2(self.conv1(torch.relu(x)))


class MultiResolutionFusion(nn.Module):
    """A 3x3 convolution for each path, upsampling to the finest, and the sum.

    RefineNet, section 3.2 and figure 3 (c): all paths get the number of maps of the narrowest. A
    single path goes through unchanged.

    Args:
        in_channels (Sequence[int]): Maps of each path.
        align_corners (bool): Of the bilinear upsampling. Defaults to False.
        norm_cfg (dict, optional): Norm after each convolution. Defaults to None, as in the paper.
    """

    def __init__(self, in_channels: Sequence[int], *, align_corners: bool = False,
                 norm_cfg: dict | None = None) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.out_channels = min(in_channels)
        self.convs = nn.ModuleList(
            conv3x3(channels, self.out_channels, norm_cfg)
            for channels in (in_channels if len(in_channels) > 1 else ()))

    def forward(self, paths: Sequence[Tensor]) -> Tensor:
        """Fuse paths.

        Args:
            paths (Sequence[Tensor]): P maps, the ``p``-th (N, in_channels[p], h_p, w_p).

        Returns:
            Tensor: (N, min(in_channels), max(h_p), max(w_p)).
        """
        if len(paths) == 1:
            return paths[0]
        size = tuple(max(path.shape[axis] for path in paths) for axis in (2, 3))
        fused: Tensor | None = None
        for conv, path in zip(self.convs, paths, strict=True):
            path = conv(path)
            if tuple(path.shape[2:]) != size:
                path = resize(path, size, mode='bilinear', align_corners=self.align_corners)
            fused = path if fused is None else fused + path
        assert fused is not None  # there are two paths or more
        return fused


class ChainedResidualPooling(nn.Module):
    """ReLU, then a chain of 5x5 poolings with a 3x3 convolution each, all of them added.

    RefineNet, section 3.2 and figure 3 (d): with ``p_0 = relu(x)`` and
    ``p_k = conv_k(maxpool(p_{k-1}))`` the result is the sum of ``p_0`` to ``p_K``. Poolings have
    stride 1, so that the size stays.

    Args:
        channels (int): Maps in and out.
        number (int): Poolings ``K``. Defaults to 2, as in the paper; 4 were published later.
        norm_cfg (dict, optional): Norm after each convolution. Defaults to None, as in the paper.
    """

    def __init__(self, channels: int, *, number: int = 2,
                 norm_cfg: dict | None = None) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(5, stride=1, padding=2)
        self.convs = nn.ModuleList(conv3x3(channels, channels, norm_cfg) for _ in range(number))

    def forward(self, x: Tensor) -> Tensor:
        """Gather context.

        Args:
            x (Tensor): (N, channels, H, W).

        Returns:
            Tensor: Of the same shape.
        """
        total = pooled = torch.relu(x)
        for conv in self.convs:
            pooled = conv(self.pool(pooled))
            total = total + pooled
        return total


class RefineNetBlock(nn.Module):
    """Two residual units for each path, fusion, chained residual pooling, residual units.

    RefineNet, figure 3 (a).

    Args:
        in_channels (Sequence[int]): Maps of each path.
        outputs (int): Residual units at the end. Defaults to 1.
        pools (int): Poolings of the chain. Defaults to 2.
        align_corners (bool): Of the upsampling. Defaults to False.
        norm_cfg (dict, optional): Norm after each convolution. Defaults to None, as in the paper.
    """

    def __init__(self, in_channels: Sequence[int], *, outputs: int = 1, pools: int = 2,
                 align_corners: bool = False, norm_cfg: dict | None = None) -> None:
        super().__init__()
        self.adapt = nn.ModuleList(_units(channels, 2, norm_cfg) for channels in in_channels)
        self.fusion = MultiResolutionFusion(in_channels, align_corners=align_corners,
                                            norm_cfg=norm_cfg)
        self.out_channels = self.fusion.out_channels
        self.pooling = ChainedResidualPooling(self.out_channels, number=pools, norm_cfg=norm_cfg)
        self.output = _units(self.out_channels, outputs, norm_cfg)

    def forward(self, paths: Sequence[Tensor]) -> Tensor:
        """Refine paths into one.

        Args:
            paths (Sequence[Tensor]): P maps, the ``p``-th (N, in_channels[p], h_p, w_p).

        Returns:
            Tensor: (N, min(in_channels), max(h_p), max(w_p)).
        """
        adapted = [units(path) for units, path in zip(self.adapt, paths, strict=True)]
        return self.output(self.pooling(self.fusion(adapted)))


def _units(channels: int, number: int, norm_cfg: dict | None) -> nn.Sequential:
    return nn.Sequential(*(ResidualConvUnit(channels, norm_cfg=norm_cfg) for _ in range(number)))
