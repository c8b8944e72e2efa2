"""The expanding path of U-Net."""
from collections.abc import Sequence
from typing import overload

import torch
import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.losses import accuracy
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from plugin.utils import UserError

from ..layers import HE_FAN_IN
from ..layers.unet import UpConv, check_padding, double_conv, unpadded_margin, unpadded_output


@MODELS.register_module()
class UNetHead(BaseDecodeHead):
    """Up-convolutions that halve the maps, skips by concatenation, two 3x3 convolutions a level.

    O. Ronneberger, P. Fischer, T. Brox, `U-Net: Convolutional Networks for Biomedical Image
    Segmentation <https://arxiv.org/abs/1505.04597>`_, section 2 and figure 1. As in the figure,
    no ReLU follows the up-convolutions, and each halves the maps; the authors' Caffe files have
    that ReLU, and 128 maps in the last up-convolution.

    With ``padding='valid'`` the logits have ``margin`` pixels less on each side than the image.
    The loss compares them with the middle of the labels. For whole images there is
    :class:`~plugin.models.segmentors.UnpaddedEncoderDecoder`, for tiles
    ``test_cfg=dict(mode='tile')``; both mirror the border (figure 2).

    Samples that hold ``gt_weight_map``, a weight for each pixel (see
    :class:`~plugin.datasets.transforms.BorderWeight`), have it multiplied with their losses.

    Args:
        in_channels (Sequence[int]): Maps of the encoder's levels, fine to coarse. Defaults to
            those of the published network.
        num_classes (int): Number of classes ``C``.
        in_index (Sequence[int], optional): Where the levels stand in the backbone's output.
            Defaults to its first ones.
        padding (str): That of the encoder, ``'same'`` or ``'valid'``. Defaults to ``'same'``.
        dropout_ratio (float): Dropout before the classifier. Defaults to 0, as published.
        init_cfg (dict | list, optional): Defaults to He initialisation, see ``UNetEncoder``.
        kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`.

    Raises:
        UserError: If ``padding`` is unknown.
    """

    def __init__(self,
                 in_channels: Sequence[int] = (64, 128, 256, 512, 1024),
                 *,
                 num_classes: int,
                 in_index: Sequence[int] | None = None,
                 padding: str = 'same',
                 dropout_ratio: float = 0.,
                 init_cfg: dict | Sequence[dict] | None = None,
                 **kwargs) -> None:
        check_padding(padding)
        widths = tuple(in_channels)
        in_index = tuple(range(len(widths)) if in_index is None else in_index)
        super().__init__(widths, widths[0], num_classes=num_classes, in_index=in_index,
                         input_transform='multiple_select', dropout_ratio=dropout_ratio,
                         init_cfg=list(HE_FAN_IN) if init_cfg is None else init_cfg, **kwargs)
        self.padding = padding
        # fine to coarse, like the levels whose skips they take
        self.upconvs = nn.ModuleList(
            UpConv(below, width) for width, below in zip(widths, widths[1:]))
        self.levels = nn.ModuleList(
            double_conv(2 * width, width, padding, self.norm_cfg) for width in widths[:-1])

    @property
    def margin(self) -> int:
        """Pixels of the image that the logits lack on each side."""
        return unpadded_margin(len(self.in_channels)) if self.padding == 'valid' else 0

    @property
    def tile_step(self) -> int:
        """Pixels of the coarsest pooling grid: tiles at multiples of it leave no seam."""
        return 2 ** (len(self.in_channels) - 1)

    @overload
    def fitting_size(self, output_size: int) -> int: ...

    @overload
    def fitting_size(self, output_size: Sequence[int]) -> tuple[int, ...]: ...

    def fitting_size(self, output_size: int | Sequence[int]) -> int | tuple[int, ...]:
        """The smallest image whose logits are at least of this size.

        Args:
            output_size (int | Sequence[int]): Height or width of the logits, or both.

        Returns:
            int | tuple[int]: The same of the image; its logits are ``2 * margin`` smaller.
        """
        if not isinstance(output_size, int):
            return tuple(self.fitting_size(int(extent)) for extent in output_size)
        if not self.margin:
            return output_size
        return unpadded_output(output_size, len(self.in_channels)) + 2 * self.margin

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Score every pixel.

        Args:
            inputs (Sequence[Tensor]): The encoder's output, for an image of H x W.

        Returns:
            Tensor: Logits, (N, C, H, W), or (N, C, H - 2 margin, W - 2 margin).
        """
        *skips, x = self._transform_inputs(inputs)
        for level in reversed(range(len(skips))):
            x = self.upconvs[level](x)
            x, skip = self._align(x, skips[level], level)
            x = self.levels[level](torch.cat([x, skip], 1))
        return self.cls_seg(x)

    def _align(self, x: Tensor, skip: Tensor, level: int) -> tuple[Tensor, Tensor]:
        """Give both the same size: drop what rounding up has added, or crop the skip."""
        over = [up - kept for up, kept in zip(x.shape[2:], skip.shape[2:])]
        # pixels of this level that the levels below have lost on each side
        crop = 0
        if self.padding == 'valid':
            crop = 2 * unpadded_margin(len(self.in_channels) - 1 - level)
        allowed = (-2 * crop, ) if crop else (0, 1)
        if not all(extent in allowed for extent in over):
            raise UserError(
                f'level {level} of the encoder has {skip.shape[2]}x{skip.shape[3]} pixels and the '
                f'level below, twice enlarged, {x.shape[2]}x{x.shape[3]}: give backbone and head '
                "the same padding ('same' or 'valid'), and the head every level of the backbone")
        if crop:
            return x, skip[:, :, crop:-crop, crop:-crop]
        return x[:, :, :skip.shape[2], :skip.shape[3]], skip

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: list) -> dict[str, Tensor]:
        """Losses of the pixels that have logits, each times its weight if there are weights.

        Args:
            seg_logits (Tensor): Of :meth:`forward`.
            batch_data_samples (list[SegDataSample]): With ``gt_sem_seg`` of the images' size,
                and ``gt_weight_map`` in all of them or none.

        Returns:
            dict[str, Tensor]: See ``BaseDecodeHead.loss_by_feat``.
        """
        labels = self._stack_batch_gt(batch_data_samples)
        weight = self._stack_weights(batch_data_samples, labels.shape[2:])
        labels = self._middle(labels)[:, 0]
        seg_logits = self._at_size(seg_logits, labels.shape[1:])
        if weight is not None:
            weight = self._middle(weight)[:, 0]
        if self.sampler is not None:
            sampled = self.sampler.sample(seg_logits, labels[:, None])
            weight = sampled if weight is None else weight * sampled
        single = not isinstance(self.loss_decode, nn.ModuleList)
        losses: dict[str, Tensor] = {}
        for function in [self.loss_decode] if single else self.loss_decode:
            value = function(seg_logits, labels, weight=weight, ignore_index=self.ignore_index)
            name = function.loss_name
            losses[name] = losses[name] + value if name in losses else value
        losses['acc_seg'] = accuracy(seg_logits, labels, ignore_index=self.ignore_index)
        return losses

    def predict(self, inputs: Sequence[Tensor], batch_img_metas: list[dict],
                test_cfg: dict) -> Tensor:
        """Logits at the size of the padded image; see ``BaseDecodeHead.predict``.

        Raises:
            UserError: If ``padding='valid'``, and so the logits do not cover the image.
        """
        if not self.margin:
            return super().predict(inputs, batch_img_metas, test_cfg)
        logits, meta = self(inputs), batch_img_metas[0]
        # the size of a window of `slide` is a torch.Size
        window = isinstance(meta['img_shape'], torch.Size)
        size = meta['img_shape'] if window else meta.get('pad_shape', meta['img_shape'])
        if tuple(logits.shape[2:]) != tuple(size[:2]):
            raise UserError(
                f'the logits of this unpadded network lack {self.margin} pixels on each side of '
                f"the image of {size[0]}x{size[1]}: use the segmentor type="
                "'UnpaddedEncoderDecoder', which mirrors the border, or padding='same' in "
                'backbone and head')
        return logits

    def _at_size(self, seg_logits: Tensor, size: Sequence[int]) -> Tensor:
        if tuple(seg_logits.shape[2:]) == tuple(size):
            return seg_logits
        if self.margin:
            raise UserError(
                f'the logits have {seg_logits.shape[2]}x{seg_logits.shape[3]} pixels, the labels '
                f'without their border of {self.margin} pixels {size[0]}x{size[1]}: give labels '
                'of the size of the image')
        return resize(seg_logits, size, mode='bilinear', align_corners=self.align_corners)

    def _middle(self, maps: Tensor) -> Tensor:
        """The part of (N, 1, H, W) that has logits."""
        margin = self.margin
        return maps[:, :, margin:-margin, margin:-margin] if margin else maps

    @staticmethod
    def _stack_weights(samples: list, size: Sequence[int]) -> Tensor | None:
        """Weight maps, (N, 1, H, W), 0 where the images were padded; None without any."""
        maps = [sample.gt_weight_map.data for sample in samples if 'gt_weight_map' in sample]
        if not maps:
            return None
        if len(maps) < len(samples):
            raise UserError(f'{len(maps)} of {len(samples)} samples have a gt_weight_map: let '
                            'all training pipelines end in PackWeightedSegInputs, or none')
        # the data preprocessor pads images at the right and at the bottom, but not the weights
        return torch.stack([F.pad(one, (0, size[1] - one.shape[2], 0, size[0] - one.shape[1]))
                            for one in maps])
