"""Sizes and rates of RefineNet on VOC, as in the published code."""
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmseg.registry import DATASETS, MODELS, TRANSFORMS

from tests.helpers.drawn_images import draw_voc
from tests.helpers.paths import CONFIGS

FACTORS = (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3)


@pytest.fixture
def cfg(tmp_path, monkeypatch):
    """RefineNet on images of 333x500, 500x500 and 200x500 (height x width)."""
    sizes = [(333, 500), (500, 500), (200, 500)]
    monkeypatch.setenv('VOC_ROOT', str(draw_voc(tmp_path / 'VOC2012', sizes)))
    return Config.fromfile(CONFIGS / 'refinenet_r101_voc.py')


def expected_inputs(height, width):
    """The sizes that the network may see of an image."""
    short = max(min(height, width), 450)
    enlarged = [side * short / min(height, width) for side in (height, width)]
    return {tuple(round(1.2 * min(400, round(factor * round(side)))) for side in enlarged)
            for factor in FACTORS}


def test_the_network_sees_crops_of_400_enlarged(cfg):
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    preprocess = MODELS.build(cfg.model.data_preprocessor)
    np.random.seed(0)  # noqa: NPY002 -- transforms draw from the global state
    # the last one is wide: its crops have 400 of it at any scale
    for index, (size, least) in enumerate([((333, 500), 2), ((500, 500), 2), ((200, 500), 2)]):
        seen = set()
        for _ in range(8):
            data = preprocess(pseudo_collate([dataset[index]]), training=True)
            inputs, sample = data['inputs'], data['data_samples'][0]
            # nothing is padded, and the label is as large
            assert tuple(inputs.shape[2:]) == sample.gt_sem_seg.shape
            seen.add(tuple(inputs.shape[2:]))
        found, allowed = np.array(sorted(seen)), np.array(sorted(expected_inputs(*size)))
        # a pixel more or less is rounding
        assert all((abs(allowed - one).max(1) <= 1).any() for one in found), (size, seen)
        assert len(seen) >= least and (480, 480) in seen
    assert cfg.train_dataloader.batch_size == 1


def test_images_are_scaled_in_seven_steps(cfg):
    scale, = [step for step in cfg.train_pipeline if step.type == 'RandomChoice']
    transform = TRANSFORMS.build(scale)
    np.random.seed(0)  # noqa: NPY002
    widths = {transform(dict(img=np.zeros((100, 100, 3), np.uint8), seg_fields=[]))['img'].shape[1]
              for _ in range(100)}
    assert widths == {round(100 * factor) for factor in FACTORS}


def test_tests_see_whole_images_enlarged(cfg):
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        dataset = DATASETS.build(loader.dataset)
        # 450 x 676, 500 x 500 and 450 x 1125, each 1.2 times as large
        items = [dataset[index] for index in range(3)]
        assert [tuple(item['inputs'].shape[1:]) for item in items] == [
            (540, 811), (600, 600), (540, 1350)]
        assert [item['data_samples'].gt_sem_seg.shape for item in items] == [
            (333, 500), (500, 500), (200, 500)]
    views = TRANSFORMS.build(cfg.tta_pipeline[0])
    image = dict(img_path=dataset.get_data_info(0)['img_path'], seg_fields=[],
                 seg_map_path=dataset.get_data_info(0)['seg_map_path'], label_map=None,
                 reduce_zero_label=False)
    sizes = [tuple(view.shape[1:]) for view in views(image)['inputs']]
    assert sizes == pytest.approx(np.outer((0.4, 0.6, 0.8, 1, 1.2), (540, 811)), abs=1)


def test_rates_are_those_published(cfg):
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    names = {id(value): key for key, value in model.named_parameters()}
    found = {names[id(group['params'][0])]: (group['lr'], group['weight_decay'])
             for group in wrapper.optimizer.param_groups}
    assert {key.partition('.')[0]: value for key, value in found.items()} == dict(
        backbone=(pytest.approx(5e-5), 5e-4), decode_head=(5e-4, 5e-4))
    # the moments of batch norm stay those of ImageNet
    assert model.backbone.norm_eval
    assert type(model.decode_head.dropout) is torch.nn.Dropout
    assert model.decode_head.dropout.p == 0.5
