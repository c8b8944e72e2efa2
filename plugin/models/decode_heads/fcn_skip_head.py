"""The decoder of FCN-32s, FCN-16s and FCN-8s."""
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from plugin.utils import UserError

from ..layers import BilinearDeconv

# names of the published network: upsampling of the coarser scores, scoring of the finer level
FUSIONS = (('upscore2', 'score_pool4'), ('upscore_pool4', 'score_pool3'))
LAST = {32: 'upscore', 16: 'upscore16', 8: 'upscore8'}
# the published margins: of pool4 and pool3 at their fusion, and of the image
CAFFE_OFFSETS = dict(score_pool4=5, score_pool3=9, upscore=19, upscore16=27, upscore8=31)


@MODELS.register_module()
class FCNSkipHead(BaseDecodeHead):
    """Scores of the strides 32, 16 and 8, upsampled, added and brought to the image's size.

    J. Long, E. Shelhamer, T. Darrell, `Fully Convolutional Networks for Semantic Segmentation
    <https://arxiv.org/abs/1411.4038>`_, section 4.2 and figure 3. Layers carry the names of the
    published network: ``score_fr``, ``upscore2``, ``score_pool4``, ``upscore_pool4``,
    ``score_pool3``, ``upscore8``; FCN-16s ends in ``upscore16``, FCN-32s in ``upscore``.

    All score layers start at zero, so that a network which continues an earlier stage (32s, then
    16s, then 8s) first computes that stage's scores, upsampled.

    Args:
        in_channels (int | Sequence[int]): Channels of the levels from fine to coarse, the coarsest
            (stride 32) last. FCN-8s uses the last three, FCN-16s two, FCN-32s one; more may be
            given, so that one setting serves all three.
        num_classes (int): Number of classes ``C``.
        stride (int): 32, 16 or 8. Defaults to 8.
        in_index (int | Sequence[int], optional): Where the levels stand in the backbone's output.
            Defaults to its last ones.
        upsample (str): ``'deconv'``: transposed convolutions that start as bilinear interpolation;
            ``'bilinear'``: interpolation without weights, which deployment engines prefer.
            Defaults to ``'deconv'``.
        learn_upsample (bool): Whether the transposed convolutions learn; those of the published
            code do not. Defaults to True.
        at_once (bool): Scale pool4 and pool3, for training without stages. Defaults to False.
        skip_scales (Sequence[float]): By how much, pool4 first. A score that starts at zero moves
            in proportion to the square of what it sees, so that the scales belong to the size of
            the backbone's activations. Defaults to ``(0.01, 0.0001)``, as published for Caffe's
            VGG16, which sees images of 0..255.
        geometry (str): ``'same'`` for levels of ``ceil(H / s) x ceil(W / s)`` positions, as every
            backbone gives; ``'caffe'`` for ``FCNVGG16(geometry='caffe')``: crops with the published
            offsets. Defaults to ``'same'``.
        last_kernel (int, optional): Size of the last transposed convolution: ``2 * stride``, or
            ``2 * stride - 1`` as in the published FCN-AlexNet. Defaults to the first.
        last_offset (int, optional): Where the image begins in the scores, upsampled and not
            cropped. With a kernel of ``k`` pixels it is ``(k - 1) / 2 - p`` for a coarsest level
            whose first position has its centre at pixel ``p``. Defaults to what the geometry says,
            for the default kernel.
        dropout_ratio (float): Dropout before ``score_fr``; ``FCNVGG16`` has its own.
            Defaults to 0.
        kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`.
    """

    def __init__(self,
                 in_channels: int | Sequence[int],
                 *,
                 num_classes: int,
                 stride: int = 8,
                 in_index: int | Sequence[int] | None = None,
                 upsample: str = 'deconv',
                 learn_upsample: bool = True,
                 at_once: bool = False,
                 skip_scales: Sequence[float] = (0.01, 0.0001),
                 geometry: str = 'same',
                 last_kernel: int | None = None,
                 last_offset: int | None = None,
                 dropout_ratio: float = 0.,
                 init_cfg: dict | None = None,
                 **kwargs) -> None:
        in_channels, in_index = _levels(in_channels, in_index, stride)
        _check_settings(upsample, geometry, stride, skip_scales, last_kernel, last_offset)
        # BaseDecodeHead builds a classifier of `channels` maps, which the scores replace
        super().__init__(in_channels, 1, num_classes=num_classes, in_index=in_index,
                         input_transform='multiple_select', dropout_ratio=dropout_ratio,
                         init_cfg=init_cfg, **kwargs)
        del self.conv_seg
        self.channels = in_channels[-1]
        self.stride = stride
        self.upsample = upsample
        self.at_once = at_once
        self.skip_scales = dict(zip(('score_pool4', 'score_pool3'), skip_scales, strict=True))
        self.geometry = geometry
        published = CAFFE_OFFSETS[LAST[stride]] if geometry == 'caffe' else 0
        self.last_offset = published if last_offset is None else last_offset

        self.score_fr = _zero_score(in_channels[-1], self.out_channels)
        self._fusions = FUSIONS[:len(in_channels) - 1]
        for (upscore, score), channels in zip(self._fusions, in_channels[-2::-1]):
            self.add_module(score, _zero_score(channels, self.out_channels))
            self._add_upscore(upscore, 2, cropped=geometry == 'same', learnable=learn_upsample)
        self._add_upscore(LAST[stride], stride, kernel_size=last_kernel, learnable=learn_upsample,
                          cropped=geometry == 'same' and last_offset is None)

    def _add_upscore(self, name: str, factor: int, *, cropped: bool, learnable: bool,
                     kernel_size: int | None = None) -> None:
        if self.upsample == 'deconv':
            self.add_module(name, BilinearDeconv(
                self.out_channels, factor, kernel_size=kernel_size, cropped=cropped,
                learnable=learnable))

    def forward(self, inputs: Sequence[Tensor],
                size: tuple[int, int] | None = None) -> Tensor:
        """Score every pixel.

        Args:
            inputs (Sequence[Tensor]): The backbone's output; the level of stride ``s`` is
                (N, channels, ceil(H / s), ceil(W / s)).
            size (tuple[int, int], optional): ``(H, W)`` of the image. Defaults to ``stride``
                times the size of the finest level used, which is the image's where it is a
                multiple of ``stride``; ``geometry='caffe'`` needs it.

        Returns:
            Tensor: Logits, (N, C, H, W).
        """
        levels: list[Tensor] = list(self._transform_inputs(inputs))
        size = self._check(levels, size)
        scores = levels.pop()
        if self.dropout is not None:
            scores = self.dropout(scores)
        scores = self.score_fr(scores)
        for upscore, score in self._fusions:
            level = levels.pop()
            if self.at_once:
                level = level * self.skip_scales[score]
            fine = getattr(self, score)(level)
            scores = self._upscore(upscore, scores, 2)
            if self.geometry == 'caffe':
                fine = _crop(fine, scores.shape[2:], CAFFE_OFFSETS[score])
            else:
                scores = _crop(scores, fine.shape[2:])
            scores = scores + fine
        scores = self._upscore(LAST[self.stride], scores, self.stride)
        return _crop(scores, size, self.last_offset)

    def _upscore(self, name: str, scores: Tensor, factor: int) -> Tensor:
        if self.upsample == 'deconv':
            return getattr(self, name)(scores)
        return F.interpolate(scores, scale_factor=factor, mode='bilinear', align_corners=False)

    def _check(self, levels: list[Tensor], size: Sequence[int] | None) -> tuple[int, int]:
        """Size of the logits; an error where the levels cannot belong to such an image."""
        if size is None:
            if self.geometry == 'caffe':
                raise UserError("geometry='caffe' needs the image's size: "
                                'call forward(inputs, size=(H, W))')
            size = [extent * self.stride for extent in levels[0].shape[2:]]
        height, width = int(size[0]), int(size[1])
        for place, level in enumerate(levels if self.geometry == 'same' else ()):
            stride = self.stride * 2**place
            found, expected = tuple(level.shape[2:]), (-(-height // stride), -(-width // stride))
            if found != expected:
                raise UserError(
                    f'the level of stride {stride} has {found[0]}x{found[1]} positions, but an '
                    f'image of {height}x{width} pixels gives {expected[0]}x{expected[1]}: let '
                    f'in_index={list(self.in_index)} name the levels of the last strides 8, 16, '
                    "32, and give backbone and head the same geometry ('same' or 'caffe'); a "
                    "vision transformer has one stride for all, and needs patches of 16 and neck="
                    "dict(type='Feature2Pyramid') of MMSegmentation")
        return height, width

    def loss(self, inputs: Sequence[Tensor], batch_data_samples: list, train_cfg: dict) -> dict:
        """Losses at the size of the labels; see ``BaseDecodeHead.loss``."""
        size = batch_data_samples[0].gt_sem_seg.shape
        return self.loss_by_feat(self(inputs, size), batch_data_samples)

    def predict(self, inputs: Sequence[Tensor], batch_img_metas: list[dict],
                test_cfg: dict) -> Tensor:
        """Logits at the size of the padded image; see ``BaseDecodeHead.predict``."""
        meta = batch_img_metas[0]
        # the size of a window of `slide` is a torch.Size
        window = isinstance(meta['img_shape'], torch.Size)
        size = meta['img_shape'] if window else meta.get('pad_shape', meta['img_shape'])
        return self(inputs, size[:2])


def _levels(in_channels: int | Sequence[int], in_index: int | Sequence[int] | None,
            stride: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Channels and places of the levels that an FCN of this stride uses, fine to coarse."""
    if stride not in LAST:
        raise UserError(f'stride={stride!r} is unknown: use 32, 16 or 8')
    count = {32: 1, 16: 2, 8: 3}[stride]
    channels = (in_channels, ) if isinstance(in_channels, int) else tuple(in_channels)
    if in_index is None:
        in_index = range(-len(channels), 0)
    index = (in_index, ) if isinstance(in_index, int) else tuple(in_index)
    if len(channels) < count or len(index) != len(channels):
        raise UserError(
            f'FCN-{stride}s fuses {count} level(s), but in_channels={in_channels} and in_index='
            f'{index} name {len(channels)} and {len(index)}: give the channels and places of '
            f'strides {", ".join(str(s) for s in (8, 16, 32) if s >= stride)}, fine to coarse')
    return channels[-count:], index[-count:]


def _check_settings(upsample: str, geometry: str, stride: int, skip_scales: Sequence[float],
                    last_kernel: int | None, last_offset: int | None) -> None:
    if upsample not in ('deconv', 'bilinear'):
        raise UserError(f"upsample={upsample!r} is unknown: use 'deconv' or 'bilinear'")
    if geometry not in ('same', 'caffe'):
        raise UserError(f"geometry={geometry!r} is unknown: use 'same' or 'caffe'")
    moved = geometry == 'caffe' or last_kernel is not None or last_offset is not None
    if upsample == 'bilinear' and moved:
        raise UserError("geometry='caffe', last_kernel and last_offset are those of transposed "
                        "convolutions: use upsample='deconv'")
    if last_kernel not in (None, 2 * stride, 2 * stride - 1):
        raise UserError(f'last_kernel={last_kernel} does not interpolate at stride {stride}: use '
                        f'{2 * stride} or {2 * stride - 1}')
    if last_kernel == 2 * stride - 1 and last_offset is None:
        raise UserError(f'last_kernel={last_kernel} has its centre on a pixel, so that the image '
                        'begins elsewhere: give last_offset as well')
    if len(skip_scales) != 2 or min(skip_scales) <= 0:
        raise UserError(f'skip_scales={tuple(skip_scales)} does not scale pool4 and pool3: give '
                        'two positive numbers, e.g. (0.01, 0.0001)')


def _zero_score(in_channels: int, out_channels: int) -> nn.Conv2d:
    score = nn.Conv2d(in_channels, out_channels, 1)
    assert score.bias is not None
    nn.init.zeros_(score.weight)
    nn.init.zeros_(score.bias)
    return score


def _crop(x: Tensor, size: Sequence[int], offset: int = 0) -> Tensor:
    """Cut ``size`` out of the last two dimensions, from ``offset`` on."""
    if x.shape[2] < offset + size[0] or x.shape[3] < offset + size[1]:
        raise UserError(
            f'cannot crop {size[0]}x{size[1]} at offset {offset} from scores of {x.shape[2]}x'
            f"{x.shape[3]}: geometry='caffe' in the head needs FCNVGG16(geometry='caffe')")
    return x[:, :, offset:offset + size[0], offset:offset + size[1]]
