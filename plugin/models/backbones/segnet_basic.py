"""The encoder of SegNet-Basic."""
from collections.abc import Sequence

from mmseg.registry import MODELS
from torch import Tensor, nn

from ..layers import Pooling
from .segnet_encoder import SegNetEncoder


@MODELS.register_module()
class SegNetBasic(SegNetEncoder):
    """Four layers of 64 maps, 7x7, each with batch norm, ReLU and pooling that keeps its indices.

    V. Badrinarayanan, A. Kendall, R. Cipolla, `SegNet: A Deep Convolutional Encoder-Decoder
    Architecture for Image Segmentation <https://arxiv.org/abs/1511.00561>`_, section 3.1. Layers
    are named ``conv1``, ``conv1_norm`` ... ``conv4_norm``.

    Returns the poolings of the stages, then the features of stride 16; see
    :meth:`SegNetEncoder.forward`. :class:`~plugin.models.decode_heads.SegNetHead` takes them.

    Args:
        in_channels (int): Channels of the image. Defaults to 3.
        channels (int): Maps of every layer. Defaults to 64.
        depth (int): Number of layers, and of poolings. Defaults to 4.
        kernel_size (int): Of the convolutions, odd. Defaults to 7.
        bias (bool): Whether the convolutions have a bias: not in the paper, but in the published
            model, where batch norm undoes it. Defaults to False.
        local_response_norm (bool): Normalise the contrast of the image across its channels, as
            the published model does (5 channels, alpha 0.0001, beta 0.75); for images of 0..255
            without mean and standard deviation. Defaults to False.
        norm_cfg (dict, optional): Norm after each convolution. Defaults to batch norm.
        norm_eval (bool): Keep the norms' running statistics fixed. Defaults to False.
        init_cfg (dict | list, optional): Defaults to He initialisation.
    """

    def __init__(self, *, in_channels: int = 3, channels: int = 64, depth: int = 4,
                 kernel_size: int = 7, bias: bool = False, local_response_norm: bool = False,
                 norm_cfg: dict | None = None, norm_eval: bool = False,
                 init_cfg: dict | Sequence[dict] | None = None) -> None:
        super().__init__([[(f'conv{layer}', channels)] for layer in range(1, depth + 1)],
                         in_channels=in_channels, kernel_size=kernel_size, bias=bias,
                         norm_cfg=norm_cfg or dict(type='BN'), norm_eval=norm_eval,
                         init_cfg=init_cfg)
        self.contrast = nn.LocalResponseNorm(5) if local_response_norm else nn.Identity()

    def forward(self, x: Tensor) -> tuple[Pooling | Tensor, ...]:
        """Encode images; see :meth:`SegNetEncoder.forward`."""
        return super().forward(self.contrast(x))
