"""Any EncoderDecoder can be a student."""
import copy

import pytest
import torch
from mmengine.config import ConfigDict

from tests.helpers.small_semi import CLASSES, METHODS, PREPROCESSOR, build, make_batch, step

NORM = dict(type='BN')
AUXILIARY = dict(type='FCNHead', channels=8, num_convs=1, concat_input=False,
                 num_classes=CLASSES, norm_cfg=NORM)
RESNET = dict(type='ResNet', depth=18, base_channels=8, out_indices=(0, 1, 2, 3), norm_cfg=NORM,
              style='pytorch')
RESNET_CHANNELS = [8, 16, 32, 64]
STUDENTS = dict(
    fcn8s=dict(
        backbone=RESNET,
        decode_head=dict(type='FCNSkipHead', in_channels=RESNET_CHANNELS, stride=8)),
    upernet_swin=dict(
        backbone=dict(type='SwinTransformer', embed_dims=8, depths=(1, 1, 1, 1),
                      num_heads=(1, 1, 2, 2), window_size=4, patch_norm=True),
        decode_head=dict(type='UPerHead', in_channels=RESNET_CHANNELS, in_index=[0, 1, 2, 3],
                         pool_scales=(1, 2), channels=8, norm_cfg=NORM),
        auxiliary_head=dict(AUXILIARY, in_channels=32, in_index=2)),
    pspnet=dict(
        backbone=RESNET,
        decode_head=dict(type='PSPHead', in_channels=64, in_index=3, channels=8,
                         pool_scales=(1, 2), dropout_ratio=0.1, norm_cfg=NORM),
        auxiliary_head=[dict(AUXILIARY, in_channels=32, in_index=2),
                        dict(AUXILIARY, in_channels=16, in_index=1)]),
    segformer=dict(
        backbone=dict(type='MixVisionTransformer', embed_dims=8, num_layers=[1, 1, 1, 1],
                      num_heads=[1, 1, 2, 2], patch_sizes=[7, 3, 3, 3],
                      sr_ratios=[8, 4, 2, 1], drop_path_rate=0.1),
        decode_head=dict(type='SegformerHead', in_channels=[8, 8, 16, 16],
                         in_index=[0, 1, 2, 3], channels=8, dropout_ratio=0.1, norm_cfg=NORM)),
    deeplabv3plus=dict(
        backbone=RESNET,
        decode_head=dict(type='DepthwiseSeparableASPPHead', in_channels=64, in_index=3,
                         channels=8, dilations=(1, 2), c1_in_channels=8, c1_channels=4,
                         norm_cfg=NORM)),
    segnet_basic=dict(
        backbone=dict(type='SegNetBasic', channels=8),
        decode_head=dict(type='SegNetHead', in_channels=8, stages=((8, ), ) * 4, kernel_size=7,
                         classifier_size=1, relu=False, bias=False)),
    dinov2=dict(
        backbone=dict(type='DINOv2', size=(12, 4, 2), patch_size=8, grid=5, frozen=True),
        decode_head=dict(type='DPTSegHead', in_channels=[12] * 4, channels=8,
                         pyramid_channels=(4, 4, 8, 8), align_corners=True)),
    unet=dict(
        backbone=dict(type='UNetEncoder', base_channels=4, num_levels=3, norm_cfg=NORM),
        decode_head=dict(type='UNetHead', in_channels=[4, 8, 16], norm_cfg=NORM)),
    refinenet=dict(
        backbone=RESNET,
        decode_head=dict(type='RefineNetHead', in_channels=RESNET_CHANNELS, channels=8,
                         coarse_channels=8)))


def student(name):
    parts = copy.deepcopy(STUDENTS[name])
    parts['decode_head'].update(num_classes=CLASSES, align_corners=False)
    return ConfigDict(type='EncoderDecoder', data_preprocessor=dict(PREPROCESSOR, size=(64, 64)),
                      test_cfg=dict(mode='whole'), **parts)


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('name', STUDENTS)
def test_a_training_step_around_it(name, method):
    model = build(method, student(name))
    batch = make_batch(height=64, width=64)
    step(model, batch)
    losses = step(model, batch)

    assert all(torch.isfinite(value).all() for value in losses.values())
    assert all(parameter.grad is not None for parameter in model.student.parameters()
               if parameter.requires_grad)
    if method == 'U2PL':
        assert model.representation[-1].weight.grad is not None


@pytest.mark.parametrize('name', STUDENTS)
def test_it_learns_and_predicts_as_it_does_alone(name):
    model = build('MeanTeacher', student(name), unsupervised=dict(weight=0.)).eval()
    data = model.data_preprocessor(make_batch(unlabelled=0, height=64, width=64), training=True)
    both = [network(**copy.deepcopy(data), mode='predict')
            for network in (model, model.teacher)]
    assert all(torch.equal(one.pred_sem_seg.data, other.pred_sem_seg.data)
               for one, other in zip(*both))

    mixed = model.data_preprocessor(make_batch(height=64, width=64), training=True)
    found = model(**copy.deepcopy(mixed), mode='loss')
    labelled = {key: value[:2] for key, value in mixed.items()}
    expected = model.student(**labelled, mode='loss')
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-4, atol=1e-5)
