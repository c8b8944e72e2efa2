"""Non-maximum suppression, against an oracle and mmcv's compiled operator."""
import mmcv.ops
import numpy as np
import pytest
import torch

from plugin.ops import boxes as ours
from plugin.ops import extension
from tests import reference_ops
from tests.helpers.small_boxes import draw_boxes


@pytest.mark.parametrize('ties', [False, True])
@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('count', [1, 2, 70, 300])
def test_keeps_what_a_loop_over_boxes_keeps(count, offset, ties):
    boxes, scores = draw_boxes(count, ties=ties)
    order = scores.sort(0, descending=True).indices
    for threshold in (0.25, 0.5, 0.7):
        kept = ours.nms(boxes, scores, threshold, offset)
        assert kept.dtype == torch.long
        assert kept.tolist() == reference_ops.nms(boxes, order.tolist(), threshold, offset)
        # how a GPU does it
        ranked = boxes[order].t().contiguous()
        assert torch.equal(order[ours._kept_at_once(ranked, threshold, offset)], kept)


@pytest.mark.parametrize('ties', [False, True])
@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('count', [0, 1, 2, 70, 3000])
def test_equals_the_compiled_operator(compiled, count, offset, ties):
    boxes, scores = draw_boxes(count, seed=1, ties=ties)
    for threshold in (0.0, 0.3, 0.5, 0.7, 1.0):
        theirs = compiled.nms(boxes, scores, iou_threshold=threshold, offset=offset)
        assert torch.equal(ours.nms(boxes, scores, threshold, offset), theirs)


def test_boxes_without_area_do_not_remove_each_other(compiled):
    boxes = torch.tensor([[1., 1, 1, 1], [1, 1, 1, 1], [0, 0, 2, 2], [0, 0, 2, 2]])
    scores = torch.tensor([0.9, 0.8, 0.7, 0.6])
    theirs = compiled.nms(boxes, scores, iou_threshold=0.5, offset=0)
    assert ours.nms(boxes, scores, 0.5, 0).tolist() == theirs.tolist() == [0, 1, 2]


def test_a_chain_in_which_each_box_removes_the_next():
    # 0 removes 1, which would remove 2, which stays and removes 3, ...
    starts = torch.arange(200.)
    boxes = torch.stack([starts, starts * 0, starts + 4, starts * 0 + 1], 1)
    scores = torch.linspace(1, 0, 200)
    assert ours.nms(boxes, scores, 0.5, 0).tolist() == list(range(0, 200, 2))
    ranked = boxes.t().contiguous()
    assert ours._kept_at_once(ranked, 0.5, 0).nonzero()[:, 0].tolist() == list(range(0, 200, 2))


def test_strided_and_half_precision_boxes():
    boxes, scores = draw_boxes(200, seed=2)
    kept = ours.nms(boxes, scores, 0.5, 0)
    wide = torch.stack([boxes, boxes], 2)[..., 0]
    assert not wide.is_contiguous()
    assert torch.equal(ours.nms(wide, torch.stack([scores, scores], 1)[:, 0], 0.5, 0), kept)
    assert torch.equal(ours.nms(boxes.double(), scores.double(), 0.5, 0), kept)
    for dtype in (torch.float16, torch.bfloat16):
        coarse, ranks = boxes.to(dtype), scores.to(dtype)
        # the overlaps of rounded boxes are computed in float32
        order = ranks.sort(0, descending=True).indices.tolist()
        assert ours.nms(coarse, ranks, 0.5, 0).tolist() == reference_ops.nms(
            coarse.float(), order, 0.5)


@pytest.mark.parametrize('options', [
    {}, dict(offset=1), dict(score_threshold=0.4), dict(max_num=7),
    dict(score_threshold=0.3, max_num=3), dict(score_threshold=2.0)])
def test_the_function_of_mmcv_on_top(compiled, stand_in, monkeypatch, options):
    boxes, scores = draw_boxes(150, seed=3, ties=True)
    dets, kept = mmcv.ops.nms(boxes, scores, 0.4, **options)
    arrays = mmcv.ops.nms(boxes.numpy(), scores.numpy(), 0.4, **options)
    assert np.array_equal(arrays[0], dets) and np.array_equal(arrays[1], kept)
    monkeypatch.undo()
    for result, expected in zip((dets, kept), mmcv.ops.nms(boxes, scores, 0.4, **options)):
        assert torch.equal(result, expected)


@pytest.mark.parametrize('kind', ['nms', 'soft_nms'])
@pytest.mark.parametrize('options', [{}, dict(class_agnostic=True), dict(split_thr=50)])
def test_classes_apart(compiled, stand_in, monkeypatch, kind, options):
    boxes, scores = draw_boxes(160, seed=4)
    classes = torch.arange(160) % 3
    config = dict(type=kind, iou_threshold=0.5, **options)
    dets, kept = mmcv.ops.batched_nms(boxes, scores, classes, config)
    monkeypatch.undo()
    theirs, kept_by_theirs = mmcv.ops.batched_nms(boxes, scores, classes, config)
    assert torch.equal(kept, kept_by_theirs)
    torch.testing.assert_close(dets, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize('ties', [False, True])
@pytest.mark.parametrize('count', [1, 2, 90])
def test_groups_of_what_is_removed(compiled, count, ties):
    boxes, scores = draw_boxes(count, seed=5, ties=ties)
    dets = torch.cat([boxes, scores[:, None]], 1)
    for threshold in (0.0, 0.3, 0.5):
        assert extension.nms_match(dets, iou_threshold=threshold) == compiled.nms_match(
            dets, iou_threshold=threshold)


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('aligned', [False, True])
@pytest.mark.parametrize('mode', ['iou', 'iof'])
def test_overlaps(stand_in, monkeypatch, compiled, mode, aligned, offset):
    first, second = draw_boxes(12, seed=6)[0], draw_boxes(12, seed=7)[0]
    result = mmcv.ops.bbox_overlaps(first, second, mode, aligned, offset)
    monkeypatch.undo()
    torch.testing.assert_close(
        result, mmcv.ops.bbox_overlaps(first, second, mode, aligned, offset), rtol=0, atol=1e-6)
    if mode == 'iou' and aligned:
        expected = [reference_ops.iou(a, b, offset)
                    for a, b in zip(first.tolist(), second.tolist())]
        assert result.tolist() == pytest.approx(expected, abs=1e-5)
