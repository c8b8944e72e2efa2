"""VGG16 with convolutional fc6 and fc7, the backbone of FCN."""
from collections.abc import Sequence

from mmseg.registry import MODELS
from torch import nn

from plugin.utils import UserError

from .vgg16 import STAGES, VGG16Base

GEOMETRIES = ('same', 'caffe')


@MODELS.register_module()
class FCNVGG16(VGG16Base):
    """VGG16 turned fully convolutional.

    J. Long, E. Shelhamer, T. Darrell, `Fully Convolutional Networks for Semantic Segmentation
    <https://arxiv.org/abs/1411.4038>`_, section 4.1, around configuration D of K. Simonyan and
    A. Zisserman, `Very Deep Convolutional Networks <https://arxiv.org/abs/1409.1556>`_.

    Layers carry the names of the published network: ``conv1_1`` ... ``conv5_3``, ``fc6``, ``fc7``.

    Args:
        in_channels (int): Channels of the image. Defaults to 3.
        base_channels (int): Maps of the first stage; the others have 2, 4, 8 and 8 times as many.
            Defaults to 64, the width of VGG16.
        fc_channels (int): Maps of fc6 and fc7. Defaults to 4096.
        out_indices (Sequence[str | int]): Layers to return, by name (``'conv1_1'`` ... ``'fc7'``,
            ``'pool1'`` ... ``'pool5'``) or by number: 0-4 are pool1-pool5, 5 is fc6, 6 is fc7.
            Convolutions are returned after their ReLU, fc6 and fc7 after their dropout.
            Defaults to ``('pool3', 'pool4', 'fc7')``: (N, 256, ceil(H/8), ceil(W/8)),
            (N, 512, ceil(H/16), ceil(W/16)) and (N, 4096, ceil(H/32), ceil(W/32)).
        geometry (str): ``'same'``: every convolution keeps its input's size, a level of stride
            ``s`` has ``ceil(H / s) x ceil(W / s)`` positions, and any input size will do.
            ``'caffe'``: the published network: ``conv1_1`` pads by 100, ``fc6`` does not pad, and
            the levels are larger than the image by margins that ``FCNSkipHead`` crops with the
            published offsets; at 512 x 512 it costs about twice as much. Defaults to ``'same'``.
        norm_cfg (dict, optional): Norm after each convolution, fc6 and fc7 included, e.g.
            ``dict(type='BN')``. Defaults to None, as published.
        dropout_ratio (float): Dropout after fc6 and fc7. Defaults to 0.5.
        norm_eval (bool): Keep the norms' running statistics fixed. Defaults to False.
        init_cfg (dict | list, optional): Defaults to He initialisation; for weights of ImageNet
            see ``tools/convert_vgg16.py``.
    """

    def __init__(self,
                 *,
                 in_channels: int = 3,
                 base_channels: int = 64,
                 fc_channels: int = 4096,
                 out_indices: Sequence[str | int] = ('pool3', 'pool4', 'fc7'),
                 geometry: str = 'same',
                 norm_cfg: dict | None = None,
                 dropout_ratio: float = 0.5,
                 norm_eval: bool = False,
                 init_cfg: dict | Sequence[dict] | None = None) -> None:
        super().__init__(norm_cfg=norm_cfg, dropout_ratio=dropout_ratio, norm_eval=norm_eval,
                         init_cfg=init_cfg)
        if geometry not in GEOMETRIES:
            raise UserError(f"geometry={geometry!r} is unknown: use 'same' or 'caffe'")
        self.geometry = geometry
        caffe = geometry == 'caffe'
        width = in_channels
        for stage, (depth, multiple) in enumerate(STAGES, 1):
            for layer in range(1, depth + 1):
                padding = 100 if caffe and (stage, layer) == (1, 1) else 1
                self.add_conv(f'conv{stage}_{layer}', width, base_channels * multiple, 3,
                              padding=padding)
                width = base_channels * multiple
            # rounding up, as Caffe does, loses no border of an odd image
            self.add_layer(f'pool{stage}', nn.MaxPool2d(2, 2, ceil_mode=True))
        self.add_conv('fc6', width, fc_channels, 7, padding=0 if caffe else 3)
        self.add_conv('fc7', fc_channels, fc_channels, 1, padding=0)
        self.set_outputs(out_indices)
