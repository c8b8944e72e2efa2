"""Xception-65, modified and aligned, the backbone of DeepLab v3+."""
import re
from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from plugin.utils import UserError

from ..layers import HE_FAN_IN

# maps of the three separable convolutions of each unit, and the stride of the last of them
ENTRY = (((128, 128, 128), 2), ((256, 256, 256), 2), ((728, 728, 728), 2))
MIDDLE = ((728, 728, 728), 1)
EXIT = (((728, 1024, 1024), 2), ((1536, 1536, 2048), 1))
# names of the layers in the two published forms of the weights, timm's xception65 and block1 ...
# block21 with sep_conv1 ... sep_conv3, and their names here
PUBLISHED = (
    (re.compile(r'\.stack\.conv(\d)\.'), r'.conv\1.'),
    (re.compile(r'\.conv_dw\.'), '.depthwise_conv.conv.'),
    (re.compile(r'\.bn_dw\.'), '.depthwise_conv.bn.'),
    (re.compile(r'\.conv_pw\.'), '.pointwise_conv.conv.'),
    (re.compile(r'\.bn_pw\.'), '.pointwise_conv.bn.'),
    (re.compile(r'^(conv|bn)([12])\.'), lambda m: f'stem.{int(m[2]) - 1}.{m[1]}.'),
    (re.compile(r'^block(\d+)\.(conv|bn)\.'),
     lambda m: f'blocks.{int(m[1]) - 1}.shortcut.{m[2]}.'),
    (re.compile(r'^block(\d+)\.sep_conv(\d)\.block\.'),
     lambda m: f'blocks.{int(m[1]) - 1}.conv{m[2]}.'),
    (re.compile(r'(\.conv\d)\.depthwise\.'), r'\1.depthwise_conv.conv.'),
    (re.compile(r'(\.conv\d)\.bn_depth\.'), r'\1.depthwise_conv.bn.'),
    (re.compile(r'(\.conv\d)\.pointwise\.'), r'\1.pointwise_conv.conv.'),
    (re.compile(r'(\.conv\d)\.bn_point\.'), r'\1.pointwise_conv.bn.'),
)


class Unit(NamedTuple):
    """One of the units that Xception is a chain of."""

    channels: tuple[int, int, int]
    stride: int
    rates: tuple[int, int, int]


@MODELS.register_module()
class Xception65(BaseModule):
    """The modified aligned Xception with 65 layers.

    L.-C. Chen, Y. Zhu, G. Papandreou, F. Schroff, H. Adam, `Encoder-Decoder with Atrous Separable
    Convolution for Semantic Image Segmentation <https://arxiv.org/abs/1802.02611>`_, section 3.2
    and figure 4: an entry flow of two convolutions and 3 units, a middle flow of 16 units, an exit
    flow of 2. A unit has three separable convolutions; the last one strides where the original
    Xception pools.

    Weights of ImageNet under the names of timm's ``xception65``, or under ``block1`` to
    ``block21``, load as they are. They belong to the published network: ``depthwise_relu=False``,
    images from -1 to 1.

    Args:
        in_channels (int): Channels of the image. Defaults to 3.
        widen_factor (float): Scales the number of maps. Defaults to 1.
        middle_units (int): Units of the middle flow. Defaults to 16.
        output_stride (int): 8, 16 or 32: stride of the last level. Units that would go beyond do
            not stride, and those after them have as many times larger rates. Defaults to 16.
        multi_grid (Sequence[int]): Unit rates of the three convolutions of the last unit, which
            multiply its rate. Defaults to ``(1, 1, 1)``, which the paper found to score no less.
        depthwise_relu (bool): ReLU after each 3x3 depthwise convolution and its norm, as the paper
            has it. The published code has the norm only, except in the last unit.
            Defaults to True.
        out_indices (Sequence[int]): Levels to return: 0 and 1 are what enters the strided
            convolution of the second and of the third unit, 2 is the end of the middle flow, 3 the
            end. Defaults to ``(0, 1, 2, 3)``.
        norm_cfg (dict): Norm after each convolution, the depthwise ones included.
            Defaults to ``dict(type='BN', eps=1e-3)``, as published.
        init_cfg (dict | list, optional): Defaults to He initialisation.
    """

    def __init__(self,
                 *,
                 in_channels: int = 3,
                 widen_factor: float = 1.,
                 middle_units: int = 16,
                 output_stride: int = 16,
                 multi_grid: Sequence[int] = (1, 1, 1),
                 depthwise_relu: bool = True,
                 out_indices: Sequence[int] = (0, 1, 2, 3),
                 norm_cfg: dict | None = None,
                 init_cfg: dict | Sequence[dict] | None = None) -> None:
        super().__init__(list(HE_FAN_IN) if init_cfg is None else init_cfg)
        norm_cfg = norm_cfg or dict(type='BN', eps=1e-3)
        self.out_indices = tuple(out_indices)
        if not self.out_indices or not set(self.out_indices) <= {0, 1, 2, 3}:
            raise UserError(f'out_indices={out_indices} names levels that this network does not '
                            'have: use some of 0, 1, 2, 3')
        self.middle_units = middle_units
        first, width = (max(1, round(channels * widen_factor)) for channels in (32, 64))
        self.stem = nn.ModuleList([
            ConvModule(in_channels, first, 3, stride=2, padding=1, norm_cfg=norm_cfg),
            ConvModule(first, width, 3, padding=1, norm_cfg=norm_cfg),
        ])
        units = plan(middle_units, output_stride, multi_grid)
        self.blocks = nn.ModuleList()
        for number, unit in enumerate(units, 1):
            unit = _widened(unit, widen_factor)
            self.blocks.append(XceptionUnit(
                width, unit, norm_cfg=norm_cfg, depthwise_relu=depthwise_relu,
                last=number == len(units)))
            width = unit.channels[-1]
        self._register_load_state_dict_pre_hook(_take_published)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the levels that ``out_indices`` names, in its order.

        Args:
            x (Tensor): Images, (N, in_channels, H, W).

        Returns:
            tuple[Tensor]: With the defaults (N, 256, ceil(H/4), ceil(W/4)), (N, 728, ceil(H/8),
            ceil(W/8)), (N, 728, ceil(H/16), ceil(W/16)) and (N, 2048, ceil(H/16), ceil(W/16)).
        """
        for layer in self.stem:
            x = layer(x)
        levels: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            inner, x = block(x)
            if index in (1, 2):
                levels.append(inner)
            if index == len(ENTRY) + self.middle_units - 1:
                levels.append(x)
        levels.append(x)
        return tuple(levels[index] for index in self.out_indices)


class XceptionUnit(nn.Module):
    """Three separable convolutions and the shortcut around them.

    Args:
        in_channels (int): Maps that enter.
        unit (Unit): Maps, stride and rates.
        norm_cfg (dict): Norm after each convolution.
        depthwise_relu (bool): ReLU between the norm of a depthwise convolution and the pointwise
            one.
        last (bool): The end of the network: there is no shortcut, and each convolution ends in a
            ReLU instead of beginning with one.
    """

    conv1: nn.Module
    conv2: nn.Module
    conv3: nn.Module

    def __init__(self, in_channels: int, unit: Unit, *, norm_cfg: dict, depthwise_relu: bool,
                 last: bool) -> None:
        super().__init__()
        self.last = last
        self.shortcut: nn.Module | None = None
        if not last and (unit.stride > 1 or in_channels != unit.channels[-1]):
            self.shortcut = ConvModule(in_channels, unit.channels[-1], 1, stride=unit.stride,
                                       norm_cfg=norm_cfg, act_cfg=None)
        relu = dict(type='ReLU')
        for number, (channels, rate) in enumerate(zip(unit.channels, unit.rates), 1):
            self.add_module(f'conv{number}', DepthwiseSeparableConvModule(
                in_channels, channels, 3, stride=unit.stride if number == 3 else 1, padding=rate,
                dilation=rate, norm_cfg=norm_cfg,
                dw_act_cfg=relu if depthwise_relu or last else None,
                pw_act_cfg=relu if last else None))
            in_channels = channels

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what leaves the second convolution, and what leaves the unit.

        Args:
            x (Tensor): (N, channels, H, W).

        Returns:
            tuple[Tensor]: (N, channels, H, W), and (N, channels, ceil(H/s), ceil(W/s)) with the
            unit's stride ``s``.
        """
        if self.last:
            inner = self.conv2(self.conv1(x))
            return inner, self.conv3(inner)
        # not in place: the shortcut and the decoder need the values below zero
        inner = self.conv2(F.relu(self.conv1(F.relu(x))))
        around = x if self.shortcut is None else self.shortcut(x)
        return inner, self.conv3(F.relu(inner)) + around


def plan(middle_units: int, output_stride: int, multi_grid: Sequence[int]) -> list[Unit]:
    """Strides and rates of all units for an output stride.

    Args:
        middle_units (int): Units of the middle flow.
        output_stride (int): 8, 16 or 32.
        multi_grid (Sequence[int]): Unit rates of the last unit.

    Raises:
        UserError: If the output stride is another one, or there are not three unit rates.
    """
    if output_stride not in (8, 16, 32):
        raise UserError(f'output_stride={output_stride!r} is not possible: use 8, 16 or 32')
    multi_grid = tuple(multi_grid)
    if len(multi_grid) != 3 or min(multi_grid) < 1:
        raise UserError(f'multi_grid={multi_grid} does not give each of the three convolutions of '
                        'the last unit a rate: use, for example, (1, 2, 4)')
    units, reached, rate = [], 2, 1
    for channels, stride in (*ENTRY, *[MIDDLE] * middle_units, *EXIT):
        if reached == output_stride:
            units.append(Unit(channels, 1, (rate, ) * 3))
            rate *= stride
        else:
            units.append(Unit(channels, stride, (1, 1, 1)))
            reached *= stride
    last = units[-1]
    first, second, third = (a * b for a, b in zip(last.rates, multi_grid))
    units[-1] = last._replace(rates=(first, second, third))
    return units


def _widened(unit: Unit, factor: float) -> Unit:
    first, second, third = (max(1, round(size * factor)) for size in unit.channels)
    return unit._replace(channels=(first, second, third))


def published_name(name: str) -> str:
    """Name in :class:`Xception65` of a parameter of a published Xception-65.

    Args:
        name (str): E.g. ``blocks.0.stack.conv1.conv_dw.weight`` (timm) or
            ``block1.sep_conv1.block.depthwise.weight``.

    Returns:
        str: E.g. ``blocks.0.conv1.depthwise_conv.conv.weight``. Other names stay as they are.
    """
    for pattern, replacement in PUBLISHED:
        name = pattern.sub(replacement, name)
    return name


def _take_published(state_dict: dict, prefix: str, *_) -> None:
    # PyTorch hands a copy of the checkpoint to such a hook, to be changed in place
    for key in [key for key in state_dict if key.startswith(prefix)]:
        name = prefix + published_name(key[len(prefix):])
        if name != key:
            state_dict[name] = state_dict.pop(key)
