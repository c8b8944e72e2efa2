"""The largest batch, the rate that goes with it, and what is said when memory is short."""
import copy
import json
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel

from plugin.runs import (
    auto_batch,
    memory,
)
from tests.helpers.forked import run_tool
from tests.helpers.paths import TOOLS

CONFIGS = TOOLS.parent / 'configs'


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
    monkeypatch.syspath_prepend(str(TOOLS.parent / 'tests/tools'))
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


@pytest.mark.parametrize(('error', 'short'), [
    (torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB'), True),
    (RuntimeError('CUDA error: out of memory'), True),
    (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
    (RuntimeError('cuDNN error: CUDNN_STATUS_ALLOC_FAILED'), True),
    (RuntimeError('shapes do not match'), False),
    (ValueError('out of memory'), False),
])
def test_what_counts_as_a_lack_of_memory(error, short):
    assert memory.is_out_of_memory(error) == short


@pytest.mark.parametrize(('name', 'words'), [
    ('fcn8s_barn', 'a batch of 4 with crops of 256x256 (iteration 7): try --auto-batch, --amp or '
     '--cfg-options train_dataloader.batch_size=2, or a smaller crop_size.'),
    ('u2pl_mnv2_camvid', 'crops of 160x208 (iteration 7): try --auto-batch, --amp or --cfg-options '
     'train_dataloader.batch_size=8 train_dataloader.sampler.batch_size=8, or'),
    ('unet-paper_isbi', 'a batch of 1 with crops of 572x572 (iteration 7): try --auto-batch or '
     '--amp, or a smaller crop_size.'),
    ('mask-rcnn_r50_cattle', 'a batch of 2 with images of 1333x800 (iteration 7)'),
    ('fcn32s_voc', 'a batch of 1 with whole images (iteration 7)'),
])
def test_sentence_names_batch_size_and_cures(name, words):
    assert words in memory.explain(Config.fromfile(CONFIGS / f'{name}.py'), 7)


def test_sentence_of_a_validation_speaks_of_its_own_batch():
    text = memory.explain(Config.fromfile(CONFIGS / 'fcn8s_voc.py'), 400, validating=True)
    assert 'to validate 1 image(s) at a time (iteration 400)' in text
    assert 'model.test_cfg.mode=tile' in text


def test_sentence_of_a_validation_names_what_the_model_has():
    text = memory.explain(Config.fromfile(CONFIGS / 'mask-rcnn_mnv2_pigs.py'), 4, validating=True)
    assert 'set val_dataloader.batch_size=1, or a smaller scale in test_pipeline, and' in text
    text = memory.explain(Config.fromfile(CONFIGS / 'u2pl_mnv2_camvid.py'), 4, validating=True)
    assert 'model.segmentor.test_cfg.mode=tile' in text and 'batch_size=1' not in text


@pytest.mark.parametrize(('step', 'words'), [
    (dict(type='RandomCrop', crop_size=256), 'crops of 256x256'),
    (dict(type='Resize', scale=[480, 360]), 'images of 480x360'),
    (dict(type='RandomResize', scale=[(480, 360), (640, 360)]), 'images of 640x360'),
    (dict(type='RandomChoiceResize', scales=[320, 640]), 'images of 640x640'),
    (dict(type='PackSegInputs'), 'whole images'),
])
def test_the_size_of_images_in_words(step, words):
    cfg = Config(dict(train_dataloader=dict(dataset=dict(pipeline=[step]))))
    assert memory.crop_of(cfg) == words


def test_training_that_runs_out_of_memory_ends_with_the_sentence(trained, tmp_path):
    (trained.folder / 'short.py').write_text(
        "_base_ = './tiny.py'\ncustom_hooks = [dict(type='ShortMemoryHook', iteration=3)]\n")
    result = run_tool('train', ['short.py', '--work-dir', tmp_path], trained.folder)
    assert result.status == 1
    assert ('error: the memory is too small for a batch of 3 with crops of 32x32 (iteration 3): '
            'try --auto-batch, --amp or --cfg-options train_dataloader.batch_size=1') in result.err
    assert 'Traceback' not in result.err
    assert (tmp_path / 'iter_2.pth').is_file()


def test_other_errors_stay_what_they_are():
    runner = SimpleNamespace(iter=3, message_hub=SimpleNamespace(runtime_info={}))
    cfg = Config.fromfile(CONFIGS / 'fcn8s_barn.py')
    with pytest.raises(RuntimeError, match='a bug'), memory.memory_sentence(cfg, runner, False):
        raise RuntimeError('a bug')
    with pytest.raises(torch.cuda.OutOfMemoryError), memory.memory_sentence(cfg, runner, True):
        raise torch.cuda.OutOfMemoryError('CUDA out of memory')
