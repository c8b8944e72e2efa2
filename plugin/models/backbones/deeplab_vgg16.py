"""VGG16 at stride 8 with a large field of view, the backbone of DeepLab v1."""
from collections.abc import Sequence

from mmseg.registry import MODELS
from torch import nn

from .vgg16 import STAGES, VGG16Base

STRIDES = (2, 2, 2, 1, 1)  # of the poolings


@MODELS.register_module()
class DeepLabVGG16(VGG16Base):
    """DeepLab-LargeFOV up to its classifier: VGG16 whose last two poolings do not stride.

    L.-C. Chen, G. Papandreou, I. Kokkinos, K. Murphy, A. Yuille, `Semantic Image Segmentation with
    Deep Convolutional Nets and Fully Connected CRFs <https://arxiv.org/abs/1412.7062>`_, section 3,
    and the published model DeepLab-LargeFOV. The poolings are 3 x 3 as published, conv5 has
    dilation 2, fc6 is 3 x 3 with dilation 12.

    All kernels are odd and centred, so that position ``i`` of a level of stride ``s`` stands for
    pixel ``s * i``: 41 positions cover 321 pixels. A level of an even size has a last position
    beyond the image.

    Layers carry the names of the published network: ``conv1_1`` ... ``conv5_3``, ``fc6``, ``fc7``.

    Args:
        in_channels (int): Channels of the image. Defaults to 3.
        base_channels (int): Maps of the first stage; the others have 2, 4, 8 and 8 times as many.
            Defaults to 64, the width of VGG16.
        fc_channels (int, optional): Maps of fc6 and fc7. None ends the network at pool5, for the
            ASPP of DeepLab v2. Defaults to 1024.
        fc_dilation (int): Dilation of fc6. Defaults to 12.
        average_pool (bool): 3 x 3 average pooling of stride 1 before fc6. Not in the paper, but
            in the published model. Defaults to True.
        out_indices (Sequence[str | int]): Layers to return, by name (``'data'``, which is the
            image, ``'conv1_1'`` ... ``'fc7'``, ``'pool1'`` ... ``'pool5'``) or by number: 0-4 are
            pool1-pool5, 5 is fc6, 6 is fc7. Convolutions are returned after their ReLU, fc6 and
            fc7 after their dropout. Defaults to ``('fc7', )``: (N, 1024, h, w) with
            ``h = ceil((H - 1) / 8) + 1``; pool1 has stride 2, pool2 4, the rest 8.
        norm_cfg (dict, optional): Norm after each convolution. Defaults to None, as published.
        dropout_ratio (float): Dropout after fc6 and fc7. Defaults to 0.5.
        norm_eval (bool): Keep the norms' running statistics fixed. Defaults to False.
        frozen (bool): No layer learns and norms keep their statistics, for training the branches of
            MSc on top of a trained network; dropout stays active. Defaults to False.
        init_cfg (dict | list, optional): Defaults to He initialisation; for weights of ImageNet
            see ``tools/convert_vgg16.py --network deeplabv1``.
    """

    def __init__(self,
                 *,
                 in_channels: int = 3,
                 base_channels: int = 64,
                 fc_channels: int | None = 1024,
                 fc_dilation: int = 12,
                 average_pool: bool = True,
                 out_indices: Sequence[str | int] = ('fc7', ),
                 norm_cfg: dict | None = None,
                 dropout_ratio: float = 0.5,
                 norm_eval: bool = False,
                 frozen: bool = False,
                 init_cfg: dict | Sequence[dict] | None = None) -> None:
        super().__init__(norm_cfg=norm_cfg, dropout_ratio=dropout_ratio,
                         norm_eval=norm_eval or frozen, init_cfg=init_cfg)
        self.add_layer('data', nn.Identity())
        width = in_channels
        for stage, ((depth, multiple), stride) in enumerate(zip(STAGES, STRIDES), 1):
            dilation = 2 if stage == 5 else 1
            for layer in range(1, depth + 1):
                self.add_conv(f'conv{stage}_{layer}', width, base_channels * multiple, 3,
                              padding=dilation, dilation=dilation)
                width = base_channels * multiple
            # rounding up, as Caffe does
            self.add_layer(f'pool{stage}', nn.MaxPool2d(3, stride, padding=1, ceil_mode=True))
        if fc_channels is not None:
            if average_pool:
                self.add_layer('pool5a', nn.AvgPool2d(3, 1, padding=1))
            self.add_conv('fc6', width, fc_channels, 3, padding=fc_dilation, dilation=fc_dilation)
            self.add_conv('fc7', fc_channels, fc_channels, 1, padding=0)
        self.set_outputs(out_indices)
        if frozen:
            self.requires_grad_(False)
