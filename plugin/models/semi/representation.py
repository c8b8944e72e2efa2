"""The representation head of contrastive methods."""
from mmcv.cnn import ConvModule
from torch import Tensor, nn


class RepresentationHead(nn.Sequential):
    """Maps the features of a decode head to the space in which pixels are contrasted.

    The head ``g`` of Y. Wang et al., `U2PL <https://arxiv.org/abs/2203.03884>`_, section 3.1:
    two blocks of 3x3 convolution, batch norm and ReLU, and a 1x1 convolution.

    Args:
        in_channels (int): Channels that enter the classifier of the decode head.
        channels (int): Channels of the two blocks. Defaults to 256.
        out_channels (int): Dimensions ``D`` of the result. Defaults to 256.
        norm_cfg (dict, optional): Config of the norm, e.g. ``dict(type='SyncBN')`` where several
            processes train. Defaults to ``dict(type='BN')``.
    """

    def __init__(self, in_channels: int, channels: int = 256, out_channels: int = 256, *,
                 norm_cfg: dict | None = None) -> None:
        norm_cfg = dict(type='BN') if norm_cfg is None else norm_cfg
        super().__init__(
            ConvModule(in_channels, channels, 3, padding=1, norm_cfg=norm_cfg),
            ConvModule(channels, channels, 3, padding=1, norm_cfg=norm_cfg),
            nn.Conv2d(channels, out_channels, 1))
        self.out_channels = out_channels

    def forward(self, features: Tensor) -> Tensor:
        """Features (N, in_channels, h, w) to representations (N, D, h, w), not normalised."""
        return super().forward(features)
