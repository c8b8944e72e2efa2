"""Detectors of the real configs with few channels and random weights, and what they predict."""
import copy
from typing import Any

import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope

from plugin.utils.config import load_config

# of weights in the last layers
LAST = dict(rpn_cls=0.5, rpn_reg=0.1, fc_cls=0.5, fc_reg=0.5, conv_logits=0.5)
# changes of each config that leave its layers what they are
SMALL: dict[str, dict[str, Any]] = {
    'mask-rcnn_r50_cattle': {
        'backbone': dict(depth=18, base_channels=8, stem_channels=8),
        'neck': dict(in_channels=[8, 16, 32, 64]),
    },
    'mask-rcnn_mnv2_pigs': {
        'backbone': dict(widen_factor=0.25),
        'neck': dict(in_channels=[8, 24, 80]),
    },
    'cascade-mask-rcnn_swin-t_cattle': {
        'backbone': dict(embed_dims=8, depths=(1, 1, 2, 1), num_heads=(1, 1, 2, 2)),
        'neck': dict(in_channels=[8, 16, 32, 64]),
    },
}


def narrow(model, width: int) -> None:
    """Let a detector have few channels behind its backbone, in place."""
    model.neck.out_channels = width
    model.rpn_head.update(in_channels=width, feat_channels=width)
    head = model.roi_head
    for extractor in (head.bbox_roi_extractor, head.mask_roi_extractor):
        for one in extractor if isinstance(extractor, list) else [extractor]:
            one.out_channels = width
    for one in head.bbox_head if isinstance(head.bbox_head, list) else [head.bbox_head]:
        one.update(in_channels=width, fc_out_channels=2 * width)
    head.mask_head.update(in_channels=width, conv_out_channels=width)


def build(name: str, seed: int = 0, classes: int = 2, **rcnn: Any):
    """A small detector of a config, in evaluation mode; ``rcnn`` changes its ``test_cfg``."""
    model = copy.deepcopy(load_config(name).model)
    model.pop('init_cfg', None)
    for key, changes in SMALL[name].items():
        model[key].update(changes)
    model.backbone.pop('init_cfg', None)
    narrow(model, 8)
    head = model.roi_head
    for one in head.bbox_head if isinstance(head.bbox_head, list) else [head.bbox_head]:
        one.num_classes = classes
    head.mask_head.num_classes = classes
    if 'mask_nms' in rcnn:
        head.type = 'MaskNMSRoIHead'
    model.train_cfg = None
    model.test_cfg.rpn.update(nms_pre=120, max_per_img=60)
    model.test_cfg.rcnn.update(ConfigDict(max_per_img=20, score_thr=0.2), **rcnn)
    with DefaultScope.overwrite_default_scope('mmdet'), torch.random.fork_rng():
        # biases are random as well
        torch.manual_seed(seed)
        detector = MODELS.build(model).eval()
    generator = torch.Generator().manual_seed(seed)
    for key, value in detector.named_parameters():
        if value.dim() > 1:
            # boxes that stay near their anchors, and scores that differ
            std = next((own for part, own in LAST.items() if part in key),
                       (2 / value[0].numel()) ** 0.5)
            torch.nn.init.normal_(value, std=std, generator=generator)
    with torch.no_grad():
        image = sample_of(picture(96, 96))
        levels = detector.extract_feat(detector.data_preprocessor(image)['inputs'])
        for layer, level in zip(detector.neck.fpn_convs, levels):
            layer.conv.weight /= level.std()
    return detector


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Some blobs, BGR ``(height, width, 3)``, uint8."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), 110, np.uint8)
    rows, columns = np.mgrid[:height, :width]
    for _ in range(6):
        y, x, radius = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(5, 25)
        image[np.hypot(rows - y, columns - x) < radius] = rng.integers(0, 256, 3)
    return image


def sample_of(image: np.ndarray, scale: float = 1.0) -> dict[str, Any]:
    """A batch of one image; the original was ``1 / scale`` times as large."""
    height, width = image.shape[:2]
    original = round(height / scale), round(width / scale)
    sample = DetDataSample(metainfo=dict(
        img_shape=(height, width), ori_shape=original,
        scale_factor=(width / original[1], height / original[0])))
    return dict(inputs=[torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))],
                data_samples=[sample])
