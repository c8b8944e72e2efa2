"""A detector with the operators of both kinds, from the same weights."""
import copy
import sys
from types import SimpleNamespace

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from plugin.ops import extension
from tests.ops.conftest import USERS


@pytest.fixture(params=['mask-rcnn_mnv2_barn', 'mask-rcnn_mnv2_pigs'])
def detector(request, root):
    """A small one of the project with random weights; the pigs' has soft_nms."""
    cfg = Config.fromfile(root / f'configs/{request.param}.py').model
    cfg.backbone.init_cfg = None
    cfg.train_cfg.rpn_proposal.update(nms_pre=100, max_per_img=40)
    cfg.train_cfg.rcnn.sampler.num = 16
    cfg.test_cfg.rpn.update(nms_pre=100, max_per_img=30)
    cfg.test_cfg.rcnn.update(score_thr=0.01, max_per_img=20)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(cfg)


def batch() -> dict:
    """Two random images with two rectangles each."""
    generator = torch.Generator().manual_seed(1)
    samples = []
    for _ in range(2):
        boxes = torch.tensor([[3.2, 8, 40, 60.5], [50, 30, 120, 110]])
        masks = torch.zeros(2, 128, 128, dtype=torch.uint8)
        for mask, box in zip(masks, boxes.int().tolist()):
            mask[box[1]:box[3], box[0]:box[2] - 7] = 1
        sample = DetDataSample(metainfo=dict(
            img_shape=(128, 128), ori_shape=(128, 128), pad_shape=(128, 128),
            batch_input_shape=(128, 128), scale_factor=(1.0, 1.0)))
        sample.gt_instances = InstanceData(
            bboxes=boxes, labels=torch.zeros(2, dtype=torch.long),
            masks=BitmapMasks(masks.numpy(), 128, 128))
        samples.append(sample)
    images = torch.randint(256, (2, 3, 128, 128), generator=generator, dtype=torch.uint8)
    return dict(inputs=list(images), data_samples=samples)


def of_both(compiled, monkeypatch, compute) -> list:
    """What a function returns with the operators of each kind."""
    results = []
    for operators in (compiled, extension):
        for name in USERS:
            monkeypatch.setattr(sys.modules[f'mmcv.ops.{name}'], 'ext_module', operators)
        torch.manual_seed(2)
        results.append(compute())
    return results


def test_losses_and_gradients(detector, compiled, monkeypatch):
    optim = torch.optim.SGD(detector.parameters(), lr=0.005)

    def step() -> SimpleNamespace:
        detector.load_state_dict(state)
        detector.train()
        optim.zero_grad()
        data = detector.data_preprocessor(copy.deepcopy(batch()), training=True)
        loss, terms = detector.parse_losses(detector(**data, mode='loss'))
        loss.backward()
        grads = [value.grad.flatten() for value in detector.parameters() if value.grad is not None]
        return SimpleNamespace(terms=terms, grads=torch.cat(grads))

    for _ in range(5):
        state = copy.deepcopy(detector.state_dict())
        theirs, ours = of_both(compiled, monkeypatch, step)
        assert {'loss_rpn_cls', 'loss_cls', 'loss_bbox', 'loss_mask'} <= set(ours.terms)
        for name, value in theirs.terms.items():
            torch.testing.assert_close(ours.terms[name], value, rtol=0, atol=1e-4)
        # a rounded value may lie on the other side of a ReLU's corner
        error = (ours.grads - theirs.grads).norm() / theirs.grads.norm()
        assert error < 1e-3
        optim.step()


def test_predictions(detector, compiled, monkeypatch):
    detector.eval()

    def predict() -> list:
        with torch.no_grad():
            return [sample.pred_instances for sample in detector.test_step(batch())]

    theirs, ours = of_both(compiled, monkeypatch, predict)
    for expected, found in zip(theirs, ours):
        assert len(found) == len(expected) > 1
        assert torch.equal(found.labels, expected.labels)
        torch.testing.assert_close(found.scores, expected.scores, rtol=0, atol=1e-5)
        torch.testing.assert_close(found.bboxes, expected.bboxes, rtol=0, atol=1e-3)
        # a pixel of just the threshold may fall on the other side
        assert (found.masks != expected.masks).float().mean() < 1e-3
