"""Tests of a trained model by the library."""
import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from plugin import runs
from plugin.runs.test import draw, write_predictions
from plugin.utils import UserError
from tests.helpers.forked import call


def test_scores_predictions_and_overlays(trained, tmp_path):
    scores = call('plugin.runs:test', trained.folder, 'tiny.py', trained.checkpoint,
                  work_dir=tmp_path / 'log', out=tmp_path / 'out', show_dir=tmp_path / 'show')
    # the last validation of the training saw the same weights and images
    assert f'mIoU {scores["mIoU"]:.4g}' in trained.result.out
    assert [path.name for path in sorted((tmp_path / 'out').iterdir())] == [
        f'{index}.png' for index in range(5)]
    prediction = np.asarray(Image.open(tmp_path / 'out/0.png'))
    assert prediction.shape == (36, 44)
    assert set(np.unique(prediction)) <= {0, 1}
    assert len(list((tmp_path / 'show').rglob('*.png'))) == 5


def test_missing_checkpoint_names_the_newest(trained, monkeypatch):
    monkeypatch.chdir(trained.folder)
    with pytest.raises(FileNotFoundError) as error:
        runs.test('tiny.py', trained.work_dir / 'iter_99.pth')
    assert str(error.value).endswith(
        f'does not exist; the newest in {trained.work_dir} is {trained.checkpoint}')


def test_checkpoint_of_another_network_is_refused(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(trained.folder)
    torch.save(dict(state_dict=dict(weight=torch.zeros(1))), tmp_path / 'other.pth')
    with pytest.raises(UserError, match=r'^other.pth lacks (\d+) of the \d+ weights of the model'):
        runs.test('tiny.py', tmp_path / 'other.pth', work_dir=tmp_path)


def test_overlays_need_something_that_draws():
    with pytest.raises(UserError, match='--show-dir needs a visualizer and default_hooks.visual'):
        draw(Config(dict(visualizer=dict(type='Visualizer'))), 'x')


def test_where_predictions_go():
    cfg = Config(dict(default_scope='mmdet', test_evaluator=[dict(type='A'), dict(type='B')]))
    write_predictions(cfg, 'out')
    assert cfg.test_evaluator == [dict(type='A', outfile_prefix='out/results'), dict(type='B')]
    cfg = Config(dict(default_scope='mmseg', test_evaluator=dict(type='A')))
    write_predictions(cfg, 'out')
    assert cfg.test_evaluator == dict(type='A', output_dir='out', keep_results=True)
