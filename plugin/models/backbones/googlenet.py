"""GoogLeNet without its classifiers, for FCN."""
from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from plugin.utils import UserError

from ..layers import HE_FAN_IN
from .norm_eval import NormEvalBackbone

VARIANTS = ('caffe', 'torchvision')
# maps of the branches 1x1, 3x3 (reduced, then), 5x5 (reduced, then) and of the pooled one
INCEPTIONS = {
    'inception3a': (64, (96, 128), (16, 32), 32),
    'inception3b': (128, (128, 192), (32, 96), 64),
    'inception4a': (192, (96, 208), (16, 48), 64),
    'inception4b': (160, (112, 224), (24, 64), 64),
    'inception4c': (128, (128, 256), (24, 64), 64),
    'inception4d': (112, (144, 288), (32, 64), 64),
    'inception4e': (256, (160, 320), (32, 128), 128),
    'inception5a': (256, (160, 320), (32, 128), 128),
    'inception5b': (384, (192, 384), (48, 128), 128),
}
POOLED_AFTER = dict(inception3b='maxpool3', inception4e='maxpool4')


@MODELS.register_module()
class GoogLeNet(NormEvalBackbone):
    """GoogLeNet up to the last of its nine inception modules, the backbone of FCN-GoogLeNet.

    C. Szegedy et al., `Going Deeper with Convolutions <https://arxiv.org/abs/1409.4842>`_, table 1,
    as J. Long, E. Shelhamer, T. Darrell, `Fully Convolutional Networks for Semantic Segmentation
    <https://arxiv.org/abs/1411.4038>`_, section 4.1, use it: without the average pooling, and
    without the auxiliary classifiers.

    Layers are named as in torchvision, ``conv1.conv``, ``inception3a.branch2.0.conv``. All kernels
    but one are odd and centred: position ``i`` of a level of stride ``s`` has its centre at pixel
    ``s * i``, for ``FCNSkipHead(last_kernel=63, last_offset=31)``. No code of FCN-GoogLeNet was
    published, so that this alignment is ours.

    Args:
        variant (str): ``'caffe'``: as in the paper and in Caffe's BVLC GoogLeNet: biases, local
            response normalisation. ``'torchvision'``: batch norm instead, 3x3 where the paper has
            5x5, and a 2x2 pooling before the last two modules, which moves stride 32 to pixel
            ``32 * i + 8``: ``last_offset=23``. Defaults to ``'caffe'``.
        in_channels (int): Channels of the image. Defaults to 3.
        widen_factor (float): Scales the number of maps. Defaults to 1.
        out_indices (Sequence[str]): Layers to return, ``'conv1'``, ``'maxpool1'``, ``'conv2'``,
            ``'conv3'``, ``'maxpool2'``, ``'inception3a'`` ... ``'inception5b'``, the last one after
            its dropout. Defaults to ``('inception3b', 'inception4e', 'inception5b')``: (N, 480,
            ceil(H/8), ceil(W/8)), (N, 832, ceil(H/16), ceil(W/16)) and (N, 1024, ceil(H/32),
            ceil(W/32)).
        dropout_ratio (float): Dropout after the last module, as before the classifier of the
            paper. Defaults to 0.4.
        norm_eval (bool): Keep the norms' running statistics fixed. Defaults to False.
        init_cfg (dict | list, optional): Defaults to He initialisation; for weights of ImageNet
            see ``tools/convert_classifier.py``.
    """

    def __init__(self,
                 *,
                 variant: str = 'caffe',
                 in_channels: int = 3,
                 widen_factor: float = 1.,
                 out_indices: Sequence[str] = ('inception3b', 'inception4e', 'inception5b'),
                 dropout_ratio: float = 0.4,
                 norm_eval: bool = False,
                 init_cfg: dict | Sequence[dict] | None = None) -> None:
        super().__init__(list(HE_FAN_IN) if init_cfg is None else init_cfg)
        if variant not in VARIANTS:
            raise UserError(f"variant={variant!r} is unknown: use 'caffe' or 'torchvision'")
        self.norm_eval = norm_eval
        self._layers: list[str] = []
        modern = variant == 'torchvision'
        norm_cfg = dict(type='BN', eps=1e-3) if modern else None
        first, last = (round(maps * widen_factor) for maps in (64, 192))
        self._add('conv1', ConvModule(in_channels, first, 7, stride=2, padding=3,
                                      norm_cfg=norm_cfg))
        self._add('maxpool1', nn.MaxPool2d(3, 2, padding=1))
        if not modern:
            self._add('contrast1', nn.LocalResponseNorm(5))
        self._add('conv2', ConvModule(first, first, 1, norm_cfg=norm_cfg))
        self._add('conv3', ConvModule(first, last, 3, padding=1, norm_cfg=norm_cfg))
        if not modern:
            self._add('contrast2', nn.LocalResponseNorm(5))
        self._add('maxpool2', nn.MaxPool2d(3, 2, padding=1))
        width = last
        for name, maps in INCEPTIONS.items():
            module = Inception(width, maps, large_kernel=3 if modern else 5,
                               widen_factor=widen_factor, norm_cfg=norm_cfg)
            self._add(name, module)
            width = module.out_channels
            if name in POOLED_AFTER:
                half = modern and name == 'inception4e'
                self._add(POOLED_AFTER[name], nn.MaxPool2d(2, 2, ceil_mode=True) if half
                          else nn.MaxPool2d(3, 2, padding=1))
        self.drop = nn.Dropout(dropout_ratio)
        self.out_indices = tuple(out_indices)
        unknown = [name for name in self.out_indices if name not in self._layers]
        if unknown:
            raise UserError(f'out_indices names {unknown[0]!r}, which this network does not have: '
                            f'use one of {", ".join(self._layers)}')

    def _add(self, name: str, layer: nn.Module) -> None:
        self.add_module(name, layer)
        self._layers.append(name)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the layers that ``out_indices`` names, in its order.

        Args:
            x (Tensor): Images, (N, in_channels, H, W).

        Returns:
            tuple[Tensor]: Each (N, channels, h, w).
        """
        outputs: dict[str, Tensor] = {}
        for name in self._layers:
            x = getattr(self, name)(x)
            if name in self.out_indices:
                outputs[name] = self.drop(x) if name == 'inception5b' else x
        return tuple(outputs[name] for name in self.out_indices)


class Inception(nn.Module):
    """Four branches side by side: 1x1, 3x3, 5x5 and 3x3 max pooling, the last three with a 1x1.

    Args:
        in_channels (int): Maps that enter.
        maps (tuple): Of the branches; see ``INCEPTIONS``.
        large_kernel (int): Of the third branch.
        widen_factor (float): Scales the number of maps.
        norm_cfg (dict, optional): Norm after each convolution.
    """

    def __init__(self, in_channels: int,
                 maps: tuple[int, tuple[int, int], tuple[int, int], int], *, large_kernel: int,
                 widen_factor: float, norm_cfg: dict | None) -> None:
        super().__init__()
        single, medium, large, pooled = maps

        def conv(before: int, after: int, kernel: int) -> ConvModule:
            return ConvModule(before, after, kernel, padding=kernel // 2, norm_cfg=norm_cfg)

        def scaled(number: int) -> int:
            return max(1, round(number * widen_factor))

        def pair(both: tuple[int, int], kernel: int) -> nn.Sequential:
            reduced, after = (scaled(number) for number in both)
            return nn.Sequential(conv(in_channels, reduced, 1), conv(reduced, after, kernel))

        self.out_channels = sum(scaled(number)
                                for number in (single, medium[1], large[1], pooled))
        self.branch1 = conv(in_channels, scaled(single), 1)
        self.branch2 = pair(medium, 3)
        self.branch3 = pair(large, large_kernel)
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, padding=1),
                                     conv(in_channels, scaled(pooled), 1))

    def forward(self, x: Tensor) -> Tensor:
        """Join the branches: (N, in_channels, H, W) to (N, out_channels, H, W)."""
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)
