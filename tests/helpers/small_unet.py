"""A U-Net of a few maps, and samples for it."""
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample


def unet(levels=3, padding='valid', kind='UnpaddedEncoderDecoder', width=3, in_channels=1,
         test_cfg=None, encoder=None, **head):
    torch.manual_seed(0)
    return MODELS.build(dict(
        type=kind, test_cfg=ConfigDict(test_cfg or dict(mode='whole')),
        backbone=dict(type='UNetEncoder', in_channels=in_channels, base_channels=width,
                      num_levels=levels, padding=padding, **(encoder or {})),
        decode_head=dict(type='UNetHead', in_channels=[width * 2 ** k for k in range(levels)],
                         padding=padding, num_classes=3, **head))).eval()


def sample(size, weight=None):
    result = SegDataSample(gt_sem_seg=PixelData(data=torch.randint(3, (1, *size))),
                           metainfo=dict(img_shape=size, ori_shape=size))
    if weight is not None:
        result.gt_weight_map = PixelData(data=weight)
    return result
