"""Configs on DINOv2: rates of the built optimizer, sizes of the built pipeline."""
import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS

from tests.helpers.paths import CONFIGS

CONFIGS_HERE = ['suponly_dinov2-s_voc', 'u2pl_dinov2-s_voc', 'unimatchv2_dinov2-s_voc',
                'suponly_dinov2-s_cattle', 'unimatchv2_dinov2-s_cattle']


def rates(cfg):
    """Learning rate of every parameter of the student that learns."""
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    return {names[id(parameter)]: group['lr'] for group in wrapper.param_groups
            for parameter in group['params'] if parameter.requires_grad}


@pytest.mark.parametrize('name', CONFIGS_HERE[:3])
def test_the_head_learns_forty_times_as_fast(name):
    for parameter, rate in rates(Config.fromfile(CONFIGS / f'{name}.py')).items():
        expected = 5e-6 if '.backbone.' in f'.{parameter}' else 2e-4
        assert rate == pytest.approx(expected), parameter


@pytest.mark.parametrize('name', CONFIGS_HERE[3:])
def test_of_a_frozen_backbone_the_head_alone_learns(name):
    found = rates(Config.fromfile(CONFIGS / f'{name}.py'))
    assert found and all('decode_head' in parameter for parameter in found)
    assert set(found.values()) == {2e-4}


def test_rates_of_the_page_fall_from_block_to_block(tmp_path):
    page = (CONFIGS.parent / 'docs/semi.md').read_text(encoding='utf-8')
    block = page.partition('# configs/layerwise_dinov2-s_voc.py\n')[2].partition('```')[0]
    path = tmp_path / 'layerwise.py'
    path.write_text(block.replace("'./", f"'{CONFIGS}/"), encoding='utf-8')
    found = rates(Config.fromfile(path))
    by_block = {}
    for parameter, rate in found.items():
        number = re.match(r'backbone\.blocks\.(\d+)\.', parameter)
        if number:
            by_block.setdefault(int(number[1]), set()).add(rate)
    rising = [by_block[index].pop() for index in range(12)]
    assert not any(by_block.values())
    assert rising[11] == pytest.approx(5e-6)
    assert all(before == pytest.approx(0.8 * after) for before, after in pairwise(rising))
    # what comes before the blocks learns most slowly, what comes after them at the full rate
    before = {name: rate for name, rate in found.items() if name.startswith('backbone.')
              and '.blocks.' not in name and not name.startswith('backbone.norm.')}
    assert set(before) == {'backbone.cls_token', 'backbone.pos_embed',
                           'backbone.patch_embed.proj.weight', 'backbone.patch_embed.proj.bias'}
    for rate in before.values():
        assert rate == pytest.approx(0.8 * rising[0])
    assert found['backbone.norm.weight'] == pytest.approx(5e-6)


@pytest.mark.parametrize('name', ['suponly_dinov2-s_cattle', 'unimatchv2_dinov2-s_cattle'])
def test_crops_of_own_animals_are_37_patches(name):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    dataset = cfg.train_dataloader.dataset
    sources = [dataset[part] for part in ('labeled', 'unlabeled') if part in dataset] or [dataset]
    for source in sources:
        crop, = [step.crop_size for step in source.pipeline if step.type == 'RandomCrop']
        assert tuple(crop) == (37 * 14, 37 * 14)
    before = Config.fromfile(CONFIGS / '_base_/datasets/semi_cattle.py').labeled.pipeline
    assert [step.type for step in sources[0].pipeline] == [step.type for step in before]


@pytest.mark.parametrize('name', ['suponly_dinov2-s_voc', 'unimatchv2_dinov2-s_voc'])
def test_crops_are_37_patches(name):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    dataset = cfg.train_dataloader.dataset
    steps = [step for step in dataset.get('labeled', dataset).pipeline
             if not step.type.startswith('Load')]
    image = np.random.default_rng(0).integers(0, 256, (375, 500, 3), dtype=np.uint8)
    results = dict(img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2],
                   gt_seg_map=np.zeros(image.shape[:2], np.uint8), seg_fields=['gt_seg_map'])
    preprocessor = MODELS.build(cfg.model.get('segmentor', cfg.model).data_preprocessor)
    for seed in range(4):
        np.random.seed(seed)  # noqa: NPY002
        packed = Compose(steps)({**results})
        batch = preprocessor(dict(inputs=[packed['inputs']],
                                  data_samples=[packed['data_samples']]), training=True)
        height, width = batch['inputs'].shape[2:]
        assert height % 14 == width % 14 == 0 and max(height, width) <= 518
    # an image in a test: 375 x 500 becomes 27 x 36 patches
    packed = Compose([step for step in steps if step.type == 'PackSegInputs'])({**results})
    batch = preprocessor(dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']]))
    assert batch['inputs'].shape[2:] == (27 * 14, 36 * 14)
