"""plugin.models.onnx.suppression: NMS and soft-NMS of a graph keep what mmcv keeps."""
import numpy as np
import onnxruntime
import pytest
import torch
from mmcv.ops import batched_nms
from torch import nn

from plugin.models.onnx.export import FunctionOf, trace
from plugin.models.onnx.suppression import check_suppression, suppress, with_soft_nms
from plugin.utils import UserError

CASES = [
    (dict(type='nms', iou_threshold=0.5), 8),
    (dict(type='nms', iou_threshold=0.3, class_agnostic=True), -1),
    (dict(type='soft_nms', iou_threshold=0.4), 8),
    (dict(type='soft_nms', iou_threshold=0.4, min_score=0.3, class_agnostic=True), -1),
    (dict(type='soft_nms', method='gaussian', sigma=0.3, min_score=0.1), -1),
    (dict(type='soft_nms', method='naive', iou_threshold=0.3), -1),
    (None, 8),
]


class Suppression(FunctionOf):
    def __init__(self, settings, most):
        super().__init__(nn.Identity())
        self.settings, self.most = settings, most

    def forward(self, boxes, scores, groups):
        return suppress(boxes, scores, groups, self.settings, self.most)


def boxes_of(number, rng, step):
    """Boxes that overlap, scores and groups; coordinates and scores are multiples of ``step``."""
    corners = rng.uniform(0, 40, (number, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(2, 30, (number, 2))], 1)
    scores = rng.permutation(np.linspace(0.31, 0.99, number))
    return tuple(torch.from_numpy(part) for part in (
        (boxes / step).round().astype(np.float32) * np.float32(step), scores.astype(np.float32),
        rng.integers(0, 3, number)))


@pytest.mark.parametrize(('settings', 'most'), CASES)
def test_graph_keeps_what_mmcv_keeps(settings, most):
    function = Suppression(settings, most).eval()
    rng = np.random.default_rng(0)
    names = dict(boxes={0: 'N'}, scores={0: 'N'}, groups={0: 'N'}, kept={0: 'K'}, new={0: 'K'})
    graph = with_soft_nms(trace(function, boxes_of(9, rng, 0.01), names))
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    # without groups of their own, boxes suppress each other whatever these are
    read = {value.name for value in session.get_inputs()}
    for number in (0, 1, 2, 7, 40, 200):
        for _ in range(5):
            boxes, scores, groups = boxes_of(number, rng, 0.01)
            given = dict(boxes=boxes.numpy(), scores=scores.numpy(), groups=groups.numpy())
            kept, new = session.run(None, {key: given[key] for key in read})
            eager = function(boxes, scores, groups)
            if number:
                found, places = batched_nms(boxes, scores, groups, settings)
            else:
                found, places = torch.zeros(0, 5), torch.zeros(0, dtype=torch.long)
            end = None if most < 0 else most
            assert kept.tolist() == eager[0].tolist() == places[:end].tolist()
            np.testing.assert_allclose(new, found[:end, 4].numpy(), rtol=1e-6)
            np.testing.assert_array_equal(eager[1].numpy(), found[:end, 4].numpy())


def test_scores_that_soft_nms_lowers_to_the_same_number():
    """Equal boxes of equal scores: one is taken, the others go."""
    function = Suppression(dict(type='soft_nms', iou_threshold=0.5), -1).eval()
    boxes = torch.tensor([[0., 0, 10, 10]] * 3 + [[50., 50, 60, 60]])
    scores, groups = torch.tensor([0.9, 0.9, 0.9, 0.8]), torch.zeros(4, dtype=torch.long)
    names = dict(boxes={0: 'N'}, scores={0: 'N'}, groups={0: 'N'}, kept={0: 'K'}, new={0: 'K'})
    graph = with_soft_nms(trace(function, (boxes, scores, groups), names))
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    kept, new = session.run(None, dict(boxes=boxes.numpy(), scores=scores.numpy(),
                                       groups=groups.numpy()))
    assert kept.tolist() == [0, 3] == function(boxes, scores, groups)[0].tolist()
    np.testing.assert_allclose(new, [0.9, 0.8], rtol=1e-6)


@pytest.mark.parametrize(('settings', 'message'), [
    (dict(type='nms_quadri'), "nms type='nms_quadri' of here has no ONNX form: give nms or"),
    (dict(type='nms', iou_threshold=0.5, max_num=5), 'max_num in nms of here has no ONNX form'),
    (dict(type='soft_nms', offset=1), 'offset in nms of here has no ONNX form'),
])
def test_other_suppressions_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        check_suppression(settings, 'here')
    check_suppression(None, 'here')
