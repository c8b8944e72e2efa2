"""What a run of an instance model leaves behind, and the threshold that its test counts at."""
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from PIL import Image

from plugin import visualization
from plugin.datasets.labels.polygons import to_mask
from plugin.engine.checkpoints.safe_reading import read_checkpoint as safe_load
from plugin.engine.hooks import RunSummaryHook
from plugin.engine.summary import instances as instance_pages
from plugin.evaluation import CountCalibration, best_threshold
from tests.helpers.small_instances import coco_content, make_images

COUNT = 7
ALL = {'scores.json', 'curves.png', 'precision_recall.png', 'predictions.png',
       'worst_pictures.png'}


@MODELS.register_module()
class HalfSeeingDetector(BaseModel):
    """Finds every animal with the score 0.4, and one that is not there with 0.3."""

    def __init__(self, data_preprocessor=None):
        super().__init__(data_preprocessor)
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        if mode == 'loss':
            return dict(loss=self.weight.sum())
        for sample in data_samples:
            height, width = sample.ori_shape
            masks = [to_mask(instance['mask'], height, width) for instance in sample.instances]
            ghost = np.zeros((height, width), np.uint8)
            ghost[-9:, -9:] = 1
            masks = np.stack([*masks, ghost])
            boxes = [cv2.boundingRect(mask) for mask in masks]
            sample.pred_instances = InstanceData(
                masks=torch.from_numpy(masks).bool(),
                bboxes=torch.tensor([(x, y, x + w, y + h) for x, y, w, h in boxes]).float(),
                labels=torch.zeros(len(masks), dtype=torch.int64),
                scores=torch.tensor([0.4] * (len(masks) - 1) + [0.3]) * self.weight.detach())
        return data_samples


@pytest.fixture(scope='module')
def animals(tmp_path_factory):
    """Images with outlines on disk; the last one shows no animal."""
    root = tmp_path_factory.mktemp('tiere é [1]')
    images = make_images(30, 1, count=COUNT - 1)[:COUNT]
    for image in images:
        image['img_path'] = f'kühe {image["img_id"]}.png'
        for instance in image['instances']:
            instance['ignore_flag'] = 0
        rng = np.random.default_rng(image['img_id'])
        pixels = rng.integers(0, 80, (*image['ori_shape'], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / image['img_path'])
    (root / 'val.json').write_text(json.dumps(coco_content(images, ['cattle'])))
    return root


def make_runner(animals, work_dir, meta=('instances', ), **changes):
    keys = ('img_id', 'img_path', 'ori_shape', 'img_shape', *meta)
    pipeline = [dict(type='LoadImageFromFile'),
                dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
                dict(type='PackDetInputs', meta_keys=keys)]
    loader = dict(
        batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(type='CattleDataset', data_root=str(animals), ann_file='val.json',
                     data_prefix=dict(img=''), pipeline=pipeline, test_mode=True))
    evaluator = [dict(type='FastCocoMetric', metric=['bbox', 'segm']), dict(type='CountMetric')]
    make_runner.number += 1
    cfg = dict(
        default_scope='mmdet', work_dir=str(work_dir),
        experiment_name=f'instances_{make_runner.number}',
        model=dict(type='HalfSeeingDetector', data_preprocessor=dict(type='DetDataPreprocessor')),
        train_dataloader=loader, val_dataloader=loader, test_dataloader=loader,
        val_evaluator=evaluator, test_evaluator=evaluator,
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=2, val_interval=2),
        val_cfg=dict(type='ValLoop'), test_cfg=dict(type='TestLoop'),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.0)),
        log_processor=dict(by_epoch=False),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
            checkpoint=dict(type='SafeCheckpointHook', by_epoch=False, interval=2,
                            save_best='coco/segm_mAP'),
            count_threshold=dict(type='CountThresholdHook'),
            summary=dict(type='RunSummaryHook', samples=3, worst=2)),
        visualizer=dict(type='DetLocalVisualizer', name=f'instances_{make_runner.number}',
                        vis_backends=[dict(type='LocalVisBackend')]))
    cfg.update(changes)
    return Runner.from_cfg(Config(cfg))


make_runner.number = 0


def log_of(runner):
    return '\n'.join(path.read_text() for path in Path(runner.log_dir).glob('*.log'))


def hook_of(runner):
    return next(hook for hook in runner.hooks if isinstance(hook, RunSummaryHook))


def files_of(folder):
    return {path.name for path in Path(folder).iterdir()} & ALL


@pytest.fixture(scope='module')
def trained(animals, tmp_path_factory):
    runner = make_runner(animals, tmp_path_factory.mktemp('run é'))
    runner.train()
    return runner


def test_training_writes_all(trained, animals):
    folder = Path(trained.work_dir)
    assert files_of(folder) == ALL
    scores = json.loads((folder / 'scores.json').read_text(encoding='utf-8'))['scores']
    content = json.loads((animals / 'val.json').read_text())
    # at 0.5 nothing counts; between 0.3 and 0.4 everything is right
    assert scores['count/MAE'] == pytest.approx(len(content['annotations']) / COUNT)
    assert scores['count/threshold'] == 0.5
    assert scores['count/best_MAE'] == 0
    assert scores['count/best_threshold'] == pytest.approx(0.35)
    assert scores['coco/segm_mAP'] == pytest.approx(1)
    log = log_of(trained)
    assert (f'mask AP50 1.000, AP 1.000; counts off by {scores["count/MAE"]:.2f} animals an image '
            '(threshold 0.50; 0.00 at 0.35); always saying ') in log
    assert f'; 100% of the animals, bias -{scores["count/MAE"]:.2f}; 1 of 7 images right on the ' \
        'validation set' in log
    assert scores['count/constant_MAE'] < scores['count/MAE'] and scores['count/skill'] < 0
    assert scores['count/right'] == 1 and scores['count/images'] == COUNT
    names = ('scores.json', 'precision_recall.png', 'precision_recall.json', 'counts.json')
    assert f'wrote {", ".join(str(folder / name) for name in names)}\n' in log


def test_counts_and_images_of_the_report(trained, animals):
    folder = Path(trained.work_dir)
    counts = json.loads((folder / 'counts.json').read_text('utf-8'))
    content = json.loads((animals / 'val.json').read_text())
    there = {image['file_name']: sum(ann['image_id'] == image['id']
                                     for ann in content['annotations'])
             for image in content['images']}
    # nothing counts at 0.5, and below 0.3 one animal that is not there
    assert counts['pictures'] == [[name, there[name], 0] for name in sorted(there)]
    errors = dict(zip(counts['thresholds'], counts['MAE']))
    assert (errors[0.3], errors[0.35], errors[0.4]) == (1, 0, 0)
    assert errors[0.41] == errors[1] == pytest.approx(np.mean(list(there.values())), abs=1e-4)
    curves = json.loads((folder / 'precision_recall.json').read_text())
    assert np.mean(curves['mask']['mean']) == pytest.approx(1)
    scores = json.loads((folder / 'scores.json').read_text('utf-8'))
    assert scores['classes'] == [{'class': 'cattle', 'mask AP': 1, 'mask AP50': 1, 'box AP': 1,
                                  'box AP50': 1}]
    gallery = json.loads((folder / 'vis_data/gallery.json').read_text('utf-8'))
    shown = {one['name']: one for one in gallery['pictures']}
    assert shown.keys() == there.keys() and gallery['score'] == 'quality of the outlines'
    empty = next(name for name, number in there.items() if not number)
    assert shown[empty]['score'] == 1 and shown[empty]['text'] == '0 there, 0 found'
    assert gallery['pictures'][0]['score'] == 0
    assert all({'input', 'truth', 'prediction'} <= one.keys() for one in gallery['pictures'])


def test_the_threshold_travels_with_the_weights(trained, animals, tmp_path):
    best = next(Path(trained.work_dir).glob('best_*.pth'))
    runner = make_runner(animals, tmp_path / 'best', load_from=str(best))
    scores = runner.test()
    assert scores['count/threshold'] == pytest.approx(0.35) and scores['count/MAE'] == 0
    assert 'threshold 0.35 (kept in the checkpoint)' in log_of(runner)
    assert scores['count/skill'] == 1 and scores['count/relative'] == 0
    assert 'AP 1.000; counts off by 0.00 animals an image (threshold 0.35); always' in log_of(
        runner)
    # 7 images are too few for an interval
    assert 'count/coverage' not in scores
    assert files_of(runner.log_dir) == ALL - {'curves.png'}
    # what counts is what is drawn
    assert all(len(sample.prediction) == len(sample.truth)
               for sample in hook_of(runner)._instances._some)
    fixed = make_runner(animals, tmp_path / 'fixed', load_from=str(best),
                        test_evaluator=dict(type='CountMetric', score_thr=0.2))
    assert fixed.test()['count/bias'] == 1  # the ghost counts, too


def test_a_test_does_not_tell_what_it_would_have_chosen(trained, animals, tmp_path):
    runner = make_runner(animals, tmp_path, test_evaluator=dict(type='CountMetric', score_thr=0.2))
    runner.test()
    assert '(threshold 0.20); always saying' in log_of(runner)


def test_counts_travel_with_the_weights(trained, animals):
    best = next(Path(trained.work_dir).glob('best_*.pth'))
    kept = CountCalibration.of_checkpoint(safe_load(best))
    pictures = json.loads((Path(trained.work_dir) / 'counts.json').read_text('utf-8'))
    assert kept.truth == [there for _, there, _ in sorted(pictures['pictures'])]
    assert kept.found(0.35) == kept.truth and kept.found(0.5) == [0] * COUNT
    assert [np.allclose(one, other) for one, other in zip(kept.scores, pictures['scores'])] == [
        True] * COUNT


def test_a_test_says_how_many_intervals_are_right(trained, animals, tmp_path):
    best = torch.load(next(Path(trained.work_dir).glob('best_*.pth')), weights_only=False)
    # 19 images of the validation in which one animal too many was found, and one in which 3 were
    scores = [np.array([0.9] * 3)] * 20
    best['message_hub']['runtime_info']['count_calibration'] = CountCalibration(
        scores, [2] * 19 + [0]).as_dict()
    torch.save(best, tmp_path / 'other.pth')
    runner = make_runner(animals, tmp_path, load_from=str(tmp_path / 'other.pth'))
    found = runner.test()
    # the reach is 1 / 2 of the root of the count and 1
    expected = [(max(0, np.ceil(there - np.sqrt(there + 1) / 2)),
                 np.floor(there + np.sqrt(there + 1) / 2 + 0.5)) for there in _there(animals)]
    assert found['count/coverage'] == 1
    assert found['count/interval_width'] == pytest.approx(np.mean([b - a for a, b in expected]))
    assert '100% of the true counts lie in their 90% intervals' in log_of(runner)


def _there(animals):
    content = json.loads((animals / 'val.json').read_text())
    return [sum(one['image_id'] == image['id'] for one in content['annotations'])
            for image in content['images']]


def test_a_test_after_the_training_counts_alike(trained):
    with DefaultScope.overwrite_default_scope('mmdet'):
        assert trained.test()['count/threshold'] == pytest.approx(0.35)


def test_the_last_checkpoint_keeps_the_threshold_of_its_own_validation(animals, tmp_path):
    """Scores fall while the weight does, and the mask AP stays: only the first one is the best."""
    runner = make_runner(
        animals, tmp_path, optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=4, val_interval=2))
    runner.train()
    kept = {path.name: safe_load(path) for path in Path(tmp_path).glob('*.pth')}
    assert sorted(kept) == ['best_coco_segm_mAP_iter_2.pth', 'iter_2.pth', 'iter_4.pth']
    weights = {name: float(one['state_dict']['weight']) for name, one in kept.items()}
    assert weights['iter_4.pth'] == pytest.approx(0.6)
    for name, one in kept.items():
        assert best_threshold(one) == pytest.approx(0.35 * weights[name])
        counts = CountCalibration.of_checkpoint(one)
        assert max(map(max, counts.scores)) == pytest.approx(0.4 * weights[name])
    tested = make_runner(animals, tmp_path / 'test', load_from=str(tmp_path / 'iter_4.pth'))
    scores = tested.test()
    assert scores['count/threshold'] == pytest.approx(0.21) and scores['count/MAE'] == 0


def test_validations_stay_comparable(trained, animals, tmp_path):
    best = next(Path(trained.work_dir).glob('best_*.pth'))
    hooks = dict(count_threshold=dict(type='CountThresholdHook'))
    runner = make_runner(animals, tmp_path, load_from=str(best), default_hooks=hooks)
    assert runner.val()['count/threshold'] == 0.5


def test_the_worst_are_the_worst(trained, animals):
    pages = hook_of(trained)._instances
    content = json.loads((animals / 'val.json').read_text())
    empty = {image['file_name'] for image in content['images']
             if image['id'] not in {ann['image_id'] for ann in content['annotations']}}
    assert len(pages._worst) == 2 and len(pages._some) == 3
    for sample in pages._worst:
        assert Path(sample.path).name not in empty and len(sample.truth) > 0


def test_pages_show_truth_and_prediction(trained, tmp_path):
    sample = hook_of(trained)._instances._some[0]
    visualization.draw_instance_samples([sample], tmp_path / 'kühe.png')
    without = sample._replace(truth=None, partner=None, quality=None)
    visualization.draw_instance_samples([without], tmp_path / 'ohne.png')
    widths = [Image.open(tmp_path / name).width for name in ('kühe.png', 'ohne.png')]
    assert widths[0] > 1.4 * widths[1]


def test_without_truth_only_predictions(animals, tmp_path, monkeypatch):
    monkeypatch.setattr(HalfSeeingDetector, 'forward', _blind)
    runner = make_runner(animals, tmp_path, meta=(), test_evaluator=dict(type='CountMetric'))
    scores = runner.test()
    assert scores['count/best_MAE'] > 0
    assert files_of(runner.log_dir) == {'scores.json', 'predictions.png'}
    assert 'counts off by' in log_of(runner) and 'AP' not in log_of(runner).split('counts off')[1]


def _blind(self, inputs, data_samples=None, mode='tensor'):
    for sample in data_samples:
        sample.pred_instances = InstanceData(
            masks=torch.zeros(0, *sample.ori_shape, dtype=torch.bool), scores=torch.zeros(0),
            labels=torch.zeros(0, dtype=torch.int64), bboxes=torch.zeros(0, 4))
    return data_samples


def test_full_disk_does_not_lose_a_training(animals, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, 'No space left on device')

    for name in ('draw_instance_samples', 'draw_precision_recall'):
        monkeypatch.setattr(visualization, name, full)
    runner = make_runner(animals, tmp_path)
    runner.train()
    assert runner.iter == 2 and files_of(tmp_path) == {'scores.json', 'curves.png'}
    for name in ('precision_recall', 'predictions', 'worst_pictures'):
        assert f'{tmp_path / name}.png is not written: [Errno 28] No space left' in log_of(runner)


@pytest.mark.parametrize('metrics, words', [
    ({}, None), ({'mIoU': 3.0}, None),
    ({'own/bbox_mAP': 0.25, 'own/bbox_mAP_50': 0.5}, 'box AP50 0.500, AP 0.250'),
    ({'count/MAE': 1.0, 'count/threshold': 0.5, 'count/best_MAE': 1.0, 'count/best_threshold': 0.7},
     'counts off by 1.00 animals an image (threshold 0.50)')])
def test_scores_in_words(metrics, words):
    assert instance_pages.sentence(metrics) == words
