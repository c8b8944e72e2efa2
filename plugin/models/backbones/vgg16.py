"""What VGG16, the networks built on it, and AlexNet share."""
from collections.abc import Sequence

import torch
from mmcv.cnn import build_norm_layer
from torch import Tensor, nn

from plugin.utils import UserError

from .norm_eval import NormEvalBackbone

# convolutions of each stage of VGG16 and their width relative to the first (configuration D)
STAGES = ((2, 1), (2, 2), (3, 4), (3, 8), (3, 8))


class VGG16Base(NormEvalBackbone):
    """Layers run one after the other, each of which can be an output by its published name.

    A network adds its layers with :meth:`add_conv` and :meth:`add_layer`, then names its outputs
    with :meth:`set_outputs`. A convolution is followed by its norm, if any, and ReLU; fc6 and fc7
    also by dropout.

    Args:
        norm_cfg (dict, optional): Norm after each convolution.
        dropout_ratio (float): Dropout after fc6 and fc7.
        norm_eval (bool): Keep the norms' running statistics fixed.
        init_cfg (dict | list, optional): None stands for He initialisation.
    """

    # what an integer in `out_indices` stands for
    INDEXED: tuple[str, ...] = ('pool1', 'pool2', 'pool3', 'pool4', 'pool5', 'fc6', 'fc7')

    def __init__(self, *, norm_cfg: dict | None, dropout_ratio: float, norm_eval: bool,
                 init_cfg: dict | Sequence[dict] | None) -> None:
        if init_cfg is None:
            init_cfg = [
                dict(type='Kaiming', layer='Conv2d'),
                dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm']),
            ]
        super().__init__(init_cfg)
        self.norm_cfg = norm_cfg
        self.norm_eval = norm_eval
        self.dropout_ratio = dropout_ratio
        self.out_indices: tuple[str, ...] = ()
        self._layers: list[str] = []  # names in the order of the forward pass

    def add_conv(self, name: str, in_channels: int, out_channels: int, kernel: int, *,
                 padding: int, dilation: int = 1, stride: int = 1, groups: int = 1) -> None:
        """Append a convolution; those named fc6 and fc7 are followed by dropout."""
        # a bias before a batch norm would do nothing, but VGG16-BN's checkpoints hold one
        self.add_layer(name, nn.Conv2d(in_channels, out_channels, kernel, stride=stride,
                                       padding=padding, dilation=dilation, groups=groups))
        if self.norm_cfg is not None:
            self.add_module(f'{name}_norm', build_norm_layer(self.norm_cfg, out_channels)[1])
        if name.startswith('fc'):
            self.add_module(name.replace('fc', 'drop'), nn.Dropout(self.dropout_ratio))

    def add_layer(self, name: str, layer: nn.Module) -> None:
        """Append a layer."""
        self.add_module(name, layer)
        self._layers.append(name)

    def set_outputs(self, out_indices: Sequence[str | int]) -> None:
        """Choose the layers to return, by name or number.

        Raises:
            UserError: If there is no such layer.
        """
        self.out_indices = tuple(self._layer_name(index) for index in out_indices)

    def _layer_name(self, index: str | int) -> str:
        name = index
        last = len(self.INDEXED) - 1
        if isinstance(index, int) and ~last <= index <= last:
            name = self.INDEXED[index]
        if name not in self._layers:
            raise UserError(f'out_indices names {index!r}, which this network does not have: use '
                            f'0 to {last} or one of {", ".join(self._layers)}')
        return name

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the layers that ``out_indices`` names, in its order.

        Args:
            x (Tensor): Images, (N, in_channels, H, W).

        Returns:
            tuple[Tensor]: Each (N, channels, h, w).
        """
        outputs: dict[str, Tensor] = {}
        for name in self._layers:
            layer = getattr(self, name)
            x = layer(x)
            if isinstance(layer, nn.Conv2d):
                if self.norm_cfg is not None:
                    x = getattr(self, f'{name}_norm')(x)
                x = torch.relu_(x)
                if name.startswith('fc'):
                    x = getattr(self, name.replace('fc', 'drop'))(x)
            if name in self.out_indices:
                outputs[name] = x
        return tuple(outputs[name] for name in self.out_indices)
