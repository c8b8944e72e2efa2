"""DINOv2 in the layout of its published files, against a slow forward pass."""
import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.runner import save_checkpoint
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

from plugin.models.backbones import DINOv2
from plugin.utils import UserError
from tests import reference_dinov2

SMALL = dict(size=(12, 4, 3), patch_size=6, grid=4)


def build(**kwargs):
    torch.manual_seed(0)
    network = DINOv2(**{**SMALL, **kwargs})
    network.init_weights()
    # so that nothing is 0 or 1
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.5)
    return network.double().eval()


@pytest.mark.parametrize('registers', [0, 4])
@pytest.mark.parametrize('size', [(24, 24), (24, 36), (18, 30), (6, 6)])
def test_levels_are_those_of_the_slow_pass(registers, size):
    if registers and size != (24, 24):
        pytest.skip('positions of networks with registers have a test of their own')
    network = build(registers=registers)
    images = torch.randn(2, 3, *size, dtype=torch.double)
    with torch.no_grad():
        found = network(images)
    for index, image in enumerate(images):
        expected = reference_dinov2.levels(network.state_dict(), image, heads=3, patch=6,
                                           blocks=[0, 1, 2, 3])
        for level, slow in zip(found, expected):
            torch.testing.assert_close(level[index], slow, rtol=1e-5, atol=1e-5)


def test_positions_with_registers_are_smoothed_and_not_shifted():
    network = build(registers=4)
    with torch.no_grad():
        network.pos_embed.fill_(3.)
        # a constant stays one in every size
        assert torch.allclose(network._positions(7, 2), torch.tensor(3., dtype=torch.double))
        ramp = torch.arange(4.).double()
        network.pos_embed[:, 1:] = ramp.repeat_interleave(4)[None, :, None]
        rows = network._positions(2, 4)[0, :, 0].view(2, 4)
    # half as many rows: each is a mean around the middle of two
    assert torch.allclose(rows[0], 3 - rows[1])
    assert 0.3 < rows[0, 0] < 0.8


def test_images_that_are_no_whole_patches_are_enlarged_to_the_next():
    network = build()
    images = torch.randn(1, 3, 20, 26, dtype=torch.double)
    whole = nn.functional.interpolate(images, (24, 30), mode='bilinear')
    for level, expected in zip(network(images), network(whole)):
        assert level.shape[2:] == (4, 5)
        assert torch.equal(level, expected)


@pytest.mark.parametrize('side', [36, 37, 41])
@pytest.mark.parametrize('divisor', [1, 6])
def test_logits_keep_their_place_in_the_image(side, divisor):
    """An edge in the image is an edge at the same place in the logits, whatever the size."""
    model = MODELS.build(ConfigDict(
        type='EncoderDecoder', backbone=dict(type='DINOv2', **SMALL),
        data_preprocessor=dict(type='SegDataPreProcessor', size_divisor=divisor,
                               test_cfg=dict(size_divisor=divisor)),
        decode_head=dict(type='FCNHead', in_channels=12, channels=12, in_index=3, num_convs=0,
                         concat_input=False, num_classes=2, dropout_ratio=0.),
        test_cfg=dict(mode='whole'))).eval()
    # tokens that are as bright as their patch; beside a large constant the norm is linear
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.backbone.patch_embed.proj.weight[0] = 1 / 108
        model.backbone.patch_embed.proj.bias[1] = 1e5
        model.backbone.norm.weight.fill_(1.)
        model.decode_head.conv_seg.weight[0, 0] = 1e5
    for edge in (side // 3, side // 2, side - 8):
        image = torch.full((3, 30, side), 100, dtype=torch.uint8)
        image[:, :, edge:] = 0
        data = model.data_preprocessor(dict(inputs=[image], data_samples=[SegDataSample(
            metainfo=dict(img_shape=(30, side), ori_shape=(30, side)))]), training=False)
        with torch.no_grad():
            found = model(**data, mode='predict')[0].seg_logits.data
        assert found.shape == (2, 30, side)
        bright = found[0] > (found[0].max() + found[0].min()) / 2
        assert abs(bright.sum(1).float().mean() - edge) <= 2, edge


def segmentor(head, **backbone):
    return MODELS.build(ConfigDict(
        type='EncoderDecoder', backbone=dict(type='DINOv2', **{**SMALL, **backbone}),
        data_preprocessor=dict(type='SegDataPreProcessor', size=(32, 64)), decode_head=dict(
            num_classes=3, dropout_ratio=0., norm_cfg=dict(type='BN'), align_corners=False,
            **head), test_cfg=dict(mode='whole')))


FCN = dict(type='FCNHead', in_channels=12, channels=8, in_index=3, num_convs=1)
UPER = dict(type='UPerHead', in_channels=[12] * 4, channels=8, in_index=[0, 1, 2, 3],
            pool_scales=(1, 2))
SKIP = dict(type='FCNSkipHead', in_channels=[12] * 4)
# from one stride to four, as MMSegmentation has it for vision transformers
PYRAMID = dict(type='Feature2Pyramid', embed_dim=12, norm_cfg=dict(type='BN'))


@pytest.mark.parametrize('frozen', [False, True])
@pytest.mark.parametrize('head, neck, patch_size', [
    (FCN, None, 6), (UPER, None, 6), (UPER, PYRAMID, 16), (SKIP, PYRAMID, 16)])
def test_heads_of_others_learn_on_it(head, neck, patch_size, frozen):
    model = segmentor(head, patch_size=patch_size, frozen=frozen)
    if neck:
        model.neck = MODELS.build(neck)
    model.init_weights()
    with torch.no_grad():  # FCN's scores start at 0, and let no gradient through
        for name, parameter in model.named_parameters():
            if 'score' in name:
                parameter.normal_(0, 0.1)
    sample = SegDataSample(metainfo=dict(img_shape=(32, 64), ori_shape=(32, 64)))
    sample.gt_sem_seg = PixelData(data=torch.randint(3, (1, 32, 64)))
    images = torch.randint(256, (3, 32, 64), dtype=torch.uint8)
    data = model.data_preprocessor(dict(inputs=[images] * 2, data_samples=[sample] * 2), True)
    losses = model.train()(**data, mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert torch.isfinite(total)
    for name, parameter in model.named_parameters():
        # FCN-8s takes the last three levels
        unused = head is SKIP and name.startswith('neck.upsample_4x')
        learns = not unused and not (frozen and name.startswith('backbone'))
        assert (parameter.grad is not None) == learns, name
    logits = model.eval()(**data, mode='predict')[0].seg_logits.data
    assert logits.shape == (3, 32, 64)


def test_fcn_names_the_neck_that_it_needs():
    model = segmentor(SKIP, patch_size=16)
    with pytest.raises(UserError, match=(
            r'the level of stride 16 has 2x4 positions, but an image of 16x32 pixels gives 1x2: .*'
            'Feature2Pyramid')):
        model(torch.zeros(1, 3, 32, 64))
    # the finest of two levels has the stride that is asked for, the other one has it, too
    model = segmentor(dict(SKIP, stride=16), patch_size=16)
    with pytest.raises(UserError, match='the level of stride 32 has 2x4 positions, but an image of '
                                        '32x64 pixels gives 1x2'):
        model(torch.zeros(1, 3, 32, 64))


@pytest.mark.parametrize('size, width, blocks, millions', [
    # (3 * 14^2 + 1) D for patches, (37^2 + 1) D positions, D for the class, 2 D for the norm, and
    # 12 D^2 + 15 D a block: 4 D^2 + 4 D attention, 8 D^2 + 5 D MLP, 4 D norms, 2 D scales
    ('small', 384, 12, 22.06), ('base', 768, 12, 86.58), ('large', 1024, 24, 304.37)])
def test_number_of_parameters(size, width, blocks, millions):
    with torch.device('meta'):
        network = DINOv2(size)
    number = sum(parameter.numel() for parameter in network.parameters())
    assert number == (589 + 1370 + 1 + 2) * width + blocks * (12 * width**2 + 15 * width)
    assert round(number / 1e6, 2) == millions


def test_levels_default_to_the_published_blocks():
    with torch.device('meta'):
        assert [DINOv2(size).out_indices for size in ('small', 'base', 'large')] == [
            (2, 5, 8, 11), (2, 5, 8, 11), (4, 11, 17, 23)]


def published(tmp_path, network, **changes):
    """A file as DINOv2 publishes it."""
    weights = {**network.state_dict(), 'mask_token': torch.zeros(1, 12), **changes}
    path = tmp_path / 'dinov2.pth'
    save_checkpoint({name: value for name, value in weights.items() if value is not None},
                    str(path))
    return path


def loaded(path, **kwargs):
    network = DINOv2(**{**SMALL, **kwargs}, init_cfg=dict(type='Pretrained', checkpoint=str(path)))
    network.init_weights()
    return network


@pytest.mark.parametrize('registers', [0, 4])
def test_a_published_file_is_loaded_whole(tmp_path, registers):
    source = build(registers=registers)
    network = loaded(published(tmp_path, source), registers=registers)
    for name, value in source.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name].double(), value, rtol=1e-6, atol=0)


def test_the_log_says_where_weights_come_from_and_their_licence(tmp_path, caplog):
    path = published(tmp_path, build())
    from mmengine.logging import MMLogger
    logger = MMLogger.get_instance('dinov2-test', logger_name='dinov2-test')
    logger.addHandler(caplog.handler)
    loaded(path)
    assert f'weights of DINOv2 (Meta AI, Apache License 2.0) from {path}' in caplog.text


@pytest.mark.parametrize('kwargs, changes, message', [
    (dict(size=(24, 4, 3)), {}, r'cls_token \(1, 1, 12\) instead of \(1, 1, 24\)'),
    (dict(grid=5), {}, r'pos_embed \(1, 17, 12\) instead of \(1, 26, 12\)'),
    (dict(registers=4), {}, r'register_tokens missing instead of \(1, 4, 12\)'),
    ({}, {'norm.bias': None}, 'norm.bias missing'),
    ({}, {'blocks.4.ls1.gamma': torch.ones(12)}, 'blocks.4.ls1.gamma is no part of it')])
def test_a_file_that_does_not_fit_is_refused(tmp_path, kwargs, changes, message):
    path = published(tmp_path, build(), **changes)
    with pytest.raises(UserError, match=message) as error:
        loaded(path, **kwargs)
    assert str(path) in str(error.value) and 'dinov2_vits14_pretrain.pth' in str(error.value)


def test_a_frozen_network_learns_nothing_and_keeps_no_maps():
    network = build(frozen=True, drop_path_rate=0.5).train()
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    images = torch.randn(2, 3, 24, 24, dtype=torch.double, requires_grad=True)
    assert not any(level.requires_grad for level in network(images))
    trained = build()
    assert all(level.requires_grad for level in trained(images))


def test_stochastic_depth_rises_to_the_last_block():
    network = DINOv2(**SMALL, drop_path_rate=0.3)
    assert [round(block.drop_path.drop_prob, 6) for block in network.blocks] == [0, 0.1, 0.2, 0.3]


def test_half_precision_keeps_the_levels_close():
    network = build().float()
    images = torch.randn(1, 3, 36, 30)
    plain = network(images)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        half = network(images)
    for one, other in zip(plain, half):
        assert (one - other.float()).abs().mean() < 0.05 * one.abs().mean()


@pytest.mark.parametrize('kwargs, message', [
    (dict(size='huge'), "size='huge' is unknown: use 'small', 'base', 'large'"),
    (dict(out_indices=(1, 4)), r'out_indices=\(1, 4\): the blocks are 0..3')])
def test_settings_that_cannot_be(kwargs, message):
    with pytest.raises(UserError, match=message):
        DINOv2(**{**SMALL, **kwargs})


def test_a_config_builds_it_and_a_copy_is_equal():
    network = MODELS.build(dict(type='DINOv2', **SMALL))
    network.init_weights()
    other = copy.deepcopy(network)
    images = torch.randn(1, 3, 24, 24)
    assert torch.equal(network.eval()(images)[-1], other.eval()(images)[-1])
