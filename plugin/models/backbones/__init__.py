"""Backbones, one network a file: AlexNet, VGG16, GoogLeNet, ResNet, DINOv2, U-Net and others."""
from .alexnet import AlexNet
from .cascaded_resnet import CascadedResNet
from .deeplab_vgg16 import DeepLabVGG16
from .dinov2 import DINOv2
from .fcn_vgg16 import FCNVGG16
from .googlenet import GoogLeNet
from .segnet_basic import SegNetBasic
from .segnet_vgg16 import SegNetVGG16
from .unet_encoder import UNetEncoder
from .xception import Xception65

__all__ = ['AlexNet', 'CascadedResNet', 'DINOv2', 'DeepLabVGG16', 'FCNVGG16', 'GoogLeNet',
           'SegNetBasic', 'SegNetVGG16', 'UNetEncoder', 'Xception65']
