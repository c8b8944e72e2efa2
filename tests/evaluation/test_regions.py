"""Regions in scores: a crowd as in COCO, and nothing that is counted."""
import json

import cv2
import numpy as np
import pytest
import torch
from mmdet.evaluation import CocoMetric
from mmdet.registry import DATASETS
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS as SEG_DATASETS
from mmseg.registry import MODELS as SEG_MODELS
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from plugin.datasets.labels import convert
from plugin.engine.summary.instances import _sample
from plugin.evaluation import CountMetric, FastCocoMetric
from plugin.evaluation.counted import counted
from plugin.visualization.instance_samples import draw_layers
from tests.helpers.region_files import CALF, COW, FAR, HEIGHT, NEAR, TOOLS, WIDTH, write_labels

CLASSES = ('calf', 'cow')
PIPELINE = [
    dict(type='LoadImageFromFile'), dict(type='Resize', scale=(48, 32), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape',
                                          'scale_factor', 'instances'))]


def filled(points):
    return coco_mask.decode(coco_mask.frPyObjects(
        [np.ravel(points).astype(float).tolist()], HEIGHT, WIDTH))[..., 0]


def moved(points, x, y=0):
    return [(a + x, b + y) for a, b in points]


# what a model finds: both animals, one of them a second time, and things in the regions
FOUND = [(1, COW, 0.9), (0, CALF, 0.8), (1, moved(COW, 50, -8), 0.92),
         (0, [(10, 40), (30, 40), (30, 50), (10, 50)], 0.95),
         (1, [(66, 22), (90, 22), (90, 30), (66, 30)], 0.85),
         (1, moved(FAR, 0, -16), 0.6)]


@pytest.fixture(params=TOOLS)
def path(request, tmp_path):
    """The COCO file of what a tool exports."""
    source = write_labels(request.param, tmp_path)
    return convert(request.param, source, tmp_path / 'data.json',
                   images=tmp_path / 'images').path


@pytest.fixture
def samples(path):
    """Both images with their truth, and what is found in the pen."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        dataset = DATASETS.build(dict(
            type='CattleDataset', metainfo=dict(classes=CLASSES), ann_file=str(path),
            data_prefix=dict(img=str(path.parent / 'images')), pipeline=PIPELINE,
            test_mode=True))
        made = [dataset[place]['data_samples'] for place in range(2)]
    for sample in made:
        found = FOUND if sample.img_path.endswith('pen.png') else []
        masks = np.array([filled(points) for _, points, _ in found], bool)
        boxes = [[*np.min(points, 0), *np.max(points, 0)] for _, points, _ in found]
        sample.pred_instances = sample.gt_instances.__class__(
            labels=torch.tensor([label for label, _, _ in found], dtype=torch.int64),
            scores=torch.tensor([score for _, _, score in found]),
            bboxes=torch.tensor(np.reshape(boxes, (-1, 4)), dtype=torch.float32),
            masks=torch.from_numpy(masks.reshape(-1, HEIGHT, WIDTH)))
    return made


def scores_of(metric, samples):
    metric.dataset_meta = dict(classes=CLASSES)
    metric.process(None, [sample.to_dict() for sample in samples])
    return metric.evaluate(len(samples))


def by_pycocotools(path, samples):
    """Mask AP of a file, by the reference, with the categories of the file."""
    truth = COCO(str(path))
    ids = {one['name']: number for number, one in truth.cats.items()}
    results = []
    for sample in samples:
        found = sample.pred_instances
        for label, score, mask in zip(found.labels.tolist(), found.scores.tolist(),
                                      found.masks.numpy()):
            results.append(dict(image_id=sample.img_id, category_id=ids[CLASSES[label]],
                                score=score, segmentation=coco_mask.encode(
                                    np.asfortranarray(mask, np.uint8))))
    evaluation = COCOeval(truth, truth.loadRes(results), 'segm')
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats[0]


def test_average_precision_is_that_of_pycocotools(path, samples):
    expected = by_pycocotools(path, samples)
    assert 0.5 < expected < 1
    for metric in (FastCocoMetric(metric='segm'), FastCocoMetric(str(path), metric='segm')):
        assert scores_of(metric, samples)['coco/segm_mAP'] == pytest.approx(expected)
    if [one['name'] for one in json.loads(path.read_text())['categories']] == list(CLASSES):
        # MMDetection's own, which rounds, and takes the classes in the order of the file
        stock = scores_of(CocoMetric(str(path), metric='segm'), samples)
        assert stock['coco/segm_mAP'] == pytest.approx(expected, abs=1e-3)


def test_without_the_regions_it_is_lower(path, samples):
    with_regions = scores_of(FastCocoMetric(metric='segm'), samples)['coco/segm_mAP']
    for sample in samples:
        sample.set_metainfo(dict(instances=[one for one in sample.instances
                                            if not one['ignore_flag']]))
    assert scores_of(FastCocoMetric(metric='segm'), samples)['coco/segm_mAP'] < with_regions


def test_a_file_of_another_tool_is_scored_the_same(tmp_path, samples, path):
    raw = write_labels('coco', tmp_path / 'raw')
    content = json.loads(raw.read_text())
    known = {one['file_name']: one['id'] for one in json.loads(path.read_text())['images']}
    new = {one['id']: known[one['file_name'].split('/')[-1]] if one['file_name'] in known else
           next(number for name, number in known.items() if name.endswith(one['file_name']))
           for one in content['images']}
    for image in content['images']:
        image['id'] = new[image['id']]
    for one in content['annotations']:
        one['image_id'] = new[one['image_id']]
    raw.write_text(json.dumps(content))
    found = scores_of(FastCocoMetric(str(raw), metric='segm'), samples)['coco/segm_mAP']
    assert found == pytest.approx(by_pycocotools(path, samples))


def test_counts_leave_regions_out(samples):
    pen, = (sample for sample in samples if sample.img_path.endswith('pen.png'))
    kept, there = counted(pen.pred_instances, pen.instances, (HEIGHT, WIDTH))
    hidden = (filled(FAR) | filled(NEAR)).astype(bool)
    shares = [filled(points)[hidden].sum() / filled(points).sum() for _, points, _ in FOUND]
    assert kept.tolist() == [share < 0.5 for share in shares]
    assert kept.tolist() == [True, True, True, False, False, True] and there.all()
    found = scores_of(CountMetric(score_thr=0.5), samples)
    # 4 found, 2 there; nothing in the empty image
    assert (found['count/MAE'], found['count/bias']) == (1, 1)
    for sample in samples:
        del sample.pred_instances.masks
    # boxes tell nearly the same
    kept, _ = counted(pen.pred_instances, pen.instances, (HEIGHT, WIDTH))
    assert kept.tolist()[:5] == [True, True, True, False, False]


def test_a_true_instance_in_a_region_is_not_counted_either(samples):
    pen, = (sample for sample in samples if sample.img_path.endswith('pen.png'))
    calf = next(one for one in pen.instances if one['bbox_label'] == 0 and not one['ignore_flag'])
    crowd = next(one for one in pen.instances if one['bbox_label'] == 0 and one['ignore_flag'])
    hidden = dict(crowd, mask=calf['mask'], bbox=calf['bbox'])
    kept, there = counted(pen.pred_instances, [*pen.instances, hidden], (HEIGHT, WIDTH))
    assert there.tolist() == [one is not calf for one in pen.instances if not one['ignore_flag']]
    # a crowd of cattle alone: it does not concern the other class
    kept, there = counted(pen.pred_instances, [calf, dict(hidden, bbox_label=1)], (HEIGHT, WIDTH))
    assert there.all() and kept.tolist()[1]


def test_semantic_targets_are_255_in_regions(path):
    dataset = SEG_DATASETS.build(dict(
        type='CattleSegDataset', metainfo=dict(classes=CLASSES), ann_file=str(path),
        data_prefix=dict(img_path=str(path.parent / 'images')),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadInstanceSegMap')]))
    maps = {dataset[place]['img_path'].split('/')[-1]: dataset[place]['gt_seg_map']
            for place in range(2)}
    expected = np.where(filled(FAR) | filled(NEAR), 255, 0)
    # an outlined animal is known, also where a region lies over it
    expected[filled(CALF) > 0], expected[filled(COW) > 0] = 1, 2
    assert (maps['pen.png'] == expected).all() and not maps['empty.png'].any()
    assert (expected == 255).sum() > 1000


PIECES = [(64, 20, 80, 40), (76, 20, 92, 40)]


def test_semantic_targets_do_not_tell_how_a_region_is_drawn(tmp_path):
    """And the loss has no gradient there."""
    maps = []
    for number, last in enumerate(([NEAR], [
            [(left, top), (right, top), (right, bottom), (left, bottom)]
            for left, top, right, bottom in PIECES])):
        drawn = (('cow', COW), ('ignore', FAR), ('calf', CALF),
                 *(('ignore', points) for points in last))
        folder = tmp_path / f'{number}'
        done = convert('cvat', write_labels('cvat', folder, drawn), folder / 'data.json',
                       images=folder / 'images')
        dataset = SEG_DATASETS.build(dict(
            type='CattleSegDataset', metainfo=dict(classes=CLASSES), ann_file=str(done.path),
            data_prefix=dict(img_path=str(folder / 'images')),
            pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadInstanceSegMap')]))
        maps.append(dataset[1]['gt_seg_map'])
    assert (maps[0] == maps[1]).all() and (maps[0] == 255).any()
    scores = torch.randn(1, 3, HEIGHT, WIDTH, requires_grad=True)
    loss = SEG_MODELS.build(dict(type='CrossEntropyLoss'))
    loss(scores, torch.from_numpy(maps[0])[None].long(), ignore_index=255).backward()
    assert ((scores.grad[0] != 0).any(0) == torch.from_numpy(maps[0] != 255)).all()


def test_pages_of_images_show_regions_hatched(samples, path):
    pen, = (sample for sample in samples if sample.img_path.endswith('pen.png'))
    sample = _sample(pen, 0.5)
    assert len(sample.truth) == 2 and len(sample.prediction) == len(FOUND)
    layers = draw_layers(sample, 512)
    changed = (layers['truth'] != layers['input']).any(axis=2)
    grey = (layers['truth'] == 128).all(axis=2)
    inside = filled(FAR) > 0
    assert changed[inside].all() and 0.2 < grey[inside].mean() < 0.6
    drawn = cv2.dilate(filled(FAR) | filled(NEAR) | filled(COW) | filled(CALF),
                       np.ones((3, 3), np.uint8))
    drawn[-16:] = 1  # the legend
    assert not changed[drawn == 0].any()
