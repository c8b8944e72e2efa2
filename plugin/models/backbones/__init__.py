"""Backbones, one network a file: VGG16, ResNet, Xception, DINOv2, U-Net and SegNet encoders."""
from .cascaded_resnet import CascadedResNet
from .deeplab_vgg16 import DeepLabVGG16
from .dinov2 import DINOv2
from .fcn_vgg16 import FCNVGG16
from .segnet_basic import SegNetBasic
from .segnet_vgg16 import SegNetVGG16
from .unet_encoder import UNetEncoder
from .xception import Xception65

__all__ = ['CascadedResNet', 'DINOv2', 'DeepLabVGG16', 'FCNVGG16', 'SegNetBasic', 'SegNetVGG16',
           'UNetEncoder', 'Xception65']
