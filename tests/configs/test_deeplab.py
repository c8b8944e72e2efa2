"""Schedules, fields of view, CRFs and starts of the configs of DeepLab v1 and v2."""
import functools

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from plugin.models.layers.frozen_batch_norm import FrozenBatchNorm2d
from plugin.models.weights.deeplab import convert_deeplab


@functools.lru_cache
def configured(path):
    """A config and its network, without values."""
    cfg = Config.fromfile(path)
    with torch.device('meta'):
        return cfg, MODELS.build(cfg.model)


def test_field_of_view_of_aspp(root):
    model = configured(root / 'configs/deeplabv2_r101_voc.py')[1]
    layers = [model.backbone.conv1, model.backbone.maxpool]
    for name in model.backbone.res_layers:
        for block in getattr(model.backbone, name):
            layers += [block.conv1, block.conv2, block.conv3]
    field, jump = 1, 1
    for layer in layers:
        kernel, stride, dilation = (value[0] if isinstance(value, tuple) else value for value in (
            layer.kernel_size, layer.stride, layer.dilation))
        field += (kernel - 1) * dilation * jump
        jump *= stride
    # 7x7 and pooling; 3x3 convolutions: 3 at stride 4, 4 at 8, 23 with dilation 2, 3 with 4
    assert field == 7 + 2 * 2 + 3 * 2 * 4 + 4 * 2 * 8 + 23 * 2 * 16 + 3 * 2 * 32 == 1027
    assert jump == 8
    fields = [field + 2 * layer.dilation[0] * jump for layer in model.decode_head.classifiers]
    assert fields == [1027 + 16 * rate for rate in (6, 12, 18, 24)]


def rates(config, root):
    """Learning rate and weight decay of each parameter, as multiples of the optimiser's."""
    cfg, model = configured(root / f'configs/{config}.py')
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    names = {id(p): name for name, p in model.named_parameters()}
    base = cfg.optim_wrapper.optimizer
    return cfg, {names[id(group['params'][0])]: (
        round(group['lr'] / base.lr, 6), round(group['weight_decay'] / base.weight_decay, 6))
        for group in wrapper.optimizer.param_groups}


def test_schedule_of_v1(root):
    cfg, found = rates('deeplabv1_voc', root)
    assert found['backbone.conv1_1.weight'] == found['backbone.fc7.weight'] == (1, 1)
    assert found['backbone.conv1_1.bias'] == (2, 0)
    assert found['decode_head.conv_seg.weight'] == (10, 1)
    assert found['decode_head.conv_seg.bias'] == (20, 0)
    assert (cfg.optim_wrapper.optimizer.lr, cfg.train_dataloader.batch_size) == (0.001, 20)
    _, found = rates('deeplabv1-msc_voc', root)
    assert {name for name in found if name.startswith('backbone')} == set()
    assert found['decode_head.conv_seg.weight'] == found['decode_head.scores.4.weight'] == (1, 1)


def test_schedule_of_v2(root):
    cfg, found = rates('deeplabv2_r101_voc', root)
    assert not [name for name in found if '.bn' in name or 'downsample.1' in name]
    assert found['backbone.layer4.2.conv3.weight'] == (1, 1)
    for branch in range(4):
        assert found[f'decode_head.classifiers.{branch}.weight'] == (10, 1)
        assert found[f'decode_head.classifiers.{branch}.bias'] == (20, 0)
    assert cfg.optim_wrapper.optimizer.lr == 2.5e-4
    assert cfg.train_dataloader.batch_size == 10 and tuple(cfg.crop_size) == (321, 321)
    cfg, found = rates('deeplabv2_vgg16_voc', root)
    assert found['decode_head.trunks.3.fc7.weight'] == (1, 1)
    assert found['decode_head.trunks.0.fc6.bias'] == (2, 0)
    assert found['decode_head.classifiers.3.bias'] == (20, 0)
    assert (cfg.optim_wrapper.optimizer.lr, cfg.train_dataloader.batch_size) == (0.001, 10)


@pytest.mark.parametrize('config', [
    'deeplabv3_r101_voc', 'deeplabv3plus_r101_voc', 'deeplabv3plus_xception65_voc'])
def test_v3_learns_everything_at_one_rate(config, root):
    cfg, found = rates(config, root)
    assert set(found.values()) == {(1, 1)}
    assert (cfg.optim_wrapper.optimizer.lr, cfg.train_dataloader.batch_size) == (0.007, 16)


def test_norms_are_frozen_in_the_second_stage_of_v3(root):
    model = configured(root / 'configs/deeplabv3_r101-d8_voc.py')[1]
    norms = [layer for layer in model.modules() if isinstance(layer, FrozenBatchNorm2d)]
    assert len(norms) > 100
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in model.modules())


@pytest.mark.parametrize('name, plain, bilateral, gaussian', [
    ('deeplabv1-crf_voc', 'deeplabv1_voc', (4, 121, 5), (3, 3)),
    ('deeplabv1-msc-crf_voc', 'deeplabv1-msc_voc', (4, 83, 5), (3, 3)),
    ('deeplabv2_vgg16-crf_voc', 'deeplabv2_vgg16_voc', (4, 65, 3), (2, 2)),
    ('deeplabv2_r101-crf_voc', 'deeplabv2_r101_voc', (4, 67, 3), (3, 1)),
])
def test_published_crfs(name, plain, bilateral, gaussian, root):
    cfg, without = (Config.fromfile(root / f'configs/{one}.py') for one in (name, plain))
    crf = cfg.model.test_cfg.pop('crf')
    assert cfg.model == without.model
    assert (crf.type, crf.iterations) == ('DenseCRF', 10)
    assert tuple(crf.bilateral[key] for key in ('weight', 'xy', 'rgb')) == bilateral
    assert tuple(crf.gaussian[key] for key in ('weight', 'xy')) == gaussian


@pytest.mark.parametrize('name', [
    'deeplabv1_voc', 'deeplabv1-msc-crf_voc', 'deeplabv2_r101-coco_voc', 'deeplabv2_vgg16_voc',
    'deeplabv3_r101-d8_voc', 'deeplabv3-cascaded_r101_voc', 'deeplabv3plus_xception65_voc'])
def test_images_are_padded_to_513_pixels_as_published(name, root):
    cfg = Config.fromfile(root / f'configs/{name}.py')
    prepare = MODELS.build(cfg.model.data_preprocessor)
    data = dict(inputs=[torch.full((3, 375, 500), 120, dtype=torch.uint8)],
                data_samples=[SegDataSample()])
    inputs = prepare(data, training=False)['inputs']
    assert tuple(inputs.shape) == (1, 3, 513, 513)
    # with the mean colour
    assert not inputs[..., 375:, :].any() and not inputs[..., 500:].any()


def test_a_start_of_coco_is_one_config_away(root, tmp_path, monkeypatch):
    monkeypatch.setenv('DEEPLABV2_COCO_WEIGHTS', str(tmp_path / 'coco.pth'))
    cfg, plain = (Config.fromfile(root / f'configs/{one}.py')
                  for one in ('deeplabv2_r101-coco_voc', 'deeplabv2_r101_voc'))
    assert cfg.model.init_cfg.checkpoint == str(tmp_path / 'coco.pth')
    assert cfg.model.init_cfg.checkpoint in cfg.weights_from
    assert cfg.model.backbone.pop('init_cfg') is None and cfg.model.pop('init_cfg')
    del plain.model.backbone['init_cfg']
    assert cfg.model == plain.model and cfg.optim_wrapper == plain.optim_wrapper
    # its names, made by tools/convert_deeplab.py, are those of the network
    fc = {'fc.weight': torch.zeros(91, 2048, 1, 1), 'fc.bias': torch.zeros(91)}
    start = convert_deeplab({'layer1.conv1.conv.weight': torch.zeros(64, 3, 7, 7),
                             'layer5.block3.increase.bn.running_var': torch.ones(2048), **fc})
    state = configured(root / 'configs/deeplabv2_r101_voc.py')[1].state_dict()
    assert {key: value.shape for key, value in start.items()} == {
        key: state[key].shape for key in start}
    assert len(start) == 2
