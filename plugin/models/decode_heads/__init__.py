"""Decode heads, one published decoder a file: FCN, SegNet, U-Net, RefineNet, DPT, DeepLab."""
from .aspp_sum_head import ASPPSumHead
from .deeplab_head import DeepLabLargeFOVHead
from .deeplab_msc_head import DeepLabMScHead
from .deeplabv3plus_head import DeepLabV3PlusHead
from .dpt_seg_head import DPTSegHead
from .fcn_skip_head import FCNSkipHead
from .refinenet_head import RefineNetHead
from .segnet_head import SegNetHead
from .unet_head import UNetHead

__all__ = ['ASPPSumHead', 'DPTSegHead', 'DeepLabLargeFOVHead', 'DeepLabMScHead',
           'DeepLabV3PlusHead', 'FCNSkipHead', 'RefineNetHead', 'SegNetHead', 'UNetHead']
