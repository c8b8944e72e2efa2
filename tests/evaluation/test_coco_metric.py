"""FastCocoMetric against pycocotools and MMDetection's CocoMetric."""
import contextlib
import copy
import io
import json

import numpy as np
import pytest
import torch
from mmdet.evaluation import CocoMetric
from mmdet.registry import METRICS
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from plugin.evaluation import FastCocoMetric, encode_masks
from plugin.evaluation.coco_scores import ITEMS
from tests.helpers.instance_scores import NAMES, evaluate
from tests.helpers.small_instances import coco_content, make_images


def pycocotools_scores(images, names, kind, numbers=(100, 300, 1000), ious=None):
    """All twelve scores by pycocotools alone."""
    content = coco_content(images, names)
    ids = [category['id'] for category in content['categories']]
    results = []
    for image in images:
        found = image['pred_instances']
        for box, score, label, mask in zip(found['bboxes'].double().tolist(), found['scores'],
                                           found['labels'], found['masks']):
            entry = dict(image_id=image['img_id'], score=float(score), category_id=ids[label])
            if kind == 'segm':
                entry['segmentation'] = coco_mask.encode(np.asfortranarray(mask.byte().numpy()))
            else:
                entry['bbox'] = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            results.append(entry)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = content
        truth.createIndex()
        evaluator = COCOeval(truth, truth.loadRes(results), kind)
        evaluator.params.maxDets = list(numbers)
        if ious is not None:
            evaluator.params.iouThrs = np.array(ious)
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return dict(zip(ITEMS, evaluator.stats, strict=True))


def write(path, content):
    path.write_text(json.dumps(content), encoding='utf-8')
    return str(path)


@pytest.mark.parametrize('seed, names', [(0, NAMES[:1]), (1, NAMES), (2, NAMES)])
@pytest.mark.parametrize('from_file', [True, False])
def test_figures_are_those_of_pycocotools(tmp_path, seed, names, from_file):
    images = make_images(seed, len(names))
    before = copy.deepcopy([image['instances'] for image in images])
    path = write(tmp_path / 'truth é.json', coco_content(images, names)) if from_file else None
    metric = FastCocoMetric(ann_file=path, metric=['bbox', 'segm'], metric_items=list(ITEMS))
    scores = evaluate(metric, images, names)
    for kind in ('bbox', 'segm'):
        expected = pycocotools_scores(images, names, kind)
        assert len({round(value, 6) for value in expected.values()}) > 6
        for item, value in expected.items():
            assert scores[f'coco/{kind}_{item}'] == pytest.approx(value, abs=1e-6), (kind, item)
    assert [image['instances'] for image in images] == before


@pytest.mark.parametrize('classwise', [False, True])
def test_names_and_figures_are_those_of_mmdet(tmp_path, classwise):
    images = make_images(3, 3)
    path = write(tmp_path / 'truth.json', coco_content(images, NAMES))
    options = dict(ann_file=path, metric=['bbox', 'segm'], classwise=classwise)
    expected = evaluate(CocoMetric(**options), images)
    scores = evaluate(FastCocoMetric(**options), images)
    assert list(scores) == list(expected)
    assert len(scores) == 12 + 3 * classwise
    for name, value in expected.items():
        assert scores[name] == pytest.approx(value, abs=5.01e-4), name


def test_truth_of_the_samples_as_in_mmdet_but_areas_of_masks():
    images = make_images(4, 3)
    expected = evaluate(CocoMetric(metric=['bbox', 'segm']), images)
    scores = evaluate(FastCocoMetric(metric=['bbox', 'segm']), images)
    assert list(scores) == list(expected)
    for name in ('mAP', 'mAP_50', 'mAP_75'):
        for kind in ('bbox', 'segm'):
            assert scores[f'coco/{kind}_{name}'] == pytest.approx(
                expected[f'coco/{kind}_{name}'], abs=5.01e-4)


def test_truth_of_boxes_is_enough_for_boxes():
    images = make_images(4, 3)
    for image in images:
        for instance in image['instances']:
            del instance['mask']
    expected = evaluate(CocoMetric(), images)
    scores = evaluate(FastCocoMetric(), images)
    for name, value in expected.items():
        assert scores[name] == pytest.approx(value, abs=5.01e-4)


def test_more_predictions_than_count():
    images = make_images(5, 1, count=3, predictions=270, animals=25)
    expected = pycocotools_scores(images, NAMES[:1], 'segm', (10, 100, 250))
    assert expected['mAP_50'] != pytest.approx(
        pycocotools_scores(images, NAMES[:1], 'segm', (1, 10, 100))['mAP_50'])
    metric = FastCocoMetric(metric='segm', proposal_nums=(10, 100, 250), metric_items=list(ITEMS))
    scores = evaluate(metric, images, NAMES[:1])
    for item, value in expected.items():
        assert scores[f'coco/segm_{item}'] == pytest.approx(value, abs=1e-6), item


@pytest.mark.parametrize('ious', [[0.5], [0.3, 0.75]])
def test_thresholds_of_ones_own(ious):
    images = make_images(6, 3)
    expected = pycocotools_scores(images, NAMES, 'segm', ious=ious)
    scores = evaluate(FastCocoMetric(metric='segm', iou_thrs=ious), images)
    for item in ('mAP', 'mAP_50', 'mAP_75'):
        assert scores[f'coco/segm_{item}'] == pytest.approx(expected[item], abs=1e-6)


def test_proposals_as_in_mmdet(tmp_path):
    images = make_images(7, 3)
    path = write(tmp_path / 'truth.json', coco_content(images, NAMES))
    expected = evaluate(CocoMetric(ann_file=path, metric='proposal'), images)
    scores = evaluate(FastCocoMetric(ann_file=path, metric='proposal'), images)
    assert list(scores) == list(expected)
    for name, value in expected.items():
        assert scores[name] == pytest.approx(value, abs=5.01e-4)


def test_labels_find_their_category_by_name(tmp_path):
    images = make_images(8, 3)
    straight = write(tmp_path / 'a.json', coco_content(images, NAMES))
    turned = write(tmp_path / 'b.json', coco_content(images, NAMES, order=NAMES[::-1]))
    scores = [evaluate(FastCocoMetric(ann_file=path, metric=['bbox', 'segm'], classwise=True),
                       images) for path in (straight, turned)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-9)
    precisions = [scores[0][f'coco/{name}_precision'] for name in NAMES]
    assert len(set(precisions)) == 3
    # here MMDetection takes the order of the file for that of the classes
    assert evaluate(CocoMetric(ann_file=turned, metric='segm'),
                    images)['coco/segm_mAP'] < scores[1]['coco/segm_mAP'] / 2


def perfect(names, label, number=1):
    """An image in which one square is found."""
    mask = np.zeros((50, 50), bool)
    mask[5:45, 5:45] = True
    code = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    code['counts'] = code['counts'].decode()
    return dict(
        img_id=number, ori_shape=(50, 50), img_path='a.jpg',
        instances=[dict(bbox=[5, 5, 45, 45], bbox_label=label, mask=code, ignore_flag=0)],
        pred_instances=dict(bboxes=torch.tensor([[5., 5, 45, 45]]), scores=torch.tensor([0.9]),
                            labels=torch.tensor([label]), masks=torch.from_numpy(mask)[None]))


def test_closed_forms():
    metric = FastCocoMetric(metric=['bbox', 'segm'], classwise=True)
    scores = evaluate(metric, [perfect(NAMES, 2)])
    assert scores['coco/segm_mAP'] == scores['coco/bbox_mAP_m'] == 1
    assert scores['coco/segm_mAP_s'] == scores['coco/segm_mAP_l'] == -1
    assert scores['coco/pig_precision'] == 1 and np.isnan(scores['coco/cow_precision'])
    # the second of two animals is not found: precision 1 up to a recall of one half
    half = [perfect(NAMES, 2), perfect(NAMES, 2, number=2)]
    half[1]['pred_instances'] = {key: value[:0] for key, value
                                 in half[1]['pred_instances'].items()}
    scores = evaluate(metric, half)
    assert scores['coco/segm_mAP'] == pytest.approx(51 / 101)
    curve = metric.evaluations['segm'].curves()['IoU 0.50']
    np.testing.assert_array_equal(curve, np.arange(101) <= 50)


def test_curves_have_the_scores_as_means():
    metric = FastCocoMetric(metric=['bbox', 'segm'])
    scores = evaluate(metric, make_images(9, 3))
    for kind in ('bbox', 'segm'):
        curves = metric.evaluations[kind].curves()
        assert list(curves) == ['IoU 0.50', 'IoU 0.75', 'mean']
        for curve, item in zip(curves.values(), ('mAP_50', 'mAP_75', 'mAP'), strict=True):
            assert curve.shape == (101, ) and (np.diff(curve) <= 0).all()
            assert curve.mean() == pytest.approx(scores[f'coco/{kind}_{item}'])


def test_nothing_predicted_scores_nothing():
    images = make_images(10, 3, predictions=0)
    images = [image for image in images if not len(image['pred_instances']['scores'])]
    scores = evaluate(FastCocoMetric(metric=['bbox', 'segm']), images)
    assert scores['coco/bbox_mAP'] == scores['coco/segm_mAP'] == scores['coco/segm_mAP_50'] == 0


def test_without_any_animal_there_is_no_score():
    metric = FastCocoMetric(metric=['bbox', 'segm'])
    alone = [image for image in make_images(11, 3) if not image['instances']]
    scores = evaluate(metric, alone)
    assert set(scores.values()) == {-1}
    assert metric.evaluations['segm'].curves() == {}


def test_an_annotation_with_the_id_0_counts(tmp_path):
    images = [perfect(NAMES, 0)]
    path = write(tmp_path / 'truth.json', coco_content(images, NAMES, first_id=0))
    assert evaluate(FastCocoMetric(ann_file=path, metric='segm'), images)['coco/segm_mAP'] == 1


def test_each_evaluation_starts_anew():
    metric = FastCocoMetric(metric=['bbox', 'segm'])
    first, second = make_images(12, 3), make_images(13, 3)
    evaluate(metric, first)
    again = evaluate(metric, second)
    assert again == evaluate(FastCocoMetric(metric=['bbox', 'segm']), second)


def test_scores_of_masks_may_differ_from_those_of_boxes():
    images = make_images(14, 1)
    plain = evaluate(FastCocoMetric(metric=['bbox', 'segm']), images, NAMES[:1])
    for image in images:
        found = image['pred_instances']
        found['mask_scores'] = 1 - found['scores']
    own = evaluate(FastCocoMetric(metric=['bbox', 'segm']), images, NAMES[:1])
    expected = evaluate(CocoMetric(metric=['bbox', 'segm']), images, NAMES[:1])
    assert own['coco/bbox_mAP'] == plain['coco/bbox_mAP']
    assert own['coco/segm_mAP'] != plain['coco/segm_mAP']
    assert own['coco/segm_mAP'] == pytest.approx(expected['coco/segm_mAP'], abs=5.01e-4)


def test_results_are_written_as_mmdet_does(tmp_path):
    images = make_images(15, 3)
    for name, cls in (('slow', CocoMetric), ('fast', FastCocoMetric)):
        metric = cls(metric=['bbox', 'segm'], outfile_prefix=str(tmp_path / name))
        evaluate(metric, images)
    for kind in ('bbox', 'segm'):
        slow, fast = (json.loads((tmp_path / f'{name}.{kind}.json').read_text())
                      for name in ('slow', 'fast'))
        assert slow == fast and len(fast) > 100


def test_only_results_need_no_truth(tmp_path):
    images = [{key: value for key, value in image.items() if key != 'instances'}
                for image in make_images(16, 3)]
    metric = FastCocoMetric(metric='segm', format_only=True, outfile_prefix=str(tmp_path / 'out'))
    assert evaluate(metric, images) == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == ['out.bbox.json', 'out.segm.json']


@pytest.mark.parametrize('shape', [(3, 17, 5), (2, 1, 9), (2, 9, 1), (0, 4, 4), (40, 6, 4),
                                   (2, 64, 33)])
@pytest.mark.parametrize('share', [0.02, 0.5, 0.98])
def test_encoding_is_that_of_pycocotools(shape, share):
    masks = np.random.default_rng(0).random(shape) < share
    masks[:1] = False
    masks[1:2] = True
    masks[2:20, :2] = False  # a row of zeros above only
    masks[20:30, -1:] = False  # below only
    before = masks.copy()
    for kind in (masks, masks.astype(np.uint8), np.asfortranarray(masks)):
        assert encode_masks(kind) == [
            coco_mask.encode(np.asfortranarray(mask, np.uint8)) for mask in masks]
    np.testing.assert_array_equal(masks, before)


def test_mistakes_are_named(tmp_path):
    images = make_images(17, 3)
    path = write(tmp_path / 'truth.json', coco_content(images, NAMES))

    def fails(match, metric, samples=images, names=NAMES, error=ValueError):
        with pytest.raises(error, match=match):
            evaluate(metric, samples, names)

    fails(r"class 'dog' is no category of .*truth.json, which has \(cow, Kuh é, pig\): set",
          FastCocoMetric(ann_file=path), names=('cow', 'dog'))
    stranger = [dict(images[0], img_id=99)]
    fails('image 99 was predicted, but .*truth.json does not have it',
          FastCocoMetric(ann_file=path), samples=stranger)
    bare = [{key: value for key, value in images[0].items() if key != 'instances'}]
    fails("images/kühe 10.jpg has no truth: add 'instances' to the meta_keys",
          FastCocoMetric(), samples=bare)
    boxes = copy.deepcopy(images[:1])
    del boxes[0]['pred_instances']['masks']
    fails("predicts no masks: leave 'segm' out", FastCocoMetric(metric='segm'), samples=boxes)
    flat = copy.deepcopy(images[:1])
    flat[0]['instances'][0]['mask'] = []
    fails('images/kühe 10.jpg: the segmentation is empty', FastCocoMetric(metric='segm'),
          samples=flat)
    fails('the data set names no classes: set metainfo', FastCocoMetric(), names=())
    with pytest.raises(ValueError, match='no image was evaluated'):
        FastCocoMetric().compute_metrics([])
    with pytest.raises(ValueError, match=r'proposal_nums=\(10, 50, 200\): give three ascending'):
        FastCocoMetric(proposal_nums=(10, 50, 200))
    with pytest.raises(ValueError, match="'proposal' is as fast"):
        FastCocoMetric(metric='proposal_fast')
    with pytest.raises(ValueError, match="metric_items names 'AP': give some of mAP, mAP_50"):
        FastCocoMetric(metric_items=['AP'])
    with pytest.raises(ValueError, match='format_only=True writes predictions: set outfile_prefix'):
        FastCocoMetric(format_only=True)
    with pytest.raises(FileNotFoundError, match='nothing.json does not exist'):
        FastCocoMetric(ann_file=str(tmp_path / 'nothing.json'))


def test_a_config_finds_it():
    assert METRICS.get('FastCocoMetric') is FastCocoMetric
