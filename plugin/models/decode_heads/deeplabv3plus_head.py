"""The decoder of DeepLabv3+ with plain convolutions."""
from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.aspp_head import ASPPHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class DeepLabV3PlusHead(ASPPHead):
    """ASPP and a decoder over the first level, all of plain convolutions.

    L.-C. Chen, Y. Zhu, G. Papandreou, F. Schroff, H. Adam, `Encoder-Decoder with Atrous Separable
    Convolution for Semantic Image Segmentation <https://arxiv.org/abs/1802.02611>`_, section 4.1:
    the ASPP of DeepLabv3 is enlarged to the first level, joined with 1 x 1 convolutions of it, and
    refined by two 3 x 3 convolutions. That is the network of the paper's rows on ResNet-101; on
    Xception ASPP and decoder are separable, as in MMSegmentation's ``DepthwiseSeparableASPPHead``.

    Args:
        c1_in_channels (int): Channels of the first level, ``inputs[0]``.
        c1_channels (int): Maps that are made of it, 48 in the paper.
        fuse_size (int): Kernel of the convolution that joins the branches of the ASPP, odd.
            Defaults to 1, as in the paper; MMSegmentation's heads and U2PL have 3.
        kwargs: Of :class:`mmseg.models.decode_heads.ASPPHead`.
    """

    def __init__(self, c1_in_channels: int, c1_channels: int, *, fuse_size: int = 1,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        branches = (len(self.dilations) + 1) * self.channels
        self.bottleneck = self._convolution(branches, self.channels, fuse_size)
        self.c1_bottleneck = self._convolution(c1_in_channels, c1_channels, 1)
        self.decoder = nn.Sequential(
            self._convolution(self.channels + c1_channels, self.channels, 3),
            self._convolution(self.channels, self.channels, 3))

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Score the positions of the first level.

        Args:
            inputs (Sequence[Tensor]): The backbone's output; the first level (N, C1, h, w).

        Returns:
            Tensor: Logits, (N, C, h, w).
        """
        fine = self.c1_bottleneck(inputs[0])
        coarse = resize(self._forward_feature(inputs), size=fine.shape[2:], mode='bilinear',
                        align_corners=self.align_corners)
        return self.cls_seg(self.decoder(torch.cat([coarse, fine], dim=1)))

    def _convolution(self, inputs: int, outputs: int, size: int) -> ConvModule:
        return ConvModule(inputs, outputs, size, padding=size // 2, conv_cfg=self.conv_cfg,
                          norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
