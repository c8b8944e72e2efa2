"""What a teacher finds is what its detector predicts in a test, with how sure it is beside it."""
import copy

import pytest
import torch
from mmdet.structures.bbox import bbox_overlaps
from mmengine.registry import DefaultScope

from plugin.models.detectors import doubt
from plugin.models.detectors.teaching import find_instances, mask_heads
from tests.helpers.small_mask_teacher import DETECTORS, build, make_batch

HEADS = dict(mask_rcnn='MaskNMSRoIHead', cascade='CascadeMaskNMSRoIHead')
SCORE = 0.05


@pytest.fixture(autouse=True)
def _mmdet_scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


def teacher(name, settings=None, most=12):
    """A small detector whose boxes overlap, with or without suppression on masks."""
    config = DETECTORS[name]()
    config.test_cfg.rcnn.update(score_thr=SCORE, max_per_img=most,
                                nms=dict(type='nms', iou_threshold=0.9))
    if settings is not None:
        config.roi_head.type = HEADS[name]
        config.test_cfg.rcnn.mask_nms = settings
    network = build(config).teacher
    for head in mask_heads(network.roi_head):
        # masks that fill their boxes: of random weights they are noise
        torch.nn.init.zeros_(head.conv_logits.weight)
        torch.nn.init.constant_(head.conv_logits.bias, 4.)
    return network


def found_and_predicted(network, **batch):
    """What it finds to teach, and what it predicts of the same pictures."""
    given = make_batch(labelled=2, unlabelled=0, **batch)
    preprocessor = network.data_preprocessor
    data, other = (preprocessor(copy.deepcopy(given), training=False) for _ in range(2))
    with torch.no_grad():
        features = network.extract_feat(data['inputs'])
    found = find_instances(network, features, data['data_samples'], score_thr=SCORE, jitters=3,
                           scale=0.06)
    with torch.no_grad():
        predicted = network.predict(other['inputs'], other['data_samples'], rescale=False)
    return found, [one.pred_instances for one in predicted]


@pytest.mark.parametrize('most', [3, 12])
@pytest.mark.parametrize('settings', [None, dict(iou=0.3), dict(iou=0.5, inside=0.7, merged=0.8)])
@pytest.mark.parametrize('name', DETECTORS)
def test_the_teacher_suppresses_as_the_detector_does_in_a_test(name, settings, most, monkeypatch):
    # of masks on all pixels, as in a test: few of them may decide otherwise
    monkeypatch.setattr(doubt, 'CELL', 1)
    found, predicted = found_and_predicted(teacher(name, settings, most))
    plain, _ = found_and_predicted(teacher(name, most=most))
    for one, expected, whole in zip(found, predicted, plain, strict=True):
        assert 0 < len(one) <= most
        torch.testing.assert_close(one.bboxes, expected.bboxes)
        torch.testing.assert_close(one.scores, expected.scores)
        assert torch.equal(one.labels, expected.labels)
        assert len(one.masks) == len(one.sureness) == len(one.spread) == len(one)
        if most == 12:  # of which some are alike
            changed = len(one) != len(whole) or not torch.equal(one.bboxes, whole.bboxes)
            assert changed == (settings is not None)


@pytest.mark.parametrize('name', DETECTORS)
def test_every_fourth_pixel_tells_duplicates(name):
    found, _ = found_and_predicted(teacher(name, dict(iou=0.5)))
    for one in found:
        # the masks fill the boxes
        alike = bbox_overlaps(one.bboxes, one.bboxes) * (one.labels[:, None] == one.labels)
        assert len(one) > 1 and alike.fill_diagonal_(0).max() < 0.65


@pytest.mark.parametrize('name', DETECTORS)
def test_nothing_is_suppressed_of_nothing(name):
    network = teacher(name, dict(iou=0.5))
    data = network.data_preprocessor(make_batch(labelled=1, unlabelled=0), training=False)
    found, = find_instances(network, network.extract_feat(data['inputs']), data['data_samples'],
                            score_thr=2., jitters=3, scale=0.06)
    assert len(found) == 0 and found.masks.shape[0] == found.spread.shape[0] == 0
