"""Results of images that share the last part of their paths."""
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config

from plugin.engine.hooks import NamedResultsHook
from plugin.evaluation import SegMetric
from plugin.runs.test import draw
from plugin.utils import UserError
from tests.helpers.small_labels import write_image

NAMES = ('a/0001.png', 'b/0001.png')


class Visualizer:
    """Keeps what it is asked to draw."""

    def __init__(self):
        self.drawn = []

    def add_datasample(self, name, image, **options):
        self.drawn.append((name, image.shape, options))


@pytest.fixture
def runner(tmp_path):
    for name in NAMES:
        write_image(tmp_path / 'images' / name)
    dataset = SimpleNamespace(data_prefix=dict(img_path=str(tmp_path / 'images')))
    return SimpleNamespace(
        test_dataloader=SimpleNamespace(dataset=dataset), visualizer=Visualizer(),
        test_evaluator=SimpleNamespace(metrics=[SegMetric(
            output_dir=str(tmp_path / 'out'), format_only=True), object()]))


def sample(path):
    return dict(img_path=str(path), pred_sem_seg=dict(data=torch.zeros(1, 4, 4, dtype=torch.long)))


def test_each_prediction_has_a_file(runner, tmp_path):
    NamedResultsHook().before_test(runner)
    metric = runner.test_evaluator.metrics[0]
    # a sampler may repeat an image
    for name in (*NAMES, NAMES[0]):
        metric.process(None, [sample(tmp_path / 'images' / name)])
    assert [path.relative_to(tmp_path / 'out').as_posix()
            for path in sorted((tmp_path / 'out').rglob('*.png'))] == list(NAMES)


def test_a_prediction_is_never_overwritten(runner, tmp_path):
    metric = runner.test_evaluator.metrics[0]
    metric.process(None, [sample(tmp_path / 'images' / NAMES[0])])
    with pytest.raises(UserError, match='b/0001.png would share the prediction 0001.png'):
        metric.process(None, [sample(tmp_path / 'images' / NAMES[1])])


def test_each_drawing_has_a_file(runner, tmp_path):
    hook = NamedResultsHook(str(tmp_path / 'show'), pred_score_thr=0.3)
    hook.before_test(runner)
    hook.after_test_iter(runner, 0, None, [
        SimpleNamespace(img_path=str(tmp_path / 'images' / name)) for name in NAMES])
    assert [(name, shape, options['step'], options['pred_score_thr'])
            for name, shape, options in runner.visualizer.drawn] == [
        ('a/test_0001.png', (40, 60, 3), 1, 0.3), ('b/test_0001.png', (40, 60, 3), 2, 0.3)]
    assert (tmp_path / 'show/vis_data/vis_image/b').is_dir()


def test_what_draws():
    for kind, scope, options in (
            ('SegVisualizationHook', 'mmseg', {}), ('mmdet.DetVisualizationHook', 'mmdet',
                                                    dict(pred_score_thr=0.3))):
        cfg = Config(dict(default_scope=scope, visualizer=dict(type='V'), default_hooks=dict(
            visualization=dict(type=kind))))
        assert draw(cfg, 'show') == dict(folder='show', backend_args=None, **options)
        assert not cfg.default_hooks.visualization.draw and cfg.visualizer.save_dir == 'show'
    cfg.default_hooks.visualization.type = 'MyHook'
    assert draw(cfg, 'show') == {} and cfg.default_hooks.visualization.draw
