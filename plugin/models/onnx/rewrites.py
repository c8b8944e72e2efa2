"""The steps of networks that a trace would fix to one size, written so that it does not.

Each entry of ``REWRITES`` replaces methods of one class, on a copy of the network, by functions
that compute the same from the same weights for any size and batch.
"""
import copy
import functools
import types
from collections.abc import Callable, Sequence
from fractions import Fraction

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks import transformer as mmcv_transformer
from mmdet.models.backbones import swin as mmdet_swin
from mmdet.models.layers.transformer import utils as mmdet_transformer
from mmengine.model import BaseModel
from mmseg.models.backbones import swin
from mmseg.models.utils import embed
from torch import Tensor, nn

from ..backbones import SegNetBasic
from ..backbones.segnet_encoder import SegNetEncoder
from ..decode_heads import FCNSkipHead, SegNetHead
from ..decode_heads.deeplab_head import DeepLabHead
from ..decode_heads.deeplab_msc_head import DeepLabMScHead
from ..segmentors import MultiScaleEncoderDecoder, UnpaddedEncoderDecoder
from . import geometry


def exportable(network: BaseModel) -> BaseModel:
    """A copy of a network in evaluation mode that can be traced for every size.

    Args:
        network (BaseModel): E.g. an ``EncoderDecoder``; it stays as it is.

    Returns:
        BaseModel: The copy, without auxiliary heads.
    """
    network = copy.deepcopy(network).eval().requires_grad_(False)
    if getattr(network, 'with_auxiliary_head', False):
        del network.auxiliary_head
    for module in network.modules():
        for kind in reversed(type(module).__mro__):
            for name, function in REWRITES.get(kind, {}).items():
                setattr(module, name, types.MethodType(function, module))
    return network


def _adaptive_pool(self: nn.AdaptiveAvgPool2d, x: Tensor) -> Tensor:
    sides = self.output_size
    sides = (sides, sides) if isinstance(sides, int) or sides is None else sides
    if tuple(sides) == (1, 1):
        return x.mean((2, 3), keepdim=True)
    rows, columns = sides
    if rows is not None:
        x = geometry.pooling_weights(rows, x.shape[2], x) @ x
    if columns is not None:
        x = x @ geometry.pooling_weights(columns, x.shape[3], x).transpose(0, 1)
    return x


def _size_of(metas: list[dict]) -> Sequence[geometry.Size]:
    return metas[0]['img_shape'][:2]


def _fcn_check(self: FCNSkipHead, levels: Sequence[Tensor], size: Sequence[geometry.Size]):
    return size


def _segnet_encode(self: SegNetEncoder, x: Tensor) -> tuple:
    poolings = []
    for stage in self._stages:
        for name in stage:
            x = torch.relu(getattr(self, f'{name}_norm')(getattr(self, name)(x)))
        x, places, size = geometry.max_pool(x)
        poolings.append((places, size))
    return (*poolings, x)


def _segnet_basic_encode(self: SegNetBasic, x: Tensor) -> tuple:
    return _segnet_encode(self, self.contrast(x))


def _segnet_decode(self: SegNetHead, inputs: tuple) -> Tensor:
    *poolings, x = inputs
    for names, (places, size) in zip(self._stages, reversed(poolings)):
        x = geometry.max_unpool(x, places, size)
        for name in names:
            x = getattr(self, f'{name}_norm')(getattr(self, name)(x))
            if self.relu:
                x = torch.relu(x)
    return self.cls_seg(x)


def _deeplab_upsample(self: DeepLabHead, logits: Tensor, metas: list[dict]) -> Tensor:
    return geometry.resample_aligned(logits, Fraction(1, self.stride), _size_of(metas))


def _msc_score(self: DeepLabMScHead, inputs: Sequence[Tensor]) -> Tensor:
    *fine, main = self._transform_inputs(inputs)
    scores = [self.cls_seg(main)] + [
        score(branch(level, stride=self.stride // stride)) for level, stride, branch, score
        in zip(fine, self.level_strides, self.branches, self.scores)]
    # which level is the smallest depends on the image
    height, width = (functools.reduce(geometry.smaller, (x.shape[axis] for x in scores))
                     for axis in (2, 3))
    return sum(x[:, :, :height, :width] for x in scores)


def _msc_predict(self: DeepLabMScHead, inputs: Sequence[Tensor], metas: list[dict],
                 test_cfg: dict) -> Tensor:
    if not self.dense:
        return self.predict_by_feat(self.forward(inputs), metas)
    *fine, main = self._transform_inputs(inputs)
    total = self.predict_by_feat(self.cls_seg(main), metas)
    for level, stride, branch, score in zip(fine, self.level_strides, self.branches, self.scores):
        total = total + geometry.resample_aligned(score(branch(level)), Fraction(1, stride),
                                                  _size_of(metas))
    return total


def _multi_scale(self: MultiScaleEncoderDecoder, inputs: Tensor, metas: list[dict]) -> Tensor:
    scores = {}
    for scale in self.scales:
        size = [(extent - 1) * scale.numerator // scale.denominator + 1
                for extent in inputs.shape[2:]]
        resized = inputs if scale == 1 else geometry.resample_aligned(inputs, 1 / scale, size)
        scores[scale] = self.decode_head(self.extract_feat(resized))
    whole = scores[Fraction(1)].shape[2:]
    fused = functools.reduce(torch.maximum, (
        value if scale == 1 else geometry.resample_aligned(value, scale, whole)
        for scale, value in scores.items()))
    return self.decode_head.predict_by_feat(fused, metas)


def _unpadded(self: UnpaddedEncoderDecoder, inputs: Tensor, metas: list[dict]) -> Tensor:
    head, (height, width) = self.decode_head, inputs.shape[2:]
    if not head.margin:
        return super(UnpaddedEncoderDecoder, self).encode_decode(inputs, metas)
    seen = inputs
    for axis, extent in ((2, height), (3, width)):
        # the smallest output, 4 + k * tile_step, that holds the image
        output = extent + (4 + head.tile_step - extent % head.tile_step) % head.tile_step
        index = geometry.mirrored_index(extent, head.margin, output + 2 * head.margin,
                                        inputs.device)
        seen = seen.index_select(axis, index)
    return head(self.extract_feat(seen))[:, :, :height, :width]


def _adaptive_padding(self: embed.AdaptivePadding, x: Tensor) -> Tensor:
    below, right = self.get_pad_shape(x.shape[2:])
    before = (right // 2, below // 2) if self.padding == 'same' else (0, 0)
    return F.pad(x, (before[0], right - before[0], before[1], below - before[1]))


def _pad_shape(self: embed.AdaptivePadding,
               size: Sequence[geometry.Size]) -> tuple[geometry.Size, ...]:
    return tuple(
        geometry.at_least((extent + stride - 1) // stride * stride - stride
                          + (kernel - 1) * dilation + 1 - extent, 0)
        for extent, stride, kernel, dilation
        in zip(size, self.stride, self.kernel_size, self.dilation))


def _window_attention(self: swin.ShiftWindowMSA, query: Tensor,
                      hw_shape: Sequence[geometry.Size]) -> Tensor:
    (height, width), side, shift = hw_shape, self.window_size, self.shift_size
    number, channels = query.shape[0], query.shape[2]
    below, right = (geometry.missing_to(extent, side) for extent in (height, width))
    x = F.pad(query.view(number, height, width, channels), (0, 0, 0, right, 0, below))
    mask = None
    if shift:
        x = torch.roll(x, (-shift, -shift), (1, 2))
        mask = geometry.shifted_window_mask(height + below, width + right, side, shift, x.device)
    windows = self.window_partition(x).view(-1, side * side, channels)
    windows = self.w_msa(windows, mask=None if mask is None else mask.to(x.dtype))
    x = windows.view(number, (height + below) // side, (width + right) // side, side, side,
                     channels)
    x = x.permute(0, 1, 3, 2, 4, 5).reshape(number, height + below, width + right, channels)
    if shift:
        x = torch.roll(x, (shift, shift), (1, 2))
    return self.drop(x[:, :height, :width].reshape(number, height * width, channels))


PADDING: dict[str, Callable] = dict(get_pad_shape=_pad_shape, forward=_adaptive_padding)
REWRITES: dict[type, dict[str, Callable]] = {
    nn.AdaptiveAvgPool2d: dict(forward=_adaptive_pool),
    FCNSkipHead: dict(_check=_fcn_check),
    SegNetEncoder: dict(forward=_segnet_encode),
    SegNetBasic: dict(forward=_segnet_basic_encode),
    SegNetHead: dict(forward=_segnet_decode),
    DeepLabHead: dict(predict_by_feat=_deeplab_upsample),
    DeepLabMScHead: dict(forward=_msc_score, predict=_msc_predict),
    MultiScaleEncoderDecoder: dict(encode_decode=_multi_scale),
    UnpaddedEncoderDecoder: dict(encode_decode=_unpadded),
    embed.AdaptivePadding: PADDING,
    mmcv_transformer.AdaptivePadding: PADDING,
    mmdet_transformer.AdaptivePadding: PADDING,
    swin.ShiftWindowMSA: dict(forward=_window_attention),
    mmdet_swin.ShiftWindowMSA: dict(forward=_window_attention),
}
