"""What the encoders of SegNet and SegNet-Basic share."""
from collections.abc import Sequence

import torch
from mmcv.cnn import build_norm_layer
from torch import Tensor, nn

from ..layers import HE_FAN_IN, Pooling, max_pool
from .norm_eval import NormEvalBackbone


class SegNetEncoder(NormEvalBackbone):
    """Stages of convolution, batch norm and ReLU, each ended by a pooling that keeps its indices.

    Args:
        stages (Sequence[Sequence[tuple[str, int]]]): Name and maps of the convolutions, by stage.
        in_channels (int): Channels of the image.
        kernel_size (int): Of all convolutions; odd.
        bias (bool): Of all convolutions.
        norm_cfg (dict): Norm after each convolution.
        norm_eval (bool): Keep the norms' running statistics fixed.
        init_cfg (dict | list, optional): None for He initialisation.
    """

    def __init__(self, stages: Sequence[Sequence[tuple[str, int]]], *, in_channels: int,
                 kernel_size: int, bias: bool, norm_cfg: dict, norm_eval: bool,
                 init_cfg: dict | Sequence[dict] | None) -> None:
        super().__init__(list(HE_FAN_IN) if init_cfg is None else init_cfg)
        self.norm_eval = norm_eval
        self._stages = [[name for name, _ in stage] for stage in stages]
        width = in_channels
        for name, channels in (layer for stage in stages for layer in stage):
            self.add_module(name, nn.Conv2d(width, channels, kernel_size,
                                            padding=kernel_size // 2, bias=bias))
            self.add_module(f'{name}_norm', build_norm_layer(norm_cfg, channels)[1])
            width = channels

    def forward(self, x: Tensor) -> tuple[Pooling | Tensor, ...]:
        """Encode images.

        Args:
            x (Tensor): Images, (N, in_channels, H, W).

        Returns:
            tuple: The :class:`~plugin.models.layers.Pooling` of each of the S stages, the finest
            first, then the features (N, C, ceil(H / 2^S), ceil(W / 2^S)) after the last one.
        """
        poolings = []
        for stage in self._stages:
            for name in stage:
                x = torch.relu_(getattr(self, f'{name}_norm')(getattr(self, name)(x)))
            x, pooling = max_pool(x)
            poolings.append(pooling)
        return (*poolings, x)
