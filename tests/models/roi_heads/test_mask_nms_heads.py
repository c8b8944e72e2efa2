"""Suppression on masks within a detector: by the config, in predict, in tiles, and off."""
import numpy as np
import pytest
import torch
from mmengine.config import Config

from plugin.inference import Detector
from plugin.models.postprocess import mask_nms
from tests.helpers.tiny_detector import write_detector, write_weights

NMS = 'model.test_cfg.rcnn.mask_nms'


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    config = write_detector(tmp_path_factory.mktemp('tiny'))
    return config, str(write_weights(config, 'best.pth', 0.3))


@pytest.fixture
def image():
    return np.random.default_rng(2).integers(0, 256, (36, 44, 3), dtype=np.uint8)


def detector(tiny, head='MaskNMSRoIHead', settings=None, **more):
    config, weights = tiny
    cfg = Config.fromfile(config)
    cfg.merge_from_dict({'model.roi_head.type': head, 'model.test_cfg.rcnn.nms.iou_threshold': 0.9})
    if settings is not None:
        cfg.model.test_cfg.rcnn.mask_nms = settings
    return Detector(cfg, weights, **more)


def masks_of(found):
    return [(one.score, one.whole_mask().tobytes()) for one in found]


def test_without_settings_it_is_the_stock_head(tiny, image):
    stock = masks_of(detector(tiny, 'StandardRoIHead')(image))
    assert masks_of(detector(tiny)(image)) == stock and len(stock) == 12
    assert masks_of(detector(tiny, settings=None)(image)) == stock


def test_duplicates_are_dropped_before_the_limit(tiny, image):
    every = detector(tiny, 'StandardRoIHead')
    every._model.roi_head.test_cfg['max_per_img'] = 24
    found = every._found(image)
    kept = mask_nms(found.masks, found.scores, found.labels, iou=0.5)
    assert 0 < kept.sum() < 24
    own = detector(tiny, settings=dict(iou=0.5))._found(image)
    assert len(own) == min(12, int(kept.sum()))
    expected = found[kept]
    expected = expected[expected.scores.argsort(descending=True, stable=True)[:12]]
    assert torch.equal(own.masks, expected.masks) and torch.equal(own.scores, expected.scores)


def test_candidates_limit_what_is_outlined(tiny, image):
    few = detector(tiny, settings=dict(iou=0.5, candidates=1))
    every = detector(tiny, 'StandardRoIHead')._found(image)
    kept = mask_nms(every.masks, every.scores, every.labels, iou=0.5)
    assert len(few._found(image)) == int(kept.sum())  # never fewer than max_per_img


def test_tiles_are_suppressed_too(tiny):
    image = np.random.default_rng(5).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    plain = detector(tiny, tile=40, overlap=10)(image)
    own = detector(tiny, settings=dict(iou=0.1, inside=0.5), tile=40, overlap=10)(image)
    assert 0 < len(own) < len(plain)


def test_mistakes_are_named(tiny, image):
    with pytest.raises(ValueError, match='mask_nms has no iuo: it has candidates, iou, inside'):
        detector(tiny, settings=dict(iuo=0.5))
    with pytest.raises(ValueError, match='mask_nms.iou=2 is outside 0..1'):
        detector(tiny, settings=dict(iou=2))
