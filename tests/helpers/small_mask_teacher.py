"""Small detectors and batches for the method that learns instances from unlabelled pictures."""
import copy

import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData, PixelData

import plugin  # noqa: F401
import tests.helpers.tiny_parts  # noqa: F401

CLASSES = 2
SIZE = 64
STRIDE = 4


def _assigner(positive: float) -> dict:
    return dict(type='MaxIoUAssigner', pos_iou_thr=positive, neg_iou_thr=positive,
                min_pos_iou=positive, match_low_quality=False, ignore_iof_thr=-1)


def _sampler(number: int) -> dict:
    return dict(type='RandomSampler', num=number, pos_fraction=0.25, neg_pos_ub=-1,
                add_gt_as_proposals=True)


def _extractor(size: int) -> dict:
    return dict(type='SingleRoIExtractor', out_channels=4, featmap_strides=[STRIDE],
                roi_layer=dict(type='RoIAlign', output_size=size, sampling_ratio=2))


def _box_head(agnostic: bool = False) -> dict:
    return dict(
        type='Shared2FCBBoxHead', in_channels=4, fc_out_channels=8, roi_feat_size=3,
        num_classes=CLASSES, reg_class_agnostic=agnostic,
        bbox_coder=dict(type='DeltaXYWHBBoxCoder', target_stds=[0.1, 0.1, 0.2, 0.2]),
        loss_cls=dict(type='CrossEntropyLoss'), loss_bbox=dict(type='L1Loss'))


MASK_HEAD = dict(type='FCNMaskHead', num_convs=1, in_channels=4, conv_out_channels=4,
                 num_classes=CLASSES,
                 loss_mask=dict(type='CrossEntropyLoss', use_mask=True, loss_weight=1.))
RCNN = dict(assigner=_assigner(0.5), sampler=_sampler(16), mask_size=10, pos_weight=-1,
            debug=False)
MASK_RCNN = ConfigDict(
    type='MaskRCNN',
    data_preprocessor=dict(
        type='DetDataPreprocessor', mean=[120.0, 110.0, 100.0], std=[60.0, 58.0, 57.0],
        bgr_to_rgb=True, pad_mask=True, pad_size_divisor=8),
    backbone=dict(type='ResNet', depth=18, base_channels=4, num_stages=1, strides=(1, ),
                  dilations=(1, ), out_indices=(0, ), norm_cfg=dict(type='BN'), norm_eval=True,
                  style='pytorch'),
    rpn_head=dict(
        type='RPNHead', in_channels=4, feat_channels=4,
        anchor_generator=dict(type='AnchorGenerator', scales=[4, 7], ratios=[0.5, 1.0, 2.0],
                              strides=[STRIDE]),
        bbox_coder=dict(type='DeltaXYWHBBoxCoder'),
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=True),
        loss_bbox=dict(type='L1Loss')),
    roi_head=dict(type='StandardRoIHead', bbox_roi_extractor=_extractor(3), bbox_head=_box_head(),
                  mask_roi_extractor=_extractor(5), mask_head=MASK_HEAD),
    train_cfg=dict(
        rpn=dict(assigner=dict(_assigner(0.6), neg_iou_thr=0.3, min_pos_iou=0.3,
                               match_low_quality=True),
                 sampler=dict(_sampler(64), add_gt_as_proposals=False), allowed_border=-1,
                 pos_weight=-1, debug=False),
        rpn_proposal=dict(nms_pre=100, max_per_img=40, nms=dict(type='nms', iou_threshold=0.7),
                          min_bbox_size=0),
        rcnn=RCNN),
    test_cfg=dict(
        rpn=dict(nms_pre=100, max_per_img=40, nms=dict(type='nms', iou_threshold=0.7),
                 min_bbox_size=0),
        rcnn=dict(score_thr=0.05, nms=dict(type='nms', iou_threshold=0.4), max_per_img=12,
                  mask_thr_binary=0.5)))


def cascade() -> ConfigDict:
    """Three stages, whose boxes are the same for all classes."""
    config = copy.deepcopy(MASK_RCNN)
    config.type = 'CascadeRCNN'
    config.roi_head.update(
        type='CascadeRoIHead', num_stages=3, stage_loss_weights=[1, 0.5, 0.25],
        bbox_head=[_box_head(True) for _ in range(3)])
    config.train_cfg.rcnn = [dict(copy.deepcopy(RCNN), assigner=_assigner(value))
                             for value in (0.4, 0.5, 0.6)]
    return config


DETECTORS = dict(mask_rcnn=lambda: copy.deepcopy(MASK_RCNN), cascade=cascade)


def build(detector='mask_rcnn', **kwargs):
    """A method around a small detector that finds something without training."""
    torch.manual_seed(0)
    config = DETECTORS[detector]() if isinstance(detector, str) else detector
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(dict(type='MaskTeacher', detector=config, **kwargs))
    model.init_weights()
    model.progress = model.unsupervised_progress = 0.5
    return model.train()


def eager(model):
    """Let every candidate teach: of random weights none is sure of anything."""
    model.thresholds.lowest = model.thresholds.highest = 0.
    model.unsupervised.update(candidates=0.05, sureness=0., spread=1e3)
    return model


def instances(boxes, labels, height, width):
    """Instances whose masks fill their boxes."""
    masks = np.zeros((len(boxes), height, width), np.uint8)
    for mask, (left, top, right, bottom) in zip(masks, boxes, strict=True):
        mask[top:bottom, left:right] = 1
    return InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32).view(-1, 4),
        labels=torch.tensor(labels, dtype=torch.int64), masks=BitmapMasks(masks, height, width))


def truth_of(given, stride=3):
    """What ``PackSemiDetInputs`` keeps of the truth of an unlabelled picture."""
    masks = given.masks.masks
    height, width = masks.shape[1] // stride, masks.shape[2] // stride
    small = masks[:, stride // 2::stride, stride // 2::stride][:, :height, :width]
    return InstanceData(metainfo=dict(stride=stride), labels=given.labels,
                        masks=torch.from_numpy(small.copy()).bool())


def mirrored(width, scale=1.):
    """The matrix of a mirroring of ``width`` pixels, then a change of size."""
    return np.diag([scale, scale, 1.]) @ np.array([[-1., 0, width], [0, 1, 0], [0, 0, 1]])


BOXES = [[8, 12, 40, 44], [30, 6, 58, 34]]


def make_batch(labelled=2, unlabelled=2, sizes=None, strong=True, truth=True, animals=2, seed=0):
    """Raw pictures as the data loader gives them; the unlabelled ones come last.

    The strong view is the picture mirrored, at half of its size.
    """
    generator = torch.Generator().manual_seed(seed)
    batch = dict(inputs=[], data_samples=[])
    sizes = sizes or [(SIZE, SIZE)] * (labelled + unlabelled)
    for index, (height, width) in enumerate(sizes):
        image = torch.randint(0, 256, (3, height, width), generator=generator).byte()
        given = instances(BOXES[:animals], [index % 2, 1][:animals], height, width)
        meta = dict(img_shape=(height, width), ori_shape=(height, width), scale_factor=(1., 1.))
        sample = DetDataSample(metainfo=meta, gt_instances=given, ignored_instances=InstanceData(
            bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.int64)))
        if index >= labelled:
            sample.gt_instances = instances([], [], height, width)
            sample.set_metainfo(dict(unlabeled=True))
            if truth:
                sample.truth = truth_of(given)
            if strong:
                sample.strong_view = PixelData(data=image.flip(2)[:, ::2, ::2].contiguous())
                sample.set_metainfo(dict(strong_matrix=mirrored(width, 0.5)))
        batch['inputs'].append(image)
        batch['data_samples'].append(sample)
    return batch


def losses_of(model, batch, seed=5):
    """Losses of a step; samplers draw the same each time."""
    data = model.data_preprocessor(copy.deepcopy(batch), training=True)
    torch.manual_seed(seed)
    return model(**data, mode='loss')


def total_of(model, losses):
    """Their sum."""
    return model.parse_losses(losses)[0]
