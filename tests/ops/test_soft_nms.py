"""Soft non-maximum suppression, against an oracle and mmcv's compiled operator."""
import mmcv.ops
import pytest
import torch

from plugin.ops import soft_nms as ours
from tests import reference_ops
from tests.helpers.small_boxes import draw_boxes

METHODS = ('naive', 'linear', 'gaussian')


def run(extension, boxes, scores, method, min_score, offset=0, threshold=0.3):
    dets = boxes.new_zeros(len(boxes), 5)
    kept = extension.softnms(boxes, scores, dets, iou_threshold=threshold, sigma=0.5,
                             min_score=min_score, method=METHODS.index(method), offset=offset)
    return dets[:len(kept)], kept


@pytest.mark.parametrize('min_score', [0.0, 0.001, 0.2])
@pytest.mark.parametrize('method', METHODS)
def test_takes_what_the_paper_takes(method, min_score):
    boxes, scores = draw_boxes(60)
    dets, kept = run(ours, boxes, scores, method, min_score)
    expected, lowered = reference_ops.soft_nms(boxes, scores, 0.3, 0.5, min_score, method)
    assert kept.tolist() == expected
    assert torch.equal(dets[:, :4], boxes[kept])
    assert dets[:, 4].tolist() == pytest.approx(lowered, abs=1e-6)


@pytest.mark.parametrize('ties', [False, True])
@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('method', METHODS)
def test_equals_the_compiled_operator(compiled, method, offset, ties):
    for count in (0, 1, 2, 250):
        boxes, scores = draw_boxes(count, seed=1, ties=ties)
        for min_score in (0.0, 0.001, 0.1, 0.6):
            dets, kept = run(ours, boxes, scores, method, min_score, offset)
            theirs, kept_by_theirs = run(compiled, boxes, scores, method, min_score, offset)
            assert torch.equal(kept, kept_by_theirs)
            torch.testing.assert_close(dets, theirs, rtol=0, atol=1e-5, equal_nan=True)


def test_boxes_without_area_get_the_scores_of_mmcv(compiled):
    boxes, scores = draw_boxes(40, seed=2)
    boxes[::4, 2:] = boxes[::4, :2] = boxes[0, :2].repeat(10, 1)
    for method in METHODS:
        dets, kept = run(ours, boxes, scores, method, 0.001)
        theirs, kept_by_theirs = run(compiled, boxes, scores, method, 0.001)
        assert torch.equal(kept, kept_by_theirs)
        torch.testing.assert_close(dets, theirs, rtol=0, atol=1e-5, equal_nan=True)


def test_many_boxes_are_compared_row_by_row(monkeypatch):
    boxes, scores = draw_boxes(80, seed=3, ties=True)
    for method in METHODS:
        expected = run(ours, boxes, scores, method, 0.05)
        with monkeypatch.context() as patch:
            patch.setattr(ours, 'ALL_PAIRS', 0)
            result = run(ours, boxes, scores, method, 0.05)
        assert torch.equal(result[0], expected[0]) and torch.equal(result[1], expected[1])


def test_the_function_of_mmcv_on_top(stand_in):
    boxes, scores = draw_boxes(30, seed=4)
    dets, kept = mmcv.ops.soft_nms(boxes, scores, method='gaussian', min_score=0.1)
    expected, lowered = reference_ops.soft_nms(boxes, scores, 0.3, 0.5, 0.1, 'gaussian')
    assert kept.tolist() == expected
    assert dets[:, 4].tolist() == pytest.approx(lowered, abs=1e-6)
    double = mmcv.ops.soft_nms(boxes.double(), scores.double(), method='gaussian', min_score=0.1)
    assert double[0].dtype == torch.float64 and double[1].tolist() == expected
