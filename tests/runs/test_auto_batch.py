"""The largest batch, and the rate that goes with it."""
import copy
import json

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel

from plugin.runs import auto_batch
from tests.helpers.forked import run_tool
from tests.helpers.paths import CONFIGS


@pytest.mark.parametrize('step', [1, 2, 3])
@pytest.mark.parametrize('most', [0, 1, 2, 3, 4, 5, 7, 8, 13, 31, 32, 100, 1024, 5000])
def test_search_finds_the_largest_multiple_that_fits(step, most):
    tried = []

    def fits(batch):
        tried.append(batch)
        assert batch % step == 0
        return batch <= most

    expected = max((batch for batch in range(0, 101, step) if batch <= most), default=0)
    assert auto_batch.largest(fits, step, limit=100) == expected
    # doubling and bisection: few trials, none of them twice
    assert len(tried) <= 15 and len(set(tried)) == len(tried)


def test_nothing_is_tried_that_is_far_too_large():
    tried = []
    auto_batch.largest(lambda batch: tried.append(batch) or batch <= 5)
    assert max(tried) == 8


def config(folder, name='u2pl_mnv2_camvid', **changes):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    cfg.work_dir = str(folder)
    cfg.merge_from_dict(changes)
    return cfg


def test_batch_sampler_and_rate_are_set_and_remembered(tmp_path, capsys):
    cfg = config(tmp_path)
    before = cfg.train_dataloader.batch_size
    auto_batch.choose_batch(cfg, lambda given: 3 * before)
    assert cfg.train_dataloader.batch_size == cfg.train_dataloader.sampler.batch_size == 3 * before
    assert cfg.auto_scale_lr == dict(enable=True, base_batch_size=before)
    assert (f'{3 * before} images a step and process (the config has {before}); the learning '
            f'rate is that of {before} images times 3,') in capsys.readouterr().out
    # resumed, it must see the same batches, whatever else uses the memory now
    again = config(tmp_path, resume=True)
    auto_batch.choose_batch(again, lambda given: pytest.fail('it was searched again'))
    assert again.train_dataloader == cfg.train_dataloader
    assert again.auto_scale_lr == cfg.auto_scale_lr


def test_rate_of_the_config_is_meant_for_its_own_batch(tmp_path):
    cfg = config(tmp_path, 'fcn8s_barn', auto_scale_lr=dict(enable=False, base_batch_size=16))
    auto_batch.choose_batch(cfg, lambda given: 24)
    assert cfg.auto_scale_lr == dict(enable=True, base_batch_size=16)
    assert cfg.train_dataloader.batch_size == 24
    assert json.loads((tmp_path / 'auto_batch.json').read_text()) == dict(
        batch_size=24, base_batch_size=16)


def test_a_batch_that_does_not_fit_at_all(tmp_path):
    with pytest.raises(ValueError, match=r'not even a batch of 2 with crops of 160x208 fits into '
                                         r'the memory of the GPU; try --amp'):
        auto_batch.choose_batch(config(tmp_path), lambda given: 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_without_a_gpu_it_says_so_before_anything_is_built(trained, tmp_path):
    result = run_tool('train', ['tiny.py', '--auto-batch', '--work-dir', tmp_path / 'w'],
                      trained.folder)
    assert result.status == 1
    assert ('error: --auto-batch measures the memory of a GPU, and none is visible; set '
            'train_dataloader.batch_size instead.') in result.err


def test_trials_are_real_steps_on_the_largest_images(trained, monkeypatch):
    monkeypatch.chdir(trained.folder)
    cfg = Config.fromfile('tiny.py')
    pool = auto_batch._pool(cfg)
    assert set(pool) == {False}
    assert pool[False]['inputs'].shape == (3, 32, 32)
    seen = []

    def stay(model):
        seen.extend([model, copy.deepcopy(model.state_dict())])
        return model

    monkeypatch.setattr(BaseModel, 'cuda', stay)
    given = copy.deepcopy(cfg.to_dict())
    state = pool[False]['inputs'].clone()
    auto_batch._train_some(cfg, [pool[False]] * 2)
    model, fresh = seen
    assert all((value != fresh[name]).any() for name, value in model.named_parameters()
               if 'conv' in name and 'weight' in name)
    # two steps, each of which moved the statistics
    assert model.backbone.norm1.num_batches_tracked == 2
    assert cfg.to_dict() == given and torch.equal(pool[False]['inputs'], state)


def test_more_pixels_and_then_more_animals_take_more():
    def packed(height, animals):
        sample = dict(gt_instances=[0] * animals)
        return dict(inputs=torch.zeros(3, height, 4), data_samples=sample)

    sizes = [auto_batch._size(packed(*args)) for args in ((9, 0), (8, 5), (9, 2))]
    assert sorted(sizes) == [sizes[1], sizes[0], sizes[2]]
