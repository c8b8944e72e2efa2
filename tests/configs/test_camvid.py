"""Parts, sizes, rates and class weights of the configs on CamVid."""
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from mmseg.registry import DATASETS, MODELS

from tests.helpers.drawn_images import draw_camvid
from tests.helpers.paths import CONFIGS

NAMES = sorted(path.stem for path in CONFIGS.glob('*camvid*.py'))
# Models/segnet_train.prototxt and segnet_basic_train.prototxt of the SegNet tutorial
PUBLISHED = (0.2595, 0.1826, 4.5640, 0.1417, 0.9051, 0.3826, 9.6446, 1.8418, 0.6823, 6.2478, 7.3614)


def load(name):
    return Config.fromfile(CONFIGS / f'{name}.py')


@pytest.mark.parametrize('name', NAMES)
def test_validation_chooses_and_the_test_part_tells(name):
    cfg = load(name)
    for loader, part in ((cfg.val_dataloader, 'val'), (cfg.test_dataloader, 'test')):
        assert loader.dataset.type == 'CamVidDataset'
        assert loader.dataset.data_prefix == dict(
            img_path=f'images/{part}', seg_map_path=f'labels/{part}')
        assert loader.dataset.pipeline == cfg.test_pipeline
    rest = [{key: value for key, value in loader.items() if key != 'dataset'}
            for loader in (cfg.val_dataloader, cfg.test_dataloader)]
    assert rest[0] == rest[1]


def test_the_real_test_part_is_read(shared, monkeypatch):
    monkeypatch.setenv('CAMVID_ROOT', str(shared / 'data/camvid'))
    for name in ('fcn8s_mnv2_camvid', 'segnet_camvid-360x480'):
        cfg = load(name)
        sets = [DATASETS.build(cfg[f'{part}_dataloader'].dataset) for part in ('val', 'test')]
        assert [len(one) for one in sets] == [101, 233], name
        sample = sets[1][0]
        assert sample['data_samples'].gt_sem_seg.shape == (360, 480)
        assert '/images/test/' in sample['data_samples'].img_path


@pytest.mark.parametrize('name, batch', [
    ('segnet-basic_camvid-360x480', 12), ('segnet_camvid-360x480', 4)])
def test_segnet_sees_whole_images(tmp_path, monkeypatch, name, batch):
    monkeypatch.setenv('CAMVID_ROOT', str(draw_camvid(tmp_path, dict(train=3, test=1))))
    cfg = load(name)
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
    data = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    preprocess = MODELS.build(cfg.model.data_preprocessor)
    data = preprocess(data, training=True)
    assert data['inputs'].shape == (batch, 3, 360, 480)
    assert {sample.gt_sem_seg.shape for sample in data['data_samples']} == {(360, 480)}
    tested = preprocess(pseudo_collate([DATASETS.build(cfg.test_dataloader.dataset)[0]]))
    assert tested['inputs'].shape == (1, 3, 360, 480)


def test_segnet_answers_for_every_pixel_of_360_rows():
    """The coarsest maps of the published network are 23 x 30, unpooled from 12 x 15."""
    cfg = load('segnet_camvid-360x480')
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
        features = model.backbone(torch.empty(1, 3, 360, 480))
        assert [pooling.size for pooling in features[:-1]] == [
            (360, 480), (180, 240), (90, 120), (45, 60), (23, 30)]
        assert features[-1].shape == (1, 512, 12, 15)
        assert model.decode_head(features).shape == (1, 11, 360, 480)


def rates(name):
    """Rate and weight decay of each parameter, as multiples of the optimiser's."""
    cfg = load(name)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    names = {id(value): key for key, value in model.named_parameters()}
    base = cfg.optim_wrapper.optimizer
    return cfg, {names[id(group['params'][0])]: (
        round(group['lr'] / base.lr, 6), round(group['weight_decay'] / base.weight_decay, 6))
        for group in wrapper.optimizer.param_groups}


@pytest.mark.parametrize('name', ['segnet_camvid-360x480', 'segnet_voc'])
def test_rates_of_the_segnet_prototxt(name):
    cfg, found = rates(name)
    assert cfg.optim_wrapper.optimizer == dict(
        type='SGD', lr=0.001, momentum=0.9, weight_decay=5e-4)
    assert (cfg.train_cfg.max_iters, cfg.param_scheduler) == (40000, [])
    expected = {'weight': (1, 1), 'norm.weight': (1, 1), 'norm.bias': (1, 0), 'bias': (2, 0)}
    for key, value in found.items():
        kind = ('norm.' if '_norm.' in key else '') + key.rpartition('.')[2]
        assert value == expected[kind], key
    assert {'backbone.conv1_1.bias', 'decode_head.conv_seg.bias',
            'decode_head.conv5_3_D_norm.bias'} <= set(found)


def test_rates_of_the_segnet_basic_prototxt():
    cfg, found = rates('segnet-basic_camvid-360x480')
    assert cfg.optim_wrapper.optimizer == dict(
        type='SGD', lr=0.1, momentum=0.9, weight_decay=5e-4)
    assert (cfg.train_cfg.max_iters, cfg.param_scheduler) == (10000, [])
    # the only convolution with a bias is the classifier
    assert found.pop('decode_head.conv_seg.bias') == (2, 0)
    assert set(found.values()) == {(1, 1)}
    # the paper takes the validation of the highest global accuracy, of one every 1000 steps
    assert (cfg.default_hooks.checkpoint.save_best, cfg.train_cfg.val_interval) == ('PA', 1000)


@pytest.mark.parametrize('name', ['segnet_camvid-360x480', 'segnet-basic_camvid-360x480'])
def test_class_weights_are_computed_or_those_published(monkeypatch, name):
    def weights():
        loss = MODELS.build(load(name).model.decode_head.loss_decode)
        return loss.class_weight.numpy()

    computed = weights()
    # the middle class of 11 weighs 1
    assert np.median(computed) == 1
    monkeypatch.setenv('CAMVID_WEIGHTS', 'published')
    np.testing.assert_allclose(weights(), PUBLISHED, rtol=1e-6)
