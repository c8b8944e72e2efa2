"""SegMetric against slow loops and against MMSegmentation's IoUMetric."""
import logging
import warnings

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS
from PIL import Image

from plugin.evaluation import SegMetric, fold, joint_histogram, seg_scores
from tests.helpers.label_maps import evaluate, make_maps, make_sample
from tests.reference import slow_confusion, slow_scores


@pytest.fixture
def log(caplog):
    """Warnings that go through MMEngine's logger."""
    logger = MMLogger.get_instance('test_seg_metric')
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.mark.parametrize('num_classes', [1, 2, 21, 150, 300])
@pytest.mark.parametrize('ignore_index', [255, 0, -100, 65535])
def test_counts_equal_slow_loops(num_classes, ignore_index):
    prediction, truth = make_maps(num_classes)
    truth = torch.where(truth == 255, ignore_index, truth)
    truth[0, 0, :3] = torch.tensor([-7, 254, 100000])  # no class, unless there are 300
    expected = slow_confusion(prediction[0].tolist(), truth[0].tolist(), num_classes, ignore_index)
    before = prediction.clone(), truth.clone()
    counts = fold(joint_histogram(prediction, truth, num_classes, ignore_index), ignore_index)
    assert counts.tolist() == expected
    assert counts.dtype == torch.int64
    assert torch.equal(prediction, before[0]) and torch.equal(truth, before[1])


@pytest.mark.parametrize('predicted', [torch.uint8, torch.int16, torch.int32, torch.float32,
                                       torch.float16, torch.bool])
@pytest.mark.parametrize('labelled', [torch.uint8, torch.int32, torch.int64])
def test_types_and_shapes_do_not_matter(predicted, labelled):
    prediction, truth = make_maps(2)
    expected = joint_histogram(prediction, truth, 2)
    assert torch.equal(joint_histogram(prediction.to(predicted), truth[0].to(labelled), 2),
                       expected)


@pytest.mark.parametrize('size', [(1, 1), (1, 9), (9, 1), (0, 5)])
def test_thin_and_empty_images(size):
    prediction, truth = make_maps(3, size=size)
    counts = fold(joint_histogram(prediction, truth, 3))
    assert counts.tolist() == slow_confusion(prediction[0].tolist(), truth[0].tolist(), 3)


@pytest.mark.parametrize('num_classes', [1, 2, 21, 150])
def test_scores_equal_slow_definitions(num_classes):
    # only two thirds of the classes occur, and one that is predicted is not in the truth
    present = max(1, num_classes * 2 // 3)
    prediction, truth = make_maps(num_classes, classes=present)
    if num_classes > 2:
        prediction[0, 0, :4] = num_classes - 1
    matrix = slow_confusion(prediction[0].tolist(), truth[0].tolist(), num_classes)
    expected = slow_scores(matrix)
    metric = SegMetric()
    reported = evaluate(metric, [(prediction, truth)], num_classes)
    for name, value in metric.scores().items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-12, err_msg=name)
    for name, key in {'PA': 'PA', 'MPA': 'MPA', 'mIoU': 'mIoU', 'FWIoU': 'FWIoU', 'aAcc': 'PA',
                      'mAcc': 'MPA'}.items():
        assert reported[name] == pytest.approx(100 * expected[key], abs=0.0051)
    np.testing.assert_array_equal(metric.confusion_matrix, matrix[:-1])
    assert metric.confusion_matrix.dtype == np.int64


def test_absent_class_is_nan_and_left_out():
    truth = torch.tensor([[0, 0, 1, 1]])
    prediction = torch.tensor([[0, 2, 1, 1]])
    metric = SegMetric()
    evaluate(metric, [(prediction, truth)], 4)
    scores = metric.scores()
    np.testing.assert_array_equal(scores['IoU'], [0.5, 1, 0, np.nan])
    np.testing.assert_array_equal(scores['Acc'], [0.5, 1, np.nan, np.nan])
    assert scores['mIoU'] == 0.5 and scores['MPA'] == 0.75
    assert scores['FWIoU'] == 0.75 and scores['PA'] == 0.75


@pytest.mark.parametrize('num_classes', [2, 19, 21, 150])
@pytest.mark.parametrize('seed', range(5))
def test_reports_exactly_what_iou_metric_reports(num_classes, seed):
    pairs = [make_maps(num_classes, size=(31, 40 + i), seed=10 * seed + i,
                       classes=max(2, num_classes - seed)) for i in range(4)]
    for _, truth in pairs[:seed]:
        truth[0, 0, :5] = num_classes + 1  # out of range, and not ignored
    ours, theirs = SegMetric(), IoUMetric()
    reported, expected = (evaluate(metric, pairs, num_classes) for metric in (ours, theirs))
    for name, value in expected.items():
        assert reported[name] == float(str(value)), name


def test_memory_does_not_grow():
    metric = SegMetric()
    metric.dataset_meta = {'classes': ['a', 'b', 'c']}
    sizes = set()
    for seed in range(30):
        metric.process(None, [make_sample(*make_maps(3, seed=seed))] * 2)
        held = [value for value in vars(metric).values() if isinstance(value, torch.Tensor)]
        sizes.add((len(metric.results), len(held), sum(tensor.numel() for tensor in held)))
    assert sizes == {(0, 2, 2 * 258 * 3)}
    metric.evaluate(60)
    assert metric.results == []


def test_evaluations_are_independent():
    pairs = [make_maps(3, seed=seed) for seed in range(3)]
    metric = SegMetric()
    first = evaluate(metric, pairs, 3)
    assert evaluate(metric, pairs[:1], 3) == evaluate(SegMetric(), pairs[:1], 3)
    assert evaluate(metric, pairs, 3) == first


def test_more_pixels_than_single_precision_can_count():
    counts = np.array([[2**24 + 1, 2], [3, 2**40 + 1]])
    scores = seg_scores(counts)
    assert scores['IoU'][0] == (2**24 + 1) / (2**24 + 6)
    assert scores['PA'] == (2**24 + 2**40 + 2) / (2**24 + 2**40 + 7)


def test_nothing_to_evaluate_is_nan_and_said(log):
    metric = SegMetric()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        reported = evaluate(metric, [], 3)
    assert set(reported) == {'aAcc', 'mIoU', 'mAcc', 'PA', 'MPA', 'FWIoU'}
    assert all(np.isnan(value) for value in reported.values())
    assert not metric.confusion_matrix.any()
    assert 'no pixel has a known truth, all scores are NaN' in log.text


def test_unknown_truth_is_said(log):
    prediction, truth = make_maps(3)
    truth[0, 0, :4] = 7
    evaluate(SegMetric(), [(prediction, truth)], 3)
    assert '4 pixels have a truth outside 0..2 (ignore 255)' in log.text


def test_table_and_classwise_keys(log):
    log.set_level(logging.INFO)
    prediction, truth = torch.tensor([[0, 1, 1]]), torch.tensor([[0, 0, 1]])
    metric = SegMetric(classwise=True, prefix='val2')
    reported = evaluate(metric, [(prediction, truth)], 3)
    assert reported['val2/IoU.c0'] == 50 and reported['val2/Acc.c1'] == 100
    assert np.isnan(reported['val2/IoU.c2'])
    assert '|   c0  | 50.0 |  50.0 |' in log.text
    assert all(type(value) is float for value in reported.values())


@pytest.mark.parametrize('bad, number', [(3, 3), (-1, -1)])
def test_prediction_out_of_range_is_an_error(bad, number):
    prediction, truth = make_maps(3)
    prediction[0, 2, 3] = bad
    metric = SegMetric()
    metric.dataset_meta = {'classes': ['a', 'b', 'c']}
    with pytest.raises(ValueError, match=rf'kühe 1.jpg: class id {number} was predicted, which is '
                                         r'outside 0..2; num_classes of the decode head'):
        metric.process(None, [make_sample(prediction, truth, img_path='kühe 1.jpg')])


def test_other_errors_name_the_cure():
    prediction, truth = make_maps(3)
    metric = SegMetric()
    with pytest.raises(ValueError, match=r'the data set names no classes; set metainfo='):
        metric.process(None, [make_sample(prediction, truth)])
    metric.dataset_meta = {'classes': ['a', 'b', 'c']}
    with pytest.raises(ValueError, match=r'a.png has no truth; load it with LoadAnnotations'):
        metric.process(None, [make_sample(prediction)])
    with pytest.raises(ValueError, match=r'the shape \(1, 13, 17\) and the truth \(1, 12, 17\)'):
        metric.process(None, [make_sample(prediction, truth[:, 1:])])
    with pytest.raises(RuntimeError, match=r'no scores yet; call evaluate\(\) first'):
        metric.scores()
    with pytest.raises(ValueError, match=r'set output_dir to their folder'):
        SegMetric(format_only=True)
    metric.process(None, [make_sample(prediction, truth)] * 3)
    with pytest.raises(ValueError, match=r'evaluated 3 images, but only 2 of 2 are its share'):
        metric.evaluate(2)


@pytest.mark.parametrize('reduce_zero_label', [False, True])
def test_writes_predictions_as_png(tmp_path, reduce_zero_label):
    prediction, _ = make_maps(3)
    metric = METRICS.build(dict(type='SegMetric', format_only=True, keep_results=True,
                                output_dir=str(tmp_path / 'neu é' / 'out')))
    metric.dataset_meta = {'classes': ['a', 'b', 'c']}
    metric.process(None, [make_sample(prediction, img_path='/x/kühe 1.b.jpg',
                                      reduce_zero_label=reduce_zero_label)])
    assert metric.evaluate(1) == {}
    files = list((tmp_path / 'neu é' / 'out').iterdir())
    assert [file.name for file in files] == ['kühe 1.b.png']
    np.testing.assert_array_equal(np.asarray(Image.open(files[0])),
                                  prediction[0].numpy() + reduce_zero_label)


def test_writes_more_than_256_classes(tmp_path):
    prediction = torch.tensor([[[0, 299], [300, 5]]])
    metric = SegMetric(output_dir=str(tmp_path))
    metric.dataset_meta = {'classes': [str(i) for i in range(301)]}
    metric.process(None, [make_sample(prediction, prediction)])
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / 'a.png')), prediction[0])
