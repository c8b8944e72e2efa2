"""What is said and set when the memory is too small for a batch."""
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config

from plugin.runs import memory
from plugin.utils import UserError
from tests.helpers.forked import run_tool
from tests.helpers.paths import CONFIGS


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
    (dict(type='RandomChoice', transforms=[
        [dict(type='RandomChoiceResize', scales=[(1333, 480), (1333, 800)])],
        [dict(type='RandomCrop', crop_size=(384, 600))]]), 'images of 1333x800'),
    (dict(type='RandomApply', transforms=dict(type='Resize', scale=64)), 'whole images'),
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
    with pytest.raises(RuntimeError, match='a bug'), memory.memory_sentence(cfg, runner):
        raise RuntimeError('a bug')
    short = torch.cuda.OutOfMemoryError('CUDA out of memory')
    with pytest.raises(UserError) as told, memory.memory_sentence(cfg, runner):
        raise short
    assert told.value.__cause__ is short
