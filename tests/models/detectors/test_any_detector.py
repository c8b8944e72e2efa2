"""Any two-stage detector with masks can be a student, as MMDetection's own configs name it."""
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from tests.helpers.paths import CONFIGS
from tests.helpers.small_mask_teacher import build, eager, losses_of, make_batch, total_of

MODELS = CONFIGS / '_base_/models'
CHANNELS = [8, 16, 32, 64]


def resnet(config):
    config.backbone.update(depth=50, base_channels=4, init_cfg=None)
    config.neck.in_channels = [16, 32, 64, 128]


def swin(config):
    config.backbone.update(embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 2, 2),
                           window_size=4, init_cfg=None)
    config.neck.in_channels = CHANNELS


def mobilenet(config):
    config.backbone.update(init_cfg=None)


NETWORKS = {'mask-rcnn_r50': resnet, 'mask-rcnn_swin-t': swin, 'mask-rcnn_mnv2': mobilenet,
            'cascade-mask-rcnn_swin-t': swin}
# those whose masks suppress each other
MASK_NMS = {'mask-rcnn_mnv2': 'MaskNMSRoIHead', 'cascade-mask-rcnn_swin-t': 'CascadeMaskNMSRoIHead'}


def small(name):
    config = Config.fromfile(MODELS / f'{name}.py').model
    NETWORKS[name](config)
    config.pop('init_cfg', None)
    stages = config.roi_head.bbox_head
    for head in [*(stages if isinstance(stages, list) else [stages]), config.roi_head.mask_head]:
        head.num_classes = 2
        if 'fc_out_channels' in head:
            head.fc_out_channels = 16
    config.train_cfg.rpn_proposal.update(nms_pre=100, max_per_img=50)
    config.test_cfg.rpn.update(nms_pre=100, max_per_img=50)
    return config


@pytest.mark.parametrize('name, mask_nms', [
    *((name, False) for name in NETWORKS), *((name, True) for name in MASK_NMS)])
def test_it_learns_from_labels_and_from_its_teacher(name, mask_nms):
    config = small(name)
    if mask_nms:
        # the recipe of docs/cattle.md
        config.roi_head.type = MASK_NMS[name]
        config.test_cfg.rcnn.update(nms=dict(type='nms', iou_threshold=0.8),
                                    mask_nms=dict(iou=0.5, inside=0.7, merged=0.8))
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = eager(build(config))
        losses = losses_of(model, make_batch(
            labelled=1, unlabelled=1, sizes=[(128, 160), (128, 128)]))
    total = total_of(model, losses)
    total.backward()
    assert torch.isfinite(total)
    labelled = {key for key in losses if not key.startswith('unsup_')}
    assert {f'unsup_{key}' for key in labelled} == losses.keys() - labelled
    learning = {key for key, value in model.named_parameters() if value.grad is not None}
    assert all(key.startswith('student.') for key in learning)
    assert any('mask_head' in key for key in learning)
