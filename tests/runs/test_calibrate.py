"""A checkpoint learns threshold and intervals of counts from validation images."""
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from plugin.engine.checkpoints.safe_reading import read_checkpoint
from plugin.evaluation import CountCalibration, best_count_threshold, best_threshold
from plugin.inference import load_model
from plugin.runs import calibrate
from plugin.utils import UserError
from tests.helpers.forked import call, run_tool
from tests.helpers.small_instances import coco_content, make_images
from tests.helpers.tiny_detector import CLASSES, write_detector, write_weights

MORE = """
test_pipeline[1]['scale'] = (64, 48)
val_dataloader = dict(
    batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CattleDataset', data_root='data', ann_file='val.json',
                 metainfo=dict(classes=('cow', 'calf')), data_prefix=dict(img=''),
                 pipeline=test_pipeline, test_mode=True))
val_evaluator = dict(type='CountMetric')
val_cfg = dict(type='ValLoop')
"""


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp('herd')
    config = write_detector(folder)
    config.write_text(config.read_text('utf-8') + MORE, 'utf-8')
    images = make_images(3, 2, count=9, predictions=0, animals=4)
    (folder / 'data').mkdir()
    for image in images:
        image['img_path'] = f'{image["img_id"]}.png'
        pixels = np.random.default_rng(image['img_id']).integers(0, 256, (*image['ori_shape'], 3))
        Image.fromarray(pixels.astype(np.uint8)).save(folder / 'data' / image['img_path'])
    content = coco_content(images, CLASSES)
    # a crowd would hide animals of which half lies in it
    content['annotations'] = [one for one in content['annotations'] if not one.get('iscrowd')]
    (folder / 'data/val.json').write_text(json.dumps(content))
    weights = write_weights(config, 'plain.pth', 0.9)
    return SimpleNamespace(folder=folder, config=config.name, weights=weights)


@pytest.fixture(scope='module')
def calibrated(project):
    scores = call('plugin.runs:calibrate', project.folder, project.config, project.weights,
                  'new.pth', work_dir='log')
    return SimpleNamespace(scores=scores, path=project.folder / 'new.pth')


def test_the_copy_knows_what_was_counted(project, calibrated):
    before, after = read_checkpoint(project.weights), read_checkpoint(calibrated.path)
    assert all(torch.equal(value, after['state_dict'][name])
               for name, value in before['state_dict'].items())
    assert before['meta'] == after['meta']
    kept = CountCalibration.of_checkpoint(after)
    threshold, error = best_count_threshold(kept.scores, kept.truth)
    assert best_threshold(after) == pytest.approx(threshold)
    assert calibrated.scores['count/best_MAE'] == pytest.approx(error)
    content = json.loads((project.folder / 'data/val.json').read_text())
    assert sorted(kept.truth) == sorted(
        sum(one['image_id'] == image['id']
            for one in content['annotations']) for image in content['images'])


def test_predictions_use_it(project, calibrated):
    cfg = Config.fromfile(project.folder / project.config)
    model = load_model(cfg, calibrated.path, device='cpu')
    assert model.score_thr == best_threshold(read_checkpoint(calibrated.path)) != 0.9
    image = str(next(project.folder.glob('data/*.png')))
    found = model(image)
    low, high = found.interval
    assert low <= len(found) <= high
    # the same images as in the validation have the same scores
    counts = [len(model(str(path))) for path in project.folder.glob('data/*.png')]
    assert sorted(counts) == sorted(model._counts.found(model.score_thr))
    assert load_model(cfg, project.weights, device='cpu')(image).interval is None


def test_options_and_files(project, calibrated):
    result = run_tool('calibrate', [project.config, project.weights, '--out', 'masks.pth',
                                    '--cfg-options', 'model.roi_head.type=MaskNMSRoIHead',
                                    'model.test_cfg.rcnn.mask_nms.iou=0.1',
                                    'model.test_cfg.rcnn.mask_nms.inside=0.5'], project.folder)
    assert result.status == 0, result.err[-2000:]
    assert 'wrote masks.pth' in result.out and 'animals an image on 12 images' in result.out
    fewer = CountCalibration.of_checkpoint(read_checkpoint(project.folder / 'masks.pth'))
    every = CountCalibration.of_checkpoint(read_checkpoint(calibrated.path))
    assert sum(map(len, fewer.scores)) < sum(map(len, every.scores))
    result = run_tool('calibrate', [project.config, project.weights, '--out', 'masks.pth'],
                      project.folder)
    assert result.status == 1 and 'masks.pth exists already: choose another name' in result.err


def test_a_config_that_counts_nothing(project, tmp_path, monkeypatch):
    monkeypatch.chdir(project.folder)
    with pytest.raises(UserError, match='tiny_detector.py counts nothing: give one of a model of'):
        calibrate(project.config, project.weights, tmp_path / 'x.pth',
                  options=['val_evaluator.type=CocoMetric'])
