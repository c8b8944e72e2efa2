"""PSPNet, DeepLab v3 and v3+ as their configs build them: strides, rates, stages, cost, weights."""
import functools

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from torch.utils.flop_counter import FlopCounterMode

from tests.helpers.paths import CONFIGS


@functools.lru_cache
def build(name: str):
    """The full network without values, which costs nothing."""
    with torch.device('meta'):
        return MODELS.build(Config.fromfile(CONFIGS / f'{name}.py').model).eval()


def rates(backbone, block: int) -> list:
    return [unit.conv2.dilation[0] for unit in getattr(backbone, f'layer{block}')]


@pytest.mark.parametrize('name, crop, sides, block3, block4', [
    ('pspnet_r101_voc', 473, [119, 60, 60, 60], [2] * 23, [4] * 3),
    ('deeplabv3_r101_voc', 513, [129, 65, 33, 33], [1] * 23, [2, 4, 8]),
    # the first unit of block 3 sees the grid that its stride of 2 used to see
    ('deeplabv3_r101-d8_voc', 513, [129, 65, 65, 65], [1] + [2] * 22, [4, 8, 16]),
    ('deeplabv3plus_r101_voc', 513, [129, 65, 33, 33], [1] * 23, [2, 4, 8]),
])
def test_strides_and_rates(name, crop, sides, block3, block4):
    model = build(name)
    levels = model.backbone(torch.empty(1, 3, crop, crop, device='meta'))
    assert [level.shape[2] for level in levels] == sides
    assert rates(model.backbone, 3) == block3
    assert rates(model.backbone, 4) == block4
    # positions fall on the corners of the crop, a whole number of pixels apart
    scores = model.decode_head(levels)
    side = sides[0] if 'plus' in name else sides[3]
    assert tuple(scores.shape) == (1, 21, side, side) and model.align_corners
    assert (crop - 1) % (side - 1) == 0


def test_pyramid_and_auxiliary_loss_of_pspnet():
    model = build('pspnet_r101_voc')
    assert [branch[0].output_size for branch in model.decode_head.psp_modules] == [1, 2, 3, 6]
    # stage 4 of five, the stem being the first
    assert (model.auxiliary_head.in_index, model.auxiliary_head.in_channels) == (2, 1024)
    assert model.auxiliary_head.loss_decode.loss_weight == 0.4


@pytest.mark.parametrize('name, expected', [
    ('deeplabv3_r101_voc', [1, 6, 12, 18]), ('deeplabv3_r101-d8_voc', [1, 12, 24, 36]),
    ('deeplabv3plus_r101_voc', [1, 6, 12, 18]), ('deeplabv3plus_xception65_voc', [1, 6, 12, 18])])
def test_aspp(name, expected):
    head = build(name).decode_head
    found = []
    for branch in head.aspp_modules:
        convs = [layer for layer in branch.modules() if isinstance(layer, torch.nn.Conv2d)]
        found.append(convs[0].dilation[0])
        # separable on Xception: one filter a channel, then 1x1
        assert len(convs) == (2 if 'xception' in name and found[-1] > 1 else 1)
    assert found == expected
    assert head.image_pool[0].output_size == 1


@pytest.mark.parametrize('name, separable', [
    ('deeplabv3plus_r101_voc', False), ('deeplabv3plus_xception65_voc', True)])
def test_decoder_of_v3plus(name, separable):
    """Section 4.1 of the paper: plain on ResNet-101, and in section 4.3 separable on Xception."""
    model = build(name)
    levels = model.backbone(torch.empty(1, 3, 513, 513, device='meta'))
    # low-level features of 256 maps at stride 4 become 48
    assert tuple(levels[0].shape) == (1, 256, 129, 129)
    assert tuple(model.decode_head.c1_bottleneck.conv.weight.shape) == (48, 256, 1, 1)
    if separable:
        assert [tuple(layer.pointwise_conv.conv.weight.shape[:2]) for layer in
                model.decode_head.sep_bottleneck] == [(256, 304), (256, 256)]
        return
    assert [tuple(layer.conv.weight.shape) for layer in model.decode_head.decoder] == [
        (256, 304, 3, 3), (256, 256, 3, 3)]
    # the branches of the ASPP are joined by a 1x1 convolution
    assert tuple(model.decode_head.bottleneck.conv.weight.shape) == (256, 1280, 1, 1)
    assert not [layer for layer in model.decode_head.modules()
                if isinstance(layer, torch.nn.Conv2d) and layer.groups > 1]


def test_multiply_adds_of_v3plus_on_xception():
    """Table 5 of the paper has 54.17 B at output stride 16 with decoder and separable ASPP."""
    model = build('deeplabv3plus_xception65_voc')
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(1, 3, 513, 513, device='meta'))
    # MMSegmentation's convolution behind the ASPP is 3x3, the paper's 1x1
    wider = 33 * 33 * (5 * 256) * 256 * (9 - 1)
    assert counter.get_total_flops() / 2 - wider == pytest.approx(54.17e9, rel=0.005)


def test_the_second_stage_takes_the_weights_of_the_first():
    first, second = build('deeplabv3_r101_voc'), build('deeplabv3_r101-d8_voc')
    shapes = [{key: value.shape for key, value in model.state_dict().items()}
              for model in (first, second)]
    assert shapes[0] == shapes[1]
    frozen = {key.rpartition('.')[0] for key in shapes[1] if key.endswith('running_var')}
    learning = {key.rpartition('.')[0] for key, _ in second.named_parameters()}
    assert frozen and not frozen & learning
    cfg = Config.fromfile(CONFIGS / 'deeplabv3_r101-d8_voc.py')
    assert cfg.optim_wrapper.optimizer.lr == 0.001
    assert cfg.model.init_cfg.checkpoint in cfg.weights_from


@pytest.mark.parametrize('name, rate, crop', [
    ('pspnet_r101_voc', 0.01, 473), ('deeplabv3_r101_voc', 0.007, 513),
    ('deeplabv3-cascaded_r101_voc', 0.007, 513), ('deeplabv3plus_r101_voc', 0.007, 513),
    ('deeplabv3plus_xception65_voc', 0.007, 513)])
def test_schedules_of_the_papers(name, rate, crop):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    assert (cfg.optim_wrapper.optimizer.lr, cfg.optim_wrapper.optimizer.momentum) == (rate, 0.9)
    assert [(s.type, s.power, s.end) for s in cfg.param_scheduler] == [('PolyLR', 0.9, 30000)]
    assert (cfg.train_cfg.max_iters, cfg.train_dataloader.batch_size) == (30000, 16)
    cut, = (step for step in cfg.train_dataloader.dataset.pipeline if step.type == 'RandomCrop')
    assert tuple(cut.crop_size) == tuple(cfg.model.data_preprocessor.size) == (crop, crop)
    assert cfg.train_dataloader.dataset.ann_file.endswith('train_aug.txt')


def torchvision_resnet(units) -> dict:
    """Names and shapes of torchvision's ResNet with bottlenecks, without its classifier."""
    shapes = {}

    def conv_norm(conv, norm, *shape):
        shapes[f'{conv}.weight'] = shape
        for name in ('weight', 'bias', 'running_mean', 'running_var'):
            shapes[f'{norm}.{name}'] = shape[:1]
        shapes[f'{norm}.num_batches_tracked'] = ()

    conv_norm('conv1', 'bn1', 64, 3, 7, 7)
    width = 64
    for layer, number in enumerate(units, 1):
        planes = 32 * 2 ** layer
        for unit in range(number):
            name = f'layer{layer}.{unit}'
            conv_norm(f'{name}.conv1', f'{name}.bn1', planes, width, 1, 1)
            conv_norm(f'{name}.conv2', f'{name}.bn2', planes, planes, 3, 3)
            conv_norm(f'{name}.conv3', f'{name}.bn3', 4 * planes, planes, 1, 1)
            if unit == 0:
                conv_norm(f'{name}.downsample.0', f'{name}.downsample.1', 4 * planes, width, 1, 1)
            width = 4 * planes
    return shapes


def test_torchvisions_resnet_fits_as_it_is():
    cfg = Config.fromfile(CONFIGS / 'deeplabv3_r101_voc.py').model.backbone
    with torch.device('meta'):
        backbone = MODELS.build(dict(cfg, type='ResNet'))
    expected = torchvision_resnet((3, 4, 23, 3))
    assert {key: tuple(value.shape) for key, value in backbone.state_dict().items()} == expected
    cascaded = build('deeplabv3-cascaded_r101_voc').backbone.state_dict().keys()
    # beyond it only the stem of V1c and blocks 5 to 7
    assert {key.split('.')[0] for key in cascaded - expected.keys()} == {
        'stem', 'layer5', 'layer6', 'layer7'}
