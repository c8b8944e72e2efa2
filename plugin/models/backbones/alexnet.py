"""AlexNet with convolutional fc6 and fc7, for FCN."""
from collections.abc import Sequence

from mmseg.registry import MODELS
from torch import nn

from plugin.utils import UserError

from .fcn_vgg16 import GEOMETRIES
from .vgg16 import VGG16Base

# maps of conv1 to conv5, groups of each, and whether the contrast is normalised after two poolings
VARIANTS = {
    'caffe': ((96, 256, 384, 384, 256), (1, 2, 1, 2, 2), True),
    'torchvision': ((64, 192, 384, 256, 256), (1, 1, 1, 1, 1), False),
}
KERNELS = (11, 5, 3, 3, 3)
POOLED = (1, 2, 5)


@MODELS.register_module()
class AlexNet(VGG16Base):
    """AlexNet turned fully convolutional, the backbone of FCN-AlexNet.

    A. Krizhevsky, I. Sutskever, G. Hinton, `ImageNet Classification with Deep Convolutional Neural
    Networks <https://papers.nips.cc/paper/4824>`_, as J. Long, E. Shelhamer, T. Darrell, `Fully
    Convolutional Networks for Semantic Segmentation <https://arxiv.org/abs/1411.4038>`_, section
    4.1, use it.

    Layers carry the names of the published network: ``conv1`` ... ``conv5``, ``fc6``, ``fc7``.

    Args:
        variant (str): ``'caffe'``: CaffeNet, as published: convolutions in two groups, pooling
            before local response normalisation. ``'torchvision'``: the single-tower network of
            A. Krizhevsky, `One weird trick <https://arxiv.org/abs/1404.5997>`_, without either.
            Defaults to ``'caffe'``.
        in_channels (int): Channels of the image. Defaults to 3.
        widen_factor (float): Scales the number of maps of the convolutions. Defaults to 1.
        fc_channels (int): Maps of fc6 and fc7. Defaults to 4096.
        out_indices (Sequence[str | int]): Layers to return, by name or by number: 0-2 are pool1,
            pool2 and pool5, 3 is fc6, 4 is fc7. Convolutions are returned after their ReLU, fc6
            and fc7 after their dropout. Defaults to ``('fc7', )``: (N, 4096, ceil(H/32),
            ceil(W/32)).
        geometry (str): ``'same'``: a level of stride ``s`` has ``ceil(H / s) x ceil(W / s)``
            positions; position ``i`` of fc7 has its centre at pixel ``32 * i + 16``, for
            ``FCNSkipHead(last_kernel=63, last_offset=15)``. ``'caffe'``: the published network:
            ``conv1`` pads by 100 and ``fc6`` does not pad, for ``FCNSkipHead(geometry='caffe',
            last_kernel=63, last_offset=18)``. Defaults to ``'same'``.
        norm_cfg (dict, optional): Norm after each convolution. Defaults to None, as published.
        dropout_ratio (float): Dropout after fc6 and fc7. Defaults to 0.5.
        norm_eval (bool): Keep the norms' running statistics fixed. Defaults to False.
        init_cfg (dict | list, optional): Defaults to He initialisation; for weights of ImageNet
            see ``tools/convert_classifier.py``.
    """

    INDEXED = ('pool1', 'pool2', 'pool5', 'fc6', 'fc7')

    def __init__(self,
                 *,
                 variant: str = 'caffe',
                 in_channels: int = 3,
                 widen_factor: float = 1.,
                 fc_channels: int = 4096,
                 out_indices: Sequence[str | int] = ('fc7', ),
                 geometry: str = 'same',
                 norm_cfg: dict | None = None,
                 dropout_ratio: float = 0.5,
                 norm_eval: bool = False,
                 init_cfg: dict | Sequence[dict] | None = None) -> None:
        super().__init__(norm_cfg=norm_cfg, dropout_ratio=dropout_ratio, norm_eval=norm_eval,
                         init_cfg=init_cfg)
        if variant not in VARIANTS:
            raise UserError(f"variant={variant!r} is unknown: use 'caffe' or 'torchvision'")
        if geometry not in GEOMETRIES:
            raise UserError(f"geometry={geometry!r} is unknown: use 'same' or 'caffe'")
        caffe = geometry == 'caffe'
        maps, groups, contrast = VARIANTS[variant]
        width = in_channels
        for number, (channels, kernel, parts) in enumerate(zip(maps, KERNELS, groups), 1):
            channels = round(channels * widen_factor)
            padding = 100 if caffe and number == 1 else kernel // 2
            self.add_conv(f'conv{number}', width, channels, kernel, padding=padding,
                          stride=4 if number == 1 else 1, groups=parts)
            width = channels
            if number in POOLED:
                # centred on every second position; or, as published, on what lies between, and
                # rounding up as Caffe does
                self.add_layer(f'pool{number}', nn.MaxPool2d(
                    3, 2, padding=0 if caffe else 1, ceil_mode=caffe))
            if contrast and number in POOLED[:2]:
                self.add_layer(f'norm{number}', nn.LocalResponseNorm(5))
        if not caffe:
            self.add_layer('pad6', nn.ZeroPad2d((2, 3, 2, 3)))
        self.add_conv('fc6', width, fc_channels, 6, padding=0)
        self.add_conv('fc7', fc_channels, fc_channels, 1, padding=0)
        self.set_outputs(out_indices)
