"""VGG16 with convolutional fc6 and fc7, the backbone of FCN."""
from typing import Dict, Optional, Sequence, Tuple, Union

import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

# convolutions of each stage of VGG16 and their width relative to the first (configuration D)
STAGES = ((2, 1), (2, 2), (3, 4), (3, 8), (3, 8))
# what an integer in `out_indices` stands for
INDEXED = ('pool1', 'pool2', 'pool3', 'pool4', 'pool5', 'fc6', 'fc7')
GEOMETRIES = ('same', 'caffe')


@MODELS.register_module()
class FCNVGG16(BaseModule):
    """VGG16 turned fully convolutional.

    J. Long, E. Shelhamer, T. Darrell, `Fully Convolutional Networks for Semantic Segmentation
    <https://arxiv.org/abs/1411.4038>`_, section 4.1, around configuration D of K. Simonyan and
    A. Zisserman, `Very Deep Convolutional Networks <https://arxiv.org/abs/1409.1556>`_.

    Layers carry the names of the published network: ``conv1_1`` ... ``conv5_3``, ``fc6``, ``fc7``.

    Args:
        in_channels (int): Channels of the picture. Defaults to 3.
        base_channels (int): Maps of the first stage; the others have 2, 4, 8 and 8 times as many.
            Defaults to 64, the width of VGG16.
        fc_channels (int): Maps of fc6 and fc7. Defaults to 4096.
        out_indices (Sequence[str | int]): Layers to return, by name (``'conv1_1'`` ... ``'fc7'``,
            ``'pool1'`` ... ``'pool5'``) or by number: 0-4 are pool1-pool5, 5 is fc6, 6 is fc7.
            Convolutions are returned after their ReLU, fc6 and fc7 after their dropout.
            Defaults to ``('pool3', 'pool4', 'fc7')``: strides 8, 16 and 32.
        geometry (str): ``'same'``: every convolution keeps its input's size, a level of stride
            ``s`` has ``ceil(H / s) x ceil(W / s)`` positions, and any input size will do.
            ``'caffe'``: the published network: ``conv1_1`` pads by 100, ``fc6`` does not pad, and
            the levels are larger than the picture by margins that ``FCNSkipHead`` crops with the
            published offsets; at 512 x 512 it costs about twice as much. Defaults to ``'same'``.
        norm_cfg (dict, optional): Norm after each convolution, fc6 and fc7 included, e.g.
            ``dict(type='BN')``. Defaults to None, as published.
        dropout_ratio (float): Dropout after fc6 and fc7. Defaults to 0.5.
        norm_eval (bool): Keep the norms' running statistics fixed. Defaults to False.
        init_cfg (dict | list, optional): Defaults to He initialisation; for weights of ImageNet
            see ``tools/convert_vgg16.py``.
    """

    def __init__(self,
                 *,
                 in_channels: int = 3,
                 base_channels: int = 64,
                 fc_channels: int = 4096,
                 out_indices: Sequence[Union[str, int]] = ('pool3', 'pool4', 'fc7'),
                 geometry: str = 'same',
                 norm_cfg: Optional[dict] = None,
                 dropout_ratio: float = 0.5,
                 norm_eval: bool = False,
                 init_cfg: Union[dict, Sequence[dict], None] = None) -> None:
        if init_cfg is None:
            init_cfg = [
                dict(type='Kaiming', layer='Conv2d'),
                dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm']),
            ]
        super().__init__(init_cfg)
        if geometry not in GEOMETRIES:
            raise ValueError(f"geometry={geometry!r} is unknown: use 'same' or 'caffe'")
        self.geometry = geometry
        self.norm_cfg = norm_cfg
        self.norm_eval = norm_eval
        caffe = geometry == 'caffe'

        self._layers = []  # names in the order of the forward pass
        width = in_channels
        for stage, (depth, multiple) in enumerate(STAGES, 1):
            for layer in range(1, depth + 1):
                padding = 100 if caffe and (stage, layer) == (1, 1) else 1
                self._add_conv(f'conv{stage}_{layer}', width, base_channels * multiple, 3, padding)
                width = base_channels * multiple
            # rounding up, as Caffe does, loses no border of an odd picture
            self.add_module(f'pool{stage}', nn.MaxPool2d(2, 2, ceil_mode=True))
            self._layers.append(f'pool{stage}')
        self._add_conv('fc6', width, fc_channels, 7, 0 if caffe else 3)
        self._add_conv('fc7', fc_channels, fc_channels, 1, 0)
        self.drop6 = nn.Dropout(dropout_ratio)
        self.drop7 = nn.Dropout(dropout_ratio)
        self.out_indices = tuple(self._layer_name(index) for index in out_indices)

    def _add_conv(self, name: str, in_channels: int, out_channels: int, kernel: int,
                  padding: int) -> None:
        # a bias before a batch norm would do nothing, but VGG16-BN's checkpoints hold one
        self.add_module(name, nn.Conv2d(in_channels, out_channels, kernel, padding=padding))
        if self.norm_cfg is not None:
            self.add_module(f'{name}_norm', build_norm_layer(self.norm_cfg, out_channels)[1])
        self._layers.append(name)

    def _layer_name(self, index: Union[str, int]) -> str:
        name = index
        if isinstance(index, int) and -len(INDEXED) <= index < len(INDEXED):
            name = INDEXED[index]
        if name not in self._layers:
            raise ValueError(f'out_indices names {index!r}, which this network does not have: use '
                             f'0 to {len(INDEXED) - 1} or one of {", ".join(self._layers)}')
        return name

    def forward(self, x: Tensor) -> Tuple[Tensor, ...]:
        """Return the layers that ``out_indices`` names, in its order.

        Args:
            x (Tensor): Pictures, (N, in_channels, H, W).

        Returns:
            tuple[Tensor]: With the defaults pool3 (N, 256, ceil(H/8), ceil(W/8)), pool4
            (N, 512, ceil(H/16), ceil(W/16)) and fc7 (N, 4096, ceil(H/32), ceil(W/32)).
        """
        outputs: Dict[str, Tensor] = {}
        for name in self._layers:
            x = getattr(self, name)(x)
            if not name.startswith('pool'):
                if self.norm_cfg is not None:
                    x = getattr(self, f'{name}_norm')(x)
                x = torch.relu_(x)
                if name in ('fc6', 'fc7'):
                    x = getattr(self, name.replace('fc', 'drop'))(x)
            if name in self.out_indices:
                outputs[name] = x
        return tuple(outputs[name] for name in self.out_indices)

    def train(self, mode: bool = True) -> 'FCNVGG16':
        """Switch the mode; with ``norm_eval`` the batch norms stay in evaluation."""
        super().train(mode)
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self
