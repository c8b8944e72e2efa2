"""plugin.models.onnx: detectors with masks as graphs that answer like PyTorch."""
import copy

import numpy as np
import onnx
import pytest
import torch
from mmengine.config import ConfigDict

from plugin.models.onnx import (
    InstanceFacts,
    OnnxInstances,
    OnnxNetwork,
    check_facts,
    detect_by,
    instance_facts_of,
    instances_to_onnx,
    predicting_detector,
)
from plugin.utils import UserError
from tests.helpers.small_detectors import build, picture, sample_of

SIZES = ((64, 96, 1.0), (123, 77, 0.6), (33, 41, 1.7), (150, 160, 0.5))
SUPPRESSIONS = [
    ('mask-rcnn_mnv2_pigs', dict(nms=dict(type='soft_nms', iou_threshold=0.5, min_score=0.3),
                                 max_per_img=100)),
    ('mask-rcnn_mnv2_pigs', dict(nms=dict(type='soft_nms', method='gaussian', sigma=0.4,
                                          min_score=0.3), max_per_img=100)),
    ('mask-rcnn_r50_cattle', dict(nms=dict(type='nms', iou_threshold=0.8), max_per_img=6,
                                  mask_nms=dict(iou=0.3, merged=0.7))),
    ('mask-rcnn_r50_cattle', dict(nms=dict(type='nms', iou_threshold=0.3, class_agnostic=True))),
    ('cascade-mask-rcnn_swin-t_cattle', dict(score_thr=0.5)),
]


@pytest.fixture(scope='module')
def plain():
    """A model that tests leave as it is."""
    return build('mask-rcnn_mnv2_pigs')


def facts(model, **changes):
    given = dict(threshold=0.5, config='a.py', checkpoint='a.pth', classes=['cow', 'calf'],
                 palette=[[1, 2, 3], [4, 5, 6]], preprocessing=False, precision='float32')
    return instance_facts_of(model, **{**given, **changes})


def graph_of(model, preprocessing=False, half=False):
    metadata = facts(model, preprocessing=preprocessing,
                     precision='float16' if half else 'float32').to_metadata()
    return instances_to_onnx(model, preprocessing=preprocessing, half=half, metadata=metadata)


def by_graph(model, preprocessing=False):
    copied = copy.deepcopy(model)
    detect_by(OnnxInstances(graph_of(model, preprocessing).SerializeToString()), copied)
    return copied


def found(model, image, scale):
    with torch.no_grad():
        return model.test_step(sample_of(image, scale))[0].pred_instances


def assert_same(expected, given, tolerance=1e-4):
    assert len(expected) == len(given)
    torch.testing.assert_close(given.scores, expected.scores, atol=tolerance, rtol=0)
    torch.testing.assert_close(given.labels, expected.labels)
    torch.testing.assert_close(given.bboxes, expected.bboxes, atol=0.02, rtol=1e-4)
    assert given.masks.shape == expected.masks.shape
    if len(expected):
        assert (given.masks == expected.masks).float().mean() > 0.999


@pytest.mark.parametrize(('name', 'rcnn'), SUPPRESSIONS)
def test_graph_answers_like_pytorch_at_every_size(name, rcnn):
    model = build(name, **rcnn)
    # raw images, of one of them
    exported = by_graph(model, preprocessing='class_agnostic' in str(rcnn))
    numbers = []
    for number, (height, width, scale) in enumerate(SIZES):
        image = picture(height, width, number)
        expected = found(model, image, scale)
        assert_same(expected, found(exported, image, scale))
        numbers.append(len(expected))
    # some counts were met, so that none is fixed by the trace
    assert len(set(numbers)) > 2 or 'mask_nms' in rcnn, numbers


def test_an_image_may_have_no_instance_and_one_graph_serves_all_thresholds():
    model = build('mask-rcnn_mnv2_pigs', score_thr=0.0, max_per_img=7)
    content = graph_of(model).SerializeToString()
    with pytest.raises(UserError, match='answers boxes, scores, labels, masks, not logits'):
        OnnxNetwork(content)
    graph = OnnxInstances(content)
    image = torch.randn(1, 3, 70, 90, generator=torch.Generator().manual_seed(0))
    everything = graph(image)
    assert len(everything) == 7
    least = float(everything.scores[3])
    some = graph(image, least)
    assert len(some) == int((everything.scores >= least).sum()) < 7
    torch.testing.assert_close(some.masks, everything.masks[:len(some)])
    assert graph(image, 2.0).masks.shape == (0, 28, 28)
    copied = copy.deepcopy(model)
    detect_by(graph, copied, lambda: 2.0)
    assert found(copied, picture(50, 60), 0.5).masks.shape == (0, 100, 120)


def test_raw_images_and_half_precision():
    model, image = build('mask-rcnn_r50_cattle'), picture(80, 70)
    half = graph_of(model, preprocessing=True, half=True)
    copied = copy.deepcopy(model)
    detect_by(OnnxInstances(half.SerializeToString()), copied)
    expected, given = found(model, image, 1.0), found(copied, image, 1.0)
    assert abs(len(expected) - len(given)) <= 2
    torch.testing.assert_close(given.scores[:5], expected.scores[:5], atol=0.01, rtol=0)
    # boxes are computed in single precision: half would know no quarter of a pixel at 1000
    assert (given.bboxes.half().float() != given.bboxes).float().mean() > 0.5
    assert sum(value.data_type == onnx.TensorProto.FLOAT16
               for value in half.graph.initializer) > 20


def test_graph_has_standard_operators_alone_and_the_model_stays():
    model = build('mask-rcnn_mnv2_pigs', nms=dict(type='soft_nms', iou_threshold=0.5))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    graph = graph_of(model)
    assert {node.domain for node in graph.graph.node} == {''}
    assert not graph.functions
    assert [entry.domain for entry in graph.opset_import] == ['']
    assert {node.op_type for node in graph.graph.node} >= {'NonMaxSuppression', 'RoiAlign', 'Loop'}
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert 'forward' not in vars(model.backbone)


def test_facts_are_those_of_the_config():
    model = build('mask-rcnn_mnv2_pigs')
    own = facts(model)
    assert InstanceFacts.from_metadata(own.to_metadata(), 'a.onnx') == own
    check_facts(own, model, 'a.onnx', 'a.py')
    # a threshold of masks is not in the graph
    model.test_cfg.rcnn.mask_thr_binary = 0.9
    check_facts(own, model, 'a.onnx', 'b.py')
    model.test_cfg.rcnn.score_thr = 0.7
    with pytest.raises(UserError, match=r'a.onnx was exported with rcnn.score_thr=0.2, but b.py '
                                        'has rcnn.score_thr=0.7; give a.py, or export again'):
        check_facts(own, model, 'a.onnx', 'b.py')
    model.rpn_head.rpn_conv.stride = (2, 2)
    with pytest.raises(UserError, match='whose layers are not those of b.py'):
        check_facts(own, model, 'a.onnx', 'b.py')
    model.roi_head.bbox_head.num_classes = 3
    with pytest.raises(UserError, match='with 2 classes, but b.py has 3'):
        check_facts(own, model, 'a.onnx', 'b.py')


@pytest.mark.parametrize(('change', 'message'), [
    (lambda model: model.test_cfg.rcnn.update(nms=ConfigDict(type='nms', iou_threshold=.5,
                                                             offset=1)),
     'offset in nms of model.test_cfg.rcnn has no ONNX form'),
    (lambda model: model.test_cfg.rpn.update(nms=ConfigDict(type='nms_rotated')),
     "nms type='nms_rotated' of model.test_cfg.rpn has no ONNX form"),
    (lambda model: setattr(model.roi_head.bbox_roi_extractor.roi_layers[0], 'pool_mode', 'max'),
     'RoIAlign of SingleRoIExtractor has no ONNX form other than RoIAlign by averages'),
    (lambda model: setattr(model.rpn_head, 'bbox_coder', object()),
     'object has no ONNX form with the settings of this config'),
    (lambda model: setattr(model, 'roi_head', None), 'only Mask R-CNN and Cascade Mask R-CNN do'),
])
def test_what_has_no_form_is_named(change, message, plain):
    model = copy.deepcopy(plain)
    model.rpn_head.test_cfg, model.roi_head.test_cfg = model.test_cfg.rpn, model.test_cfg.rcnn
    change(model)
    with pytest.raises(UserError, match=message):
        predicting_detector(model)


def test_quantised_backbone_has_8_bits_and_answers_alike():
    from plugin.models.onnx.quantise import quantise_backbone
    # nodes read others from within a loop
    model = build('mask-rcnn_mnv2_pigs', nms=dict(type='soft_nms', iou_threshold=0.5))
    graph = graph_of(model)
    images = [np.random.default_rng(seed).standard_normal((1, 3, 64, 64)).astype(np.float32)
              for seed in range(3)]
    small = quantise_backbone(graph, images, facts(model, precision='int8').to_metadata())
    kinds = {node.op_type for node in small.graph.node if node.op_type.endswith('Linear')}
    assert kinds == {'QuantizeLinear', 'DequantizeLinear'}
    assert not [node for node in small.graph.node if 'rpn' in node.name
                and node.op_type.endswith('Linear')]
    answer = OnnxInstances(small.SerializeToString())
    assert answer.facts.precision == 'int8'
    expected = OnnxInstances(graph.SerializeToString())(torch.from_numpy(images[0]))
    given = answer(torch.from_numpy(images[0]))
    assert abs(len(given) - len(expected)) <= 5
    assert float((given.scores[0] - expected.scores[0]).abs()) < 0.2
