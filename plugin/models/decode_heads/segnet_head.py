"""The decoder of SegNet and SegNet-Basic."""
from collections.abc import Sequence

import torch
from mmcv.cnn import build_norm_layer
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from plugin.utils import UserError

from ..layers import HE_FAN_IN, Pooling, max_unpool

# the mirror image of VGG16; the classifier is the last convolution of the last stage
VGG16_STAGES = ((512, 512, 512), (512, 512, 256), (256, 256, 128), (128, 64), (64, ))


@MODELS.register_module()
class SegNetHead(BaseDecodeHead):
    """Stages that unpool with the encoder's indices and convolve; the last scores the classes.

    V. Badrinarayanan, A. Kendall, R. Cipolla, `SegNet: A Deep Convolutional Encoder-Decoder
    Architecture for Image Segmentation <https://arxiv.org/abs/1511.00561>`_, section 3. Layers
    carry the names of the published model (``conv5_3_D`` ... ``conv1_2_D``, each with ``_norm``);
    ``conv_seg`` has neither norm nor ReLU. The logits have exactly the size of the image.

    For SegNet-Basic: ``in_channels=64, stages=((64, ),) * 4, kernel_size=7, classifier_size=1,
    relu=False, bias=False``.

    Args:
        in_channels (int): Maps of the encoder's features. Defaults to 512.
        num_classes (int): Number of classes ``C``.
        stages (Sequence[Sequence[int]]): Maps of the convolutions of each stage, the coarsest
            first; a stage ends in as many maps as the encoder pools there. Defaults to the mirror
            image of VGG16.
        kernel_size (int): Of all convolutions but the classifier, odd. Defaults to 3.
        classifier_size (int): Kernel of ``conv_seg``, odd. Defaults to 3.
        relu (bool): ReLU after each norm. Defaults to True.
        bias (bool): Whether the convolutions have a bias before their norm, as in the published
            model. Defaults to True.
        norm_cfg (dict, optional): Norm after each convolution. Defaults to batch norm.
        dropout_ratio (float): Dropout before the classifier. Defaults to 0.
        init_cfg (dict | list, optional): Defaults to He initialisation.
        kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`.
    """

    def __init__(self,
                 in_channels: int = 512,
                 *,
                 num_classes: int,
                 stages: Sequence[Sequence[int]] = VGG16_STAGES,
                 kernel_size: int = 3,
                 classifier_size: int = 3,
                 relu: bool = True,
                 bias: bool = True,
                 norm_cfg: dict | None = None,
                 dropout_ratio: float = 0.,
                 init_cfg: dict | Sequence[dict] | None = None,
                 **kwargs) -> None:
        if any(size % 2 == 0 for size in (kernel_size, classifier_size)):
            raise UserError(f'kernel_size={kernel_size} and classifier_size={classifier_size} '
                            'must be odd: an even kernel changes the size of the maps')
        super().__init__(in_channels, stages[-1][-1], num_classes=num_classes,
                         norm_cfg=norm_cfg or dict(type='BN'), dropout_ratio=dropout_ratio,
                         init_cfg=list(HE_FAN_IN) if init_cfg is None else init_cfg, **kwargs)
        self.relu = relu
        self._stages: list[list[str]] = []
        width = in_channels
        for number, stage in zip(range(len(stages), 0, -1), stages):
            # in the first stage conv1_1_D is the classifier
            last = len(stage) + (number == 1)
            names = [f'conv{number}_{last - k}_D' for k in range(len(stage))]
            for name, channels in zip(names, stage):
                self.add_module(name, nn.Conv2d(width, channels, kernel_size,
                                                padding=kernel_size // 2, bias=bias))
                self.add_module(f'{name}_norm', build_norm_layer(self.norm_cfg, channels)[1])
                width = channels
            self._stages.append(names)
        self.conv_seg = nn.Conv2d(width, self.out_channels, classifier_size,
                                  padding=classifier_size // 2)

    def forward(self, inputs: Sequence[Pooling | Tensor]) -> Tensor:
        """Score every pixel.

        Args:
            inputs (Sequence[Pooling | Tensor]): What ``SegNetVGG16`` or ``SegNetBasic`` returns
                of images (N, 3, H, W).

        Returns:
            Tensor: Logits, (N, C, H, W).

        Raises:
            UserError: If the backbone is another one, or does not fit ``stages``.
        """
        x, poolings = self._transform_inputs(inputs)
        for names, pooling in zip(self._stages, reversed(poolings)):
            x = max_unpool(x, pooling)
            for name in names:
                x = getattr(self, f'{name}_norm')(getattr(self, name)(x))
                if self.relu:
                    x = torch.relu_(x)
        return self.cls_seg(x)

    def _transform_inputs(
            self, inputs: Sequence[Pooling | Tensor]) -> tuple[Tensor, list[Pooling]]:
        """Separate the features from the poolings."""
        *parts, features = inputs
        poolings = [part for part in parts if isinstance(part, Pooling)]
        if not parts or len(poolings) < len(parts) or not isinstance(features, Tensor):
            found = ', '.join(type(part).__name__ for part in inputs)
            raise UserError(f'SegNetHead unpools with indices, but the backbone returns {found}: '
                            'use the backbone SegNetVGG16 or SegNetBasic, without a neck')
        if len(poolings) != len(self._stages):
            raise UserError(f'the backbone pools {len(poolings)} times, but SegNetHead has '
                            f'{len(self._stages)} stages: give stages one entry for each pooling')
        return features, poolings
