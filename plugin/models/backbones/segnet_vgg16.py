"""The encoder of SegNet: VGG16 with batch norm that keeps its max-pooling indices."""
from collections.abc import Sequence

from mmseg.registry import MODELS

from .segnet_encoder import SegNetEncoder
from .vgg16 import STAGES


@MODELS.register_module()
class SegNetVGG16(SegNetEncoder):
    """The 13 convolutions of VGG16, each with batch norm and ReLU, in five stages.

    V. Badrinarayanan, A. Kendall, R. Cipolla, `SegNet: A Deep Convolutional Encoder-Decoder
    Architecture for Image Segmentation <https://arxiv.org/abs/1511.00561>`_, section 3. Every
    convolution has a bias, as in the published model and in torchvision's ``vgg16_bn``, whose
    weights ``tools/convert_vgg16.py --network segnet`` brings. Layers are named ``conv1_1``,
    ``conv1_1_norm`` ... ``conv5_3_norm``.

    Returns the poolings of the five stages, then the features of stride 32; see
    :meth:`SegNetEncoder.forward`. :class:`~plugin.models.decode_heads.SegNetHead` takes them.

    Args:
        in_channels (int): Channels of the image. Defaults to 3.
        base_channels (int): Maps of the first stage; the others have 2, 4, 8 and 8 times as many.
            Defaults to 64, the width of VGG16.
        norm_cfg (dict, optional): Norm after each convolution. Defaults to batch norm.
        norm_eval (bool): Keep the norms' running statistics fixed. Defaults to False.
        init_cfg (dict | list, optional): Defaults to He initialisation.
    """

    def __init__(self, *, in_channels: int = 3, base_channels: int = 64,
                 norm_cfg: dict | None = None, norm_eval: bool = False,
                 init_cfg: dict | Sequence[dict] | None = None) -> None:
        stages = [[(f'conv{stage}_{layer}', base_channels * multiple)
                   for layer in range(1, depth + 1)]
                  for stage, (depth, multiple) in enumerate(STAGES, 1)]
        super().__init__(stages, in_channels=in_channels, kernel_size=3, bias=True,
                         norm_cfg=norm_cfg or dict(type='BN'), norm_eval=norm_eval,
                         init_cfg=init_cfg)
