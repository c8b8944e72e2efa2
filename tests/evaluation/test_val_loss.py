"""The loss of the validation set, from the pass that predicts it."""
import copy
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS as DETECTORS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData, PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from plugin.engine.hooks import ValidationLossHook
from plugin.evaluation import val_loss
from plugin.evaluation.val_loss import DetectorLoss, SegmentorLoss, ValidationLoss, at_network_size

SIZE = (21, 34)


def segmentor(kind='EncoderDecoder', test_cfg=None, **head):
    """A U-Net of a few maps that answers at random."""
    torch.manual_seed(0)
    padding = 'valid' if kind == 'UnpaddedEncoderDecoder' else 'same'
    network = dict(
        type=kind if kind != 'MeanTeacher' else 'EncoderDecoder',
        backbone=dict(type='UNetEncoder', base_channels=2, num_levels=2, padding=padding),
        decode_head=dict(type='UNetHead', in_channels=[2, 4], padding=padding,
                         **{**dict(num_classes=3), **head}),
        train_cfg=dict(), test_cfg=test_cfg or dict(mode='whole'))
    cfg = dict(type=kind, segmentor=network) if kind == 'MeanTeacher' else network
    model = MODELS.build(ConfigDict(cfg)).eval()
    for value in model.parameters():
        torch.nn.init.normal_(value, std=0.5)
    return model


def samples(number=3, size=SIZE, classes=3):
    """Images that the network sees at half the size of their labels."""
    torch.manual_seed(1)
    made = [SegDataSample(
        metainfo=dict(img_shape=(size[0] // 2, size[1] // 2), ori_shape=size),
        gt_sem_seg=PixelData(data=torch.randint(classes, (1, *size)))) for _ in range(number)]
    made[0].gt_sem_seg.data[:, :4] = 255
    return made


@torch.no_grad()
def predicted(model, given):
    images = torch.randn(len(given), 3, SIZE[0] // 2, SIZE[1] // 2)
    return model.predict(images, copy.deepcopy(given))


def evaluated(losses, batches, size=None):
    evaluator = Evaluator([])
    evaluator.metrics.append(ValidationLoss(losses))
    for batch in batches:
        evaluator.process(batch)
    return evaluator.evaluate(size or sum(map(len, batches)))


def cross_entropy(sample):
    """Mean over all pixels, as mmseg divides by default: ignored ones count as zero."""
    return F.cross_entropy(sample.seg_logits.data[None], sample.gt_sem_seg.data, ignore_index=255,
                           reduction='none').mean().item()


@pytest.mark.parametrize('kind', ['EncoderDecoder', 'UnpaddedEncoderDecoder', 'MeanTeacher'])
@pytest.mark.parametrize('mode', [
    dict(mode='whole'), dict(mode='slide', crop_size=(8, 8), stride=(5, 5)),
    dict(mode='tile', crop_size=(16, 16), overlap=(4, 4))])
def test_loss_of_a_segmentor_is_that_of_the_logits_it_is_scored_by(kind, mode):
    model = segmentor(kind, mode)
    result = predicted(model, samples())
    expected = np.mean([cross_entropy(sample) for sample in result])
    scores = evaluated(val_loss.losses_of(model), [result[:2], result[2:]])
    assert scores == {'loss': pytest.approx(expected, rel=1e-5),
                      'decode.loss_ce': pytest.approx(expected, rel=1e-5)}


def test_parts_weights_and_samplers_are_those_of_the_head():
    model = segmentor(
        loss_decode=[dict(type='CrossEntropyLoss', loss_weight=0.5, class_weight=[1., 2., 3.]),
                     dict(type='CrossEntropyLoss', loss_name='loss_plain')],
        sampler=dict(type='OHEMPixelSampler', thresh=0.7, min_kept=10))
    sample, = predicted(model, samples(1))
    scores = evaluated(SegmentorLoss(model), [[sample]])
    expected = model.decode_head.loss_by_feat(sample.seg_logits.data[None], [sample])
    assert scores['decode.loss_ce'] == pytest.approx(expected['loss_ce'].item(), rel=1e-5)
    assert scores['decode.loss_plain'] == pytest.approx(expected['loss_plain'].item(), rel=1e-5)
    assert scores['loss'] == pytest.approx(
        scores['decode.loss_ce'] + scores['decode.loss_plain'])


def test_one_channel_gives_back_its_logits():
    model = segmentor(num_classes=2, out_channels=1, threshold=0.5,
                      loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True))
    result = predicted(model, samples(2, classes=2))
    expected = []
    for sample in result:
        labels = sample.gt_sem_seg.data.float()
        loss = F.binary_cross_entropy(sample.seg_logits.data, labels.clamp(max=1), reduction='none')
        expected.append((loss * (labels != 255)).mean().item())
    scores = evaluated(SegmentorLoss(model), [result])
    assert scores['loss'] == pytest.approx(np.mean(expected), rel=1e-3)


def test_images_without_labels_are_left_out_and_repeated_ones_count_once():
    model = segmentor()
    result = predicted(model, samples(3))
    result[1].gt_sem_seg.data[:] = 255
    del result[2].gt_sem_seg
    losses = SegmentorLoss(model)
    # the loader of two processes would repeat the first image
    scores = evaluated(losses, [[*result, result[0]]], size=3)
    assert scores['loss'] == pytest.approx(cross_entropy(result[0]), rel=1e-5)
    assert evaluated(losses, [result[1:]]) == {}


def test_a_loss_that_is_no_number_stays_none():
    model = segmentor()
    sample, = predicted(model, samples(1))
    sample.seg_logits.data[:] = float('nan')
    assert math.isnan(evaluated(SegmentorLoss(model), [[sample]])['loss'])


def test_models_without_loss_functions_have_none():
    assert val_loss.losses_of(torch.nn.Conv2d(1, 1, 1)) is None


# ----- instances


@pytest.fixture(scope='module')
def detector():
    """A Mask R-CNN of a few hundred weights, with what a training needs."""
    assigner = dict(type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0.1,
                    match_low_quality=True, ignore_iof_thr=0.5)
    sampler = dict(type='RandomSampler', num=16, pos_fraction=0.5, neg_pos_ub=-1)
    settings = dict(score_thr=0.05, nms=dict(type='nms', iou_threshold=0.5), max_per_img=5,
                    mask_thr_binary=0.5)
    coder = dict(type='DeltaXYWHBBoxCoder')
    region = dict(type='SingleRoIExtractor', out_channels=4, featmap_strides=[2])
    proposals = dict(nms_pre=50, max_per_img=20, nms=dict(type='nms', iou_threshold=0.7),
                     min_bbox_size=0)
    cfg = dict(
        type='MaskRCNN', data_preprocessor=dict(type='DetDataPreprocessor'),
        backbone=dict(type='mmseg.UNetEncoder', base_channels=4, num_levels=1, padding='same'),
        neck=dict(type='ChannelMapper', in_channels=[4], out_channels=4, kernel_size=1),
        rpn_head=dict(
            type='RPNHead', in_channels=4, feat_channels=4, bbox_coder=coder,
            anchor_generator=dict(type='AnchorGenerator', scales=[4], ratios=[1.0], strides=[2])),
        roi_head=dict(
            type='StandardRoIHead',
            bbox_roi_extractor=dict(region, roi_layer=dict(type='RoIAlign', output_size=3)),
            bbox_head=dict(type='Shared2FCBBoxHead', in_channels=4, fc_out_channels=8,
                           roi_feat_size=3, num_classes=2, bbox_coder=coder),
            mask_roi_extractor=dict(region, roi_layer=dict(type='RoIAlign', output_size=4)),
            mask_head=dict(type='FCNMaskHead', num_convs=1, in_channels=4, conv_out_channels=4,
                           num_classes=2)),
        train_cfg=dict(
            rpn=dict(assigner=assigner, sampler=sampler, allowed_border=-1, pos_weight=-1),
            rpn_proposal=proposals,
            rcnn=dict(assigner=assigner, sampler=sampler, mask_size=8, pos_weight=-1)),
        test_cfg=dict(rpn=proposals, rcnn=settings))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        return DETECTORS.build(ConfigDict(cfg)).eval()


def animals(boxes, scale=1.0, crowd=()):
    """An image of 40x48 at a scale, and its boxes in the pixels of the image."""
    size = (int(40 * scale), int(48 * scale))

    def instances(boxes):
        masks = np.zeros((len(boxes), 40, 48), np.uint8)
        for mask, (left, top, right, bottom) in zip(masks, boxes):
            mask[top:bottom, left:right] = 1
        return InstanceData(
            bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
            labels=torch.zeros(len(boxes), dtype=torch.int64), masks=BitmapMasks(masks, 40, 48))

    return DetDataSample(
        metainfo=dict(img_shape=size, ori_shape=(40, 48), pad_shape=size, batch_input_shape=size,
                      scale_factor=(scale, scale)),
        gt_instances=instances(boxes), ignored_instances=instances(crowd))


def test_truth_is_brought_to_the_size_that_the_network_saw():
    sample = animals([(4, 8, 20, 24)], scale=0.5, crowd=[(0, 0, 4, 4)])
    given = sample.clone()
    seen = at_network_size(sample.to_dict())
    assert seen.gt_instances.bboxes.tolist() == [[2, 4, 10, 12]]
    assert seen.ignored_instances.bboxes.tolist() == [[0, 0, 2, 2]]
    mask = seen.gt_instances.masks.masks[0]
    assert mask.shape == (20, 24) and mask[4:12, 2:10].all() and mask.sum() == 64
    assert sample.gt_instances.bboxes.tolist() == given.gt_instances.bboxes.tolist()
    assert seen.img_shape == (20, 24)
    # labels that were loaded before the resizing have been brought there by it
    again = at_network_size(seen.to_dict())
    assert again.gt_instances.bboxes.tolist() == [[2, 4, 10, 12]]


@pytest.mark.parametrize('scale', [1.0, 0.5])
def test_loss_of_a_detector_is_its_own_at_one_forward_pass(detector, scale):
    boxes = [[(4, 8, 20, 24), (22, 10, 44, 36)], [(10, 10, 40, 30)]]
    given = [animals(boxes[0], scale, crowd=[(30, 0, 40, 8)]), animals(boxes[1], scale)]
    images = torch.randn(2, 3, *given[0].img_shape)
    # the slow way: each image alone, with truth that was resized by hand
    expected = []
    for image, own in zip(images, boxes):
        truth = animals([[int(side * scale) for side in box] for box in own], 1.0)
        truth.set_metainfo(given[0].metainfo)
        crowd = animals([[int(side * scale) for side in (30, 0, 40, 8)]])
        truth.ignored_instances = (crowd if own is boxes[0] else animals([])).gt_instances
        for part in (truth.gt_instances, truth.ignored_instances):
            part.masks = part.masks.crop(np.array([0, 0, *given[0].img_shape[::-1]]))
        with torch.no_grad():
            torch.manual_seed(0)
            losses = detector.loss(image[None], [truth])
        expected.append({name: float(sum(value) if isinstance(value, list) else value)
                         for name, value in losses.items() if 'loss' in name})
    passes = []
    handle = detector.backbone.register_forward_hook(lambda *_: passes.append(1))
    losses = DetectorLoss(detector)
    with torch.no_grad():
        result = detector.predict(images, given)
    scores = evaluated(losses, [result])
    losses.close()
    handle.remove()
    assert len(passes) == 1
    assert set(scores) == {'loss', 'loss_rpn_cls', 'loss_rpn_bbox', 'loss_cls', 'loss_bbox',
                           'loss_mask'}
    for name in expected[0]:
        assert scores[name] == pytest.approx(
            np.mean([losses[name] for losses in expected]), rel=1e-4), name
    assert scores['loss'] == pytest.approx(
        sum(sum(losses.values()) for losses in expected) / 2, rel=1e-4)
    assert 'extract_feat' not in vars(detector)


def test_images_without_animals_have_a_loss_and_the_draw_is_the_same_every_time(detector):
    losses = DetectorLoss(detector)
    scores, states = [], []
    for _ in range(2):
        states.append(torch.random.get_rng_state())
        with torch.no_grad():
            result = detector.predict(torch.ones(1, 3, 40, 48), [animals([])])
        scores.append(evaluated(losses, [result]))
    losses.close()
    assert scores[0] == scores[1] and math.isfinite(scores[0]['loss'])
    assert scores[0]['loss_mask'] == 0 < scores[0]['loss_cls']
    assert torch.equal(*states)


def test_detectors_without_settings_of_a_training_have_none(detector):
    train_cfg, detector.train_cfg = detector.train_cfg, None
    assert val_loss.losses_of(detector) is None
    detector.train_cfg = train_cfg


# ----- over time


class _Runner:
    """What the hook sees of a runner."""

    def __init__(self, model):
        self.model, self.lines = model, []
        self.logger = SimpleNamespace(info=self.lines.append)
        self.val_loop = SimpleNamespace(evaluator=Evaluator([]))
        self.message_hub = SimpleNamespace(log_scalars={
            'val/loss': 1, 'val/decode.loss_ce': 1, 'val/mIoU': 1, 'train/loss': 1})


def test_hook_leaves_evaluator_and_model_as_they_were(detector):
    runner, hook = _Runner(detector), ValidationLossHook()
    hooks = len(detector.neck._forward_hooks)
    for _ in range(2):
        hook.before_val(runner)
        assert len(runner.val_loop.evaluator.metrics) == 1
        assert len(detector.neck._forward_hooks) == hooks + 1
        # the log would smooth over all that is called a loss
        assert set(runner.message_hub.log_scalars) == {'val/mIoU', 'train/loss'}
        hook.after_val(runner)
        assert not runner.val_loop.evaluator.metrics
        assert len(detector.neck._forward_hooks) == hooks


def test_hook_says_once_where_there_is_no_loss():
    runner, hook = _Runner(torch.nn.Conv2d(1, 1, 1)), ValidationLossHook()
    for _ in range(2):
        hook.before_val(runner)
        hook.after_val(runner)
    line, = runner.lines
    assert 'there is no validation loss: the model has' in line
    assert not runner.val_loop.evaluator.metrics
