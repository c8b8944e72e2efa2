"""Atrous spatial pyramid pooling of DeepLab v2."""
from collections import OrderedDict
from collections.abc import Sequence

from mmseg.registry import MODELS
from torch import Tensor, nn

from plugin.utils import UserError

from .deeplab_head import DeepLabHead


@MODELS.register_module()
class ASPPSumHead(DeepLabHead):
    """Scores of parallel dilated convolutions, summed.

    L.-C. Chen, G. Papandreou, I. Kokkinos, K. Murphy, A. Yuille, `DeepLab: Semantic Image
    Segmentation with Deep Convolutional Nets, Atrous Convolution, and Fully Connected CRFs
    <https://arxiv.org/abs/1606.00915>`_, section 3.2 and figure 7. ASPP-L has the dilations 6, 12,
    18 and 24, ASPP-S 2, 4, 8 and 12. On ResNet-101 a branch is one 3 x 3 convolution to the
    classes. On VGG16 it is fc6 (3 x 3, dilated), fc7 and fc8 (1 x 1).

    Each branch has its own classifier; there is no common layer ``conv_seg``.

    Args:
        in_channels (int): Channels of the backbone's last level.
        num_classes (int): Number of classes ``C``.
        dilations (Sequence[int]): Of the branches. Defaults to ``(6, 12, 18, 24)``.
        fc_channels (int, optional): Maps of fc6 and fc7, 1024 for VGG16. Defaults to None: the
            branches have neither.
        fc_dropout (float): Dropout after fc6 and fc7. Defaults to 0.5.
        kwargs: Of :class:`~plugin.models.decode_heads.deeplab_head.DeepLabHead`.
    """

    def __init__(self,
                 in_channels: int,
                 *,
                 num_classes: int,
                 dilations: Sequence[int] = (6, 12, 18, 24),
                 fc_channels: int | None = None,
                 fc_dropout: float = 0.5,
                 init_cfg: dict | None = None,
                 **kwargs) -> None:
        if init_cfg is None:
            init_cfg = dict(type='Kaiming', layer='Conv2d',
                            override=dict(type='Normal', name='classifiers', std=0.01))
        if not dilations:
            raise UserError('dilations=() makes no branch: give at least one, e.g. (6, 12)')
        # BaseDecodeHead builds a classifier of one map, which those of the branches replace
        super().__init__(in_channels, 1, num_classes=num_classes, init_cfg=init_cfg, **kwargs)
        del self.conv_seg
        self.dilations = tuple(dilations)
        self.channels = fc_channels or in_channels
        self.trunks, self.classifiers = nn.ModuleList(), nn.ModuleList()
        for rate in self.dilations:
            if fc_channels is None:
                self.trunks.append(nn.Identity())
                self.classifiers.append(nn.Conv2d(in_channels, self.out_channels, 3, padding=rate,
                                                  dilation=rate))
            else:
                self.trunks.append(_trunk(in_channels, fc_channels, rate, fc_dropout))
                self.classifiers.append(nn.Conv2d(fc_channels, self.out_channels, 1))

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Score the positions of the backbone's last level.

        Args:
            inputs (Sequence[Tensor]): The backbone's output, the last level
                (N, in_channels, h, w).

        Returns:
            Tensor: Logits, (N, C, h, w).
        """
        x = self._transform_inputs(inputs)
        if self.dropout is not None:
            x = self.dropout(x)
        return sum(classifier(trunk(x))
                   for trunk, classifier in zip(self.trunks, self.classifiers))


def _trunk(in_channels: int, channels: int, dilation: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(OrderedDict(
        fc6=nn.Conv2d(in_channels, channels, 3, padding=dilation, dilation=dilation),
        relu6=nn.ReLU(inplace=True),
        drop6=nn.Dropout(dropout),
        fc7=nn.Conv2d(channels, channels, 1),
        relu7=nn.ReLU(inplace=True),
        drop7=nn.Dropout(dropout)))
