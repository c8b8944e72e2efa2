"""CountMetric against slow counting, and the threshold that travels with the weights."""
import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.registry import METRICS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.logging import HistoryBuffer
from mmengine.structures import InstanceData
from pycocotools import mask as coco_mask

from plugin.datasets.labels.polygons import to_mask
from plugin.evaluation import CountCalibration, CountMetric, best_count_threshold, best_threshold
from tests.helpers.small_instances import make_images
from tests.reference import slow_best_threshold, slow_count_errors

CLASSES = ('cow', 'pig')


def strip(columns):
    """Masks of a column each, (n, 8, 40)."""
    masks = torch.zeros(len(columns), 8, 40, dtype=torch.bool)
    for mask, column in zip(masks, columns):
        mask[:, column] = True
    return masks


def packed(labels, columns):
    """Instances as PackDetInputs packs them."""
    masks = BitmapMasks(strip(columns).numpy().astype(np.uint8), 8, 40)
    return InstanceData(labels=labels, masks=masks)


def sample(true, scores, labels=None, crowds=0):
    """An image as the evaluator hands it over, its truth as the pipeline packs it."""
    data = DetDataSample(metainfo=dict(img_path='kühe 1.jpg', ori_shape=(8, 40)))
    scores = torch.tensor(scores, dtype=torch.float32)
    labels = torch.zeros(len(scores), dtype=torch.int64) if labels is None else labels
    data.pred_instances = InstanceData(scores=scores, labels=torch.as_tensor(labels))
    data.pred_instances.masks = strip(range(len(scores)))
    data.gt_instances = packed(torch.as_tensor(true), range(len(true)))
    # in the right half, where nothing is found
    data.ignored_instances = packed(torch.zeros(crowds, dtype=torch.int64), range(20, 20 + crowds))
    return data.to_dict()


def evaluate(metric, samples):
    metric.dataset_meta = dict(classes=CLASSES)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_closed_form():
    samples = [sample([0, 0, 0], [0.9, 0.8, 0.3], crowds=5), sample([], [0.5, 0.6]),
               sample([1], []), sample([], [])]
    scores = evaluate(CountMetric(), samples)
    # 2 of 3, 2 of 0, 0 of 1, 0 of 0
    assert scores['count/MAE'] == 1
    assert scores['count/RMSE'] == pytest.approx(1.5 ** 0.5)
    assert scores['count/bias'] == 0
    assert scores['count/threshold'] == 0.5
    # between 0.6 and 0.8: 2 of 3, 0 of 0, 0 of 1, 0 of 0
    assert scores['count/best_MAE'] == 0.5
    assert scores['count/best_threshold'] == pytest.approx(0.7)


def test_the_best_constant_stands_beside_it():
    scores = evaluate(CountMetric(classwise=True), [
        sample([0], [0.9]), sample([0], [0.9, 0.8]), sample([0, 0, 1], [0.9, 0.8, 0.7])])
    # always 1: off by 2 / 3; the model: off by 1 / 3
    assert scores['count/constant'] == 1
    assert scores['count/constant_MAE'] == pytest.approx(2 / 3)
    assert scores['count/skill'] == pytest.approx(0.5)
    assert scores['count/relative'] == pytest.approx(1 / 5)
    assert (scores['count/right'], scores['count/images']) == (2, 3)
    assert scores['count/skill.pig'] == pytest.approx(0)  # none was found, as the constant says
    # where a constant is always right no model can be better
    alike = evaluate(CountMetric(), [sample([0], [0.9]), sample([0], [])])
    assert alike['count/skill'] is None and alike['count/constant_MAE'] == 0
    empty = evaluate(CountMetric(), [sample([], [])])
    assert empty['count/relative'] is None and empty['count/skill'] is None


def test_a_test_counts_how_many_intervals_are_right():
    metric = CountMetric()
    metric.remembered, counts = 0.5, [np.array([0.9])] * 10
    metric.remembered_counts = CountCalibration(counts, [1] * 10)
    scores = evaluate(metric, [sample([0], [0.9]), sample([0, 0], [0.9]), sample([0], [0.8])])
    assert scores['count/coverage'] == pytest.approx(2 / 3)
    assert scores['count/interval_width'] == 0
    # too few images of a validation calibrate nothing
    metric.remembered_counts = CountCalibration(counts[:8], [1] * 8)
    assert 'count/coverage' not in evaluate(metric, [sample([0], [0.9])])


def slow_counted(image):
    """Scores and labels of the predictions that count, and labels of the true instances."""
    height, width = image['ori_shape']

    def pixels(outline):
        return {tuple(place) for place in np.argwhere(to_mask(outline, height, width))}

    crowds = [(one['bbox_label'], pixels(one['mask'])) for one in image['instances']
              if one['ignore_flag']]

    def outside(label, own):
        hidden = {place for crowd, places in crowds if crowd == label for place in places}
        return len(own & hidden) < len(own) / 2 or not own

    truth = [(one['bbox_label'], pixels(one['mask'])) for one in image['instances']
             if not one['ignore_flag']]
    free = list(range(len(truth)))
    found = image['pred_instances']
    predicted = [(score, label, {tuple(place) for place in np.argwhere(mask)})
                 for score, label, mask in zip(found['scores'].tolist(), found['labels'].tolist(),
                                               found['masks'].numpy())]
    kept = []
    for score, label, own in sorted(predicted, key=lambda one: -one[0]):
        ious = {place: len(own & truth[place][1]) / len(own | truth[place][1]) for place in free
                if truth[place][0] == label}
        best = max(ious, key=ious.get, default=None)
        if best is not None and ious[best] >= 0.5:
            free.remove(best)
            counts = outside(*truth[best])
        else:
            counts = outside(label, own)
        if counts and own:
            kept.append((score, label))
    return kept, [label for label, own in truth if outside(label, own)]


def test_against_slow_counting():
    images = make_images(0, 2, count=12)
    for image in images:
        image['gt_instances'] = {}  # as PackDetInputs leaves it without LoadAnnotations
    images[0]['pred_instances']['masks'][1] = False
    before = copy.deepcopy(images)
    counts = [slow_counted(image) for image in images]
    own = [[score for score, _ in found] for found, _ in counts]
    truth = [len(there) for _, there in counts]
    assert sum(len(image['instances']) for image in images) > sum(truth)  # crowds
    # some lie in crowds, on both sides
    assert sum(len(image['pred_instances']['scores']) for image in images) > sum(map(len, own))
    assert sum(not instance['ignore_flag'] for image in images
               for instance in image['instances']) > sum(truth)
    scores = evaluate(CountMetric(score_thr=0.71, classwise=True), images)
    for name, value in slow_count_errors(own, truth, 0.71).items():
        assert scores[f'count/{name}'] == pytest.approx(value)
    threshold, error = slow_best_threshold(own, truth)
    assert scores['count/best_threshold'] == pytest.approx(threshold)
    assert scores['count/best_MAE'] == pytest.approx(error)
    for label, name in enumerate(CLASSES):
        found = [[score for score, own_label in predicted if own_label == label]
                 for predicted, _ in counts]
        true = [there.count(label) for _, there in counts]
        for key, value in slow_count_errors(found, true, 0.71).items():
            assert scores[f'count/{key}.{name}'] == pytest.approx(value)
    assert str(images) == str(before)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.7, 0.7001, 1.0])),
                          st.integers(0, 6)), min_size=1, max_size=6))
def test_best_threshold_is_the_best_of_all(images):
    scores = [np.array(values) for values, _ in images]
    truth = [true for _, true in images]
    threshold, error = best_count_threshold(scores, truth)
    expected, least = slow_best_threshold(scores, truth)
    assert error == pytest.approx(least)
    assert threshold == pytest.approx(expected)
    # the error is that of the threshold, not only of some position in a list
    assert slow_count_errors(scores, truth, threshold)['MAE'] == pytest.approx(error)


@pytest.mark.parametrize('scores, truth, threshold, least', [
    ([[]], [0], 0.5, 0), ([[]], [3], 0.5, 3),  # nothing to choose: the middle of 0..1
    ([[0.4]], [0], 0.7, 0), ([[0.4]], [1], 0.2, 0),
    ([[1.0]], [0], 0.5, 1),  # no threshold in 0..1 is above that
    # none or both count: errors of 0 and 1 or of 1 and 0, biases -0.5 and 0.5: the higher one
    ([[0.8], [0.4]], [0, 1], 0.9, 0.5),
    # the first or all three count: two errors each, but the sums -2 and -1
    ([[0.9, 0.7], [0.8]], [3, 0], 0.35, 1),
])
def test_ties(scores, truth, threshold, least):
    found, error = best_count_threshold([np.array(values) for values in scores], truth)
    assert (found, error) == (pytest.approx(threshold), least)


def test_neighbours_among_numbers_have_a_threshold_between():
    low = np.float64(0.3)
    high = np.nextafter(low, 1)
    threshold, error = best_count_threshold([np.array([low]), np.array([high])], [0, 1])
    assert threshold == high and error == 0


def test_which_threshold_works():
    metric = CountMetric()
    assert metric.threshold == 0.5
    metric.remembered = 0.8
    assert metric.threshold == 0.8
    assert evaluate(metric, [sample([0], [0.6])])['count/MAE'] == 1
    metric = CountMetric(score_thr=0.0)
    metric.remembered = 0.8
    assert metric.threshold == 0.0
    for wrong in (-0.1, 1.5):
        with pytest.raises(ValueError, match=f'score_thr={wrong} is outside 0..1: give a score'):
            CountMetric(score_thr=wrong)


def test_threshold_of_a_checkpoint():
    history = HistoryBuffer([0.2, 0.625], [1, 1])
    hub = dict(log_scalars={'val/count/best_threshold': history, 'val/other': history})
    assert best_threshold(dict(message_hub=hub)) == 0.625
    assert best_threshold(dict(message_hub=dict(log_scalars={}))) is None
    assert best_threshold(dict(state_dict={})) is None


def rectangle(left, right):
    """A mask (10, 100) of some columns."""
    mask = np.zeros((10, 100), np.uint8)
    mask[:, left:right] = 1
    return mask


def scene(true, found, region):
    """An image of one animal and a region, each as its first and last column."""
    def instance(columns, ignored):
        code = coco_mask.encode(np.asfortranarray(rectangle(*columns)))
        return dict(bbox=[columns[0], 0, columns[1], 10], bbox_label=0, mask=code,
                    ignore_flag=ignored)

    masks = np.stack([rectangle(*columns) for _, *columns in found])
    return dict(
        img_path='a.jpg', ori_shape=(10, 100), instances=[instance(true, 0), instance(region, 1)],
        pred_instances=dict(
            labels=torch.zeros(len(found), dtype=torch.int64), masks=torch.from_numpy(masks) > 0,
            scores=torch.tensor([one[0] for one in found])))


@pytest.mark.parametrize('true, found, counts', [
    # 45 of 100 columns of the animal are hidden, and 52 of what is found: it is that animal
    ((0, 60), [(0.9, 0, 69)], (1, 1)),
    # the same a second time is another one, most of which is hidden
    ((0, 60), [(0.9, 0, 60), (0.8, 0, 69)], (1, 1)),
    # the surer one is the animal
    ((0, 60), [(0.8, 0, 60), (0.9, 0, 69)], (1, 2)),
    # most of the animal is hidden, and less of what is found
    ((0, 70), [(0.9, 0, 60)], (0, 0)),
    # what is no animal counts by its own pixels
    ((0, 60), [(0.9, 35, 100), (0.8, 0, 20)], (1, 1))])
def test_what_matches_a_true_animal_counts_as_that_does(true, found, counts):
    metric = CountMetric()
    metric.process(None, [scene(true, found, (33, 100))])
    truth, labels, scores = metric.results[0]
    assert (len(truth), len(scores)) == counts


@pytest.mark.parametrize('as_codes', [False, True])
def test_a_mask_without_a_pixel_is_no_animal(as_codes):
    """As in a prediction, with regions and without."""
    image = scene((0, 20), [(0.9, 0, 20), (0.8, 5, 5), (0.7, 40, 60)], (90, 100))
    if as_codes:
        found = image['pred_instances']
        found['masks'] = [coco_mask.encode(np.asfortranarray(mask, np.uint8))
                          for mask in found['masks'].numpy()]
    for instances in (image['instances'], image['instances'][:1]):
        metric = CountMetric()
        metric.process(None, [dict(image, instances=instances)])
        assert metric.results[0].scores.tolist() == pytest.approx([0.9, 0.7])


def test_packed_truth_tells_the_regions_as_well():
    """Without instances among the meta keys."""
    image = scene((0, 20), [(0.9, 0, 20), (0.8, 75, 95)], (70, 100))
    plain = CountMetric()
    plain.process(None, [image])
    masks = [BitmapMasks(rectangle(*columns)[None], 10, 100) for columns in ((0, 20), (70, 100))]
    parts = {name: dict(labels=torch.zeros(1, dtype=torch.int64), masks=mask)
             for name, mask in zip(('gt_instances', 'ignored_instances'), masks)}
    bare = {key: value for key, value in image.items() if key != 'instances'}
    metric = CountMetric()
    metric.process(None, [{**bare, **parts}])
    for one, other in zip(metric.results[0], plain.results[0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(metric.results[0].scores) == 1
    with pytest.raises(ValueError, match="regions .* need the size .*: add 'ori_shape' to the"):
        metric.process(None, [{key: value for key, value in image.items() if key != 'ori_shape'}])
    # masks of the size that the network sees, or none
    small = BitmapMasks(np.zeros((1, 5, 50), np.uint8), 5, 50)
    for broken in (dict(parts['ignored_instances'], masks=small), dict(labels=torch.zeros(1))):
        with pytest.raises(ValueError, match="a.jpg has regions to ignore or crowds, .*: add "
                                             "'instances' to the meta_keys of PackDetInputs"):
            metric.process(None, [{**bare, **parts, 'ignored_instances': broken}])


def test_mistakes_are_named():
    bare = sample([0], [0.5])
    bare['gt_instances'] = {}
    with pytest.raises(ValueError, match='kühe 1.jpg has no truth to count: keep LoadAnnotations'):
        evaluate(CountMetric(), [bare])
    with pytest.raises(ValueError, match='no image was evaluated: look at the data set'):
        CountMetric().compute_metrics([])
    metric = CountMetric(classwise=True)
    metric.process(None, [sample([0], [0.5])])
    with pytest.raises(ValueError, match='the data set names no classes'):
        metric.evaluate(1)


def test_a_config_finds_it():
    assert METRICS.get('CountMetric') is CountMetric
