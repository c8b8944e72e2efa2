"""DINOv2 in the layout of its published files, against a slow forward pass."""
import copy

import pytest
import torch
from mmengine.runner import save_checkpoint
from mmseg.registry import MODELS
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


def test_images_that_are_no_whole_patches_are_padded_with_zeros():
    network = build()
    images = torch.randn(1, 3, 20, 26, dtype=torch.double)
    padded = nn.functional.pad(images, (0, 4, 0, 4))
    for level, expected in zip(network(images), network(padded)):
        assert level.shape[2:] == (4, 5)
        assert torch.equal(level, expected)


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
