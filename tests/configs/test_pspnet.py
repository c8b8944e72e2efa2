"""PSPNet as its configs build it: rates of new layers, windows of the test, the published stem."""
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from mmseg.registry import MODELS

from tests.helpers.paths import CONFIGS
from tests.helpers.small_benchmarks import small_voc

ONE_PROCESS = dict(num_workers=0, persistent_workers=False)


def config(name='pspnet_r101_voc') -> Config:
    return Config.fromfile(CONFIGS / f'{name}.py')


def test_new_layers_learn_ten_times_as_fast_and_biases_twenty_times():
    cfg = config()
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    norms = {name for name, layer in model.named_modules()
             if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm)}
    seen = set()
    # of the last group, which holds no parameter, MMEngine reads the rate for the log
    for group in wrapper.param_groups[:-1]:
        for parameter in group['params']:
            name = names[id(parameter)]
            new = not name.startswith('backbone')
            bias = name.endswith('conv_seg.bias')
            rate = 20 if bias else 10 if new else 1
            decay = 0 if name.rpartition('.')[0] in norms else 1
            assert group['lr'] == pytest.approx(0.01 * rate), name
            assert group['weight_decay'] == pytest.approx(1e-4 * decay), name
            seen.add((rate, decay))
    assert seen == {(1, 0), (1, 1), (10, 0), (10, 1), (20, 1)}


@pytest.mark.parametrize('size, padded, windows', [
    # the longer side becomes 512: one window is moved by what it lacks, 39 pixels
    ((375, 500), (473, 512), [(0, 0), (0, 39)]),
    ((500, 500), (512, 512), [(0, 0), (0, 39), (39, 0), (39, 39)]),
])
def test_windows_of_the_test_are_those_published(size, padded, windows, tmp_path, monkeypatch):
    voc = small_voc(tmp_path / 'VOC2012', [size] * 3)
    monkeypatch.setenv('VOC_ROOT', str(voc))
    cfg = config()
    model = MODELS.build(dict(
        type='EncoderDecoder', data_preprocessor=cfg.model.data_preprocessor,
        backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4,
                      norm_cfg=dict(type='BN')),
        decode_head=dict(type='FCNHead', in_channels=32, in_index=3, channels=32, num_convs=0,
                         concat_input=False, num_classes=21, align_corners=True),
        test_cfg=cfg.model.test_cfg)).eval()
    seen = []

    def encode_decode(window, metas):
        seen.append(tuple(window.shape[2:]))
        return torch.zeros(1, 21, *window.shape[2:])

    model.encode_decode = encode_decode
    data = next(iter(Runner.build_dataloader(dict(cfg.test_dataloader, **ONE_PROCESS))))
    prepared = model.data_preprocessor(data, training=False)
    assert tuple(prepared['inputs'].shape[2:]) == padded
    with torch.no_grad():
        result, = model.predict(prepared['inputs'], prepared['data_samples'])
    assert seen == [(473, 473)] * len(windows)
    assert model.test_cfg.stride[0] == int(np.ceil(473 * 2 / 3)) == 316
    # predictions and labels have the size of the image
    assert tuple(result.pred_sem_seg.data.shape[1:]) == size == tuple(
        result.gt_sem_seg.data.shape[1:])


def test_the_stem_is_an_option():
    def stem(name, **options):
        cfg = config(name)
        cfg.merge_from_dict(options)
        with torch.device('meta'):
            model = MODELS.build(cfg.model)
        return cfg, [layer.out_channels for layer in model.backbone.stem
                     if isinstance(layer, torch.nn.Conv2d)]

    assert stem('pspnet_r101_voc')[1] == [32, 32, 64]
    assert stem('pspnet_r101_voc', **{'model.backbone.stem_channels': 128})[1] == [64, 64, 128]
    cfg, widths = stem('pspnet_r101-stem128_voc')
    assert widths == [64, 64, 128]
    assert cfg.model.backbone.init_cfg.checkpoint in cfg.weights_from
