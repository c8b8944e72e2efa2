"""Suppression on masks within a detector: by the config, in predict, in tiles, and off."""
import cv2
import numpy as np
import pytest
import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmengine.config import Config

from plugin.inference import Detector
from plugin.models.postprocess import mask_nms
from plugin.models.roi_heads import mask_nms_heads
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


@pytest.mark.parametrize('most, shape', [
    (None, (360, 440)), (24 * 180 * 220, (180, 220))])
def test_large_images_are_drawn_in_full_only_for_what_is_left(tiny, monkeypatch, most, shape):
    rng = np.random.default_rng(2)
    image = cv2.resize(rng.integers(0, 256, (36, 44, 3), dtype=np.uint8), (440, 360))
    every = detector(tiny, 'StandardRoIHead')
    every._model.roi_head.test_cfg['max_per_img'] = 24
    found = every._found(image)
    drawn = []
    plain = FCNMaskHead._predict_by_feat_single

    def noted(self, *args, **kwargs):
        masks = plain(self, *args, **kwargs)
        drawn.append(tuple(masks.shape))
        return masks

    settings = dict(iou=0.4, inside=0.6)
    one = detector(tiny, settings=settings)
    monkeypatch.setattr(FCNMaskHead, '_predict_by_feat_single', noted)
    if most is not None:
        monkeypatch.setattr(mask_nms_heads, 'PIXELS', most)
    own = one._found(image)
    assert drawn == [(24, *shape), (len(own), 360, 440)]
    # the same that masks of full size would leave
    kept = mask_nms(found.masks, found.scores, found.labels, **settings)
    assert 0 < kept.sum() < 24
    expected = found[kept]
    expected = expected[expected.scores.argsort(descending=True, stable=True)[:12]]
    assert torch.equal(own.masks, expected.masks) and torch.equal(own.scores, expected.scores)
    assert torch.equal(own.bboxes, expected.bboxes)
    assert 'predict_by_feat' not in vars(one._model.roi_head.mask_head)


@pytest.mark.parametrize('rescale, size', [(True, (300, 400)), (False, (600, 1200))])
def test_masks_shrink_with_their_boxes(monkeypatch, rescale, size):
    """What the network sees is twice as high and three times as wide as the image."""
    meta = dict(ori_shape=(300, 400), scale_factor=(3.0, 2.0), img_path='a.jpg')
    before = dict(meta)
    same = mask_nms_heads._shrunk(meta, 10, rescale)
    assert meta == before and same['img_path'] == 'a.jpg'
    assert same == dict(meta, ori_shape=size, scale_factor=(3.0, 2.0) if rescale else (1.0, 1.0))
    monkeypatch.setattr(mask_nms_heads, 'PIXELS', 10 * size[0] * size[1] // 4)
    half = mask_nms_heads._shrunk(meta, 10, rescale)
    assert half['ori_shape'] == (size[0] // 2, size[1] // 2)
    assert half['scale_factor'] == pytest.approx(np.multiply(same['scale_factor'], 2))
    assert mask_nms_heads._shrunk(meta, 0, rescale) == same


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
