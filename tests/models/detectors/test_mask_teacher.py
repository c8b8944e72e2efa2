"""A teacher outlines unlabelled pictures for its student, in each case that a batch may bring."""
import copy
import importlib

import pytest
import torch
from mmcv.ops.nms import NMSop
from mmdet.registry import MODELS
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from plugin.evaluation import val_loss
from plugin.models.detectors import mask_teacher, targets
from plugin.models.detectors.instance_batch import split_instances, strong_view
from tests.helpers.small_mask_teacher import (
    BOXES,
    DETECTORS,
    MASK_RCNN,
    SIZE,
    build,
    eager,
    instances,
    losses_of,
    make_batch,
    mirrored,
    total_of,
)

roi_align = importlib.import_module('mmcv.ops.roi_align')


@pytest.fixture(autouse=True)
def _mmdet_scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


BATCHES = dict(
    usual=dict(), one=dict(labelled=1, unlabelled=1), no_truth=dict(truth=False),
    same_view=dict(strong=False), no_animals=dict(animals=0),
    sizes=dict(sizes=[(64, 64), (48, 72), (80, 60), (56, 64)]))


@pytest.mark.parametrize('detector', DETECTORS)
@pytest.mark.parametrize('batch', BATCHES)
@pytest.mark.parametrize('found', ['something', 'nothing'])
def test_every_batch_teaches(detector, batch, found):
    model = build(detector)
    model.unsupervised.update(candidates=0.05, sureness=0.)
    if found == 'something':
        eager(model)
    losses = losses_of(model, make_batch(**BATCHES[batch]))
    total = total_of(model, losses)
    assert torch.isfinite(total)
    total.backward()
    idle = [name for name, value in model.student.named_parameters()
            if value.requires_grad and value.grad is None]
    assert not idle
    assert all(value.grad is None for value in model.teacher.parameters())
    assert 'unsup_loss_rpn_cls' in losses
    number = model.statistics['pseudo_number']
    assert (number > 0) == (found == 'something')
    if found == 'nothing':
        regression = [value for name, value in losses.items()
                      if name.startswith('unsup_') and ('bbox' in name or 'mask' in name)]
        assert sum(float((sum(value) if isinstance(value, list) else value).detach())
                   for value in regression) == 0


@pytest.mark.parametrize('detector', DETECTORS)
def test_half_precision(detector, monkeypatch):
    # of these operators mmcv has none in half precision for a CPU, unlike for a GPU
    for owner, name in ((NMSop, 'apply'), (roi_align, 'roi_align')):
        whole = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *args, whole=whole: whole(*(
            arg.float() if isinstance(arg, torch.Tensor) and arg.is_floating_point() else arg
            for arg in args)))
    model = eager(build(detector))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        total = total_of(model, losses_of(model, make_batch()))
    total.backward()
    assert torch.isfinite(total) and total.dtype == torch.float32


def test_the_warm_up_is_supervised_training():
    model, batch = build(), make_batch()
    model.warming_up = True
    losses = losses_of(model, batch)
    alone = {key: value[:2] for key, value in batch.items()}
    expected = losses_of(model.student, alone)
    assert losses.keys() == expected.keys() and 'unsup_acc' not in losses
    assert torch.equal(total_of(model, losses), total_of(model, expected))


def test_a_batch_without_labels_is_an_error():
    batch = {key: value[2:] for key, value in make_batch().items()}
    with pytest.raises(ValueError, match='none of the 2 images of a batch has labels'):
        losses_of(build(), batch)


def test_the_order_in_a_batch_does_not_matter():
    batch = make_batch()
    turned = {key: [value[place] for place in (2, 0, 3, 1)] for key, value in batch.items()}
    first, second = (losses_of(eager(build()), one) for one in (batch, turned))
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], msg=name)


def test_the_weight_rises():
    totals = []
    for progress in (0., 0.15, 0.3, 1.):
        model = eager(build(unsupervised=dict(alpha=0.)))
        model.unsupervised_progress = progress
        losses = losses_of(model, make_batch())
        totals.append(losses['unsup_loss_cls'].item())
    assert totals[0] < totals[1] < totals[2] == totals[3]
    assert totals[0] / totals[3] == pytest.approx(0.0067, rel=1e-2)


def oracle(monkeypatch, sure=True, score=0.99, boxes=BOXES, scale=1.):
    """Let the teacher find the truth, whose masks fill their boxes; all else is ground to it."""
    def find(teacher, features, samples, **kwargs):
        found = []
        for number, _ in enumerate(samples):
            own = torch.tensor(boxes).float() * scale
            found.append(InstanceData(
                bboxes=own, labels=torch.tensor([number % 2, 1]), scores=torch.full((2, ), score),
                masks=torch.ones(2, 10, 10), sureness=torch.ones(2),
                spread=torch.full((2, ), 0. if sure else 1.)))
        return found

    monkeypatch.setattr(mask_teacher, 'find_instances', find)
    monkeypatch.setattr(targets, 'background_scores',
                        lambda roi_head, stage, features, rois: torch.ones(len(rois)))


@pytest.mark.parametrize('detector', DETECTORS)
@pytest.mark.parametrize('strong', [False, True])
def test_a_perfect_teacher_teaches_what_the_labels_teach(detector, strong, monkeypatch):
    """The losses are those of supervised training on the true boxes and masks of the view."""
    oracle(monkeypatch)
    model, batch = build(detector, unsupervised=dict(alpha=0.)), make_batch(strong=strong)
    data = model.data_preprocessor(copy.deepcopy(batch), training=True)
    parts = split_instances(data['inputs'], data['data_samples'])
    view = strong_view(parts, model.data_preprocessor)
    size = SIZE // 2 if strong else SIZE
    assert view.images.shape == (2, 3, size, size)
    features = model.teach(parts)
    found = mask_teacher.find_instances(model.teacher, features, parts.samples_u)
    lesson = model.prepare(parts, features, found, [torch.ones(2).bool()] * 2, view)
    torch.manual_seed(7)
    losses = model.unsupervised_losses(view, lesson)

    for number, sample in enumerate(view.samples):
        boxes = [[(SIZE - right) // 2, top // 2, (SIZE - left) // 2, bottom // 2]
                 for left, top, right, bottom in BOXES] if strong else BOXES
        truth = instances(boxes, [number % 2, 1], size, size)
        assert torch.equal(sample.gt_instances.bboxes, truth.bboxes)
        sample.gt_instances = truth
    torch.manual_seed(7)
    expected = model.student.loss(view.images, view.samples)
    assert {f'unsup_{name}' for name in expected} == set(losses)
    for name, value in expected.items():
        # MMDetection cuts masks out of pixels, here they are a formula
        loose = dict(rtol=0.02, atol=1e-3) if 'mask' in name else dict(rtol=1e-5, atol=1e-6)
        ours = losses[f'unsup_{name}']
        if 'mask' in name:
            value = value.reshape(())  # (1,) there
        torch.testing.assert_close(ours, value, **loose)


def test_unsure_boxes_are_classes_but_no_places(monkeypatch):
    losses = {}
    for sure in (True, False):
        oracle(monkeypatch, sure=sure)
        losses[sure] = losses_of(build(), make_batch())
    for name in ('unsup_loss_cls', 'unsup_loss_rpn_cls'):
        torch.testing.assert_close(losses[True][name], losses[False][name], msg=name)
    for name in ('unsup_loss_bbox', 'unsup_loss_rpn_bbox'):
        values = [float(sum(value) if isinstance(value, list) else value)
                  for value in (losses[True][name], losses[False][name])]
        assert values[0] > 0 and values[1] == 0, name


@pytest.mark.parametrize('sure', [True, False])
def test_beyond_an_unsure_box_a_mask_teaches_nothing(sure, monkeypatch):
    """Where its border is not known, the animal may go on behind it."""
    oracle(monkeypatch, sure=sure)
    given = []
    original = targets.mask_loss
    monkeypatch.setattr(targets, 'mask_loss', lambda logits, masks, teaches: given.append(
        (masks, teaches)) or original(logits, masks, teaches))
    places = []
    points = targets.inside_boxes
    monkeypatch.setattr(targets, 'inside_boxes', lambda *args: places.append(args) or points(*args))
    losses_of(build(unsupervised=dict(alpha=0.)), make_batch())
    (masks, teaches), = given
    (cells, boxes), = places
    beyond = 0
    for mask, used, own, box in zip(masks.flatten(1).tolist(), teaches.flatten(1).tolist(),
                                    cells.tolist(), boxes.tolist(), strict=True):
        for value, one, (x, y) in zip(mask, used, own, strict=True):
            inside = box[0] <= x <= box[2] and box[1] <= y <= box[3]
            beyond += not inside
            assert one == (inside or sure) and (inside or value < 0.5)
    assert beyond > 20


def test_what_may_be_an_animal_is_no_ground_for_anchors(monkeypatch):
    """Candidates below the threshold: their anchors do not count, neither as animal nor ground."""
    oracle(monkeypatch, score=0.3)
    model = build(unsupervised=dict(lowest=0.8, highest=0.8))
    seen = []
    original = targets._anchor_targets
    monkeypatch.setattr(targets, '_anchor_targets', lambda head, anchors, *args, **kwargs:
                        seen.append((anchors, original(head, anchors, *args, **kwargs)))
                        or seen[-1][1])
    losses = losses_of(model, make_batch(strong=False))
    assert model.statistics['pseudo_number'] == 0 and torch.isfinite(losses['unsup_loss_cls'])
    assert 0 < model.statistics['ignored_anchors'] < 1 and 'ignored_boxes' in model.statistics
    assert len(seen) == 2
    for anchors, found in seen:
        labels, weights = found[:2]
        assert (labels == 1).all() and (weights > 0).any()
        for left, top, right, bottom in anchors[weights > 0].tolist():
            for box in BOXES:
                common = max(0, min(right, box[2]) - max(left, box[0])) * max(
                    0, min(bottom, box[3]) - max(top, box[1]))
                assert common < 0.5 * (right - left) * (bottom - top)


@pytest.mark.parametrize('detector', DETECTORS)
def test_what_a_taken_animal_explains_stays_ground(detector, monkeypatch):
    """Of a part of it, a box around it and another, and the other, only that one is doubtful."""
    taken, part, around, other = [4, 4, 30, 40], [4, 4, 24, 18], [2, 2, 62, 50], [30, 4, 58, 40]
    boxes = torch.tensor([taken, part, around, other]).float()

    def find(teacher, features, samples, **kwargs):
        return [InstanceData(
            bboxes=boxes, labels=torch.zeros(4, dtype=torch.int64), masks=torch.ones(4, 10, 10),
            scores=torch.tensor([0.99, 0.3, 0.3, 0.3]), sureness=torch.ones(4),
            spread=torch.zeros(4)) for _ in samples]

    monkeypatch.setattr(mask_teacher, 'find_instances', find)
    regions = []
    original = targets.assign_without_doubt

    def assign(assigner, counts, predicted, *args):
        # each stage sees the boxes as well
        if len(predicted.priors) <= 40:
            predicted = InstanceData(priors=torch.cat([predicted.priors[:-3], boxes[1:]]))
        regions.append(original(assigner, counts, predicted, *args))
        return regions[-1]

    monkeypatch.setattr(targets, 'assign_without_doubt', assign)
    model = build(detector, unsupervised=dict(lowest=0.8, highest=0.8))
    losses = losses_of(model, make_batch(strong=False))
    assert torch.isfinite(total_of(model, losses))
    assert len(regions) == (4 if detector == 'mask_rcnn' else 8)
    for result in regions[2:]:
        assert result.gt_inds[-3:].tolist() == [0, 0, -1]
    assert 0 < model.statistics['ignored_boxes'] < 1


def test_a_missed_animal_counts_less_as_ground(monkeypatch):
    """Regions that the teacher takes for animals weigh little, and the others more."""
    model, weights = build(), []
    original = targets.weigh_background

    def weigh(given, negative, sure):
        weights.append((given, negative, sure, original(given, negative, sure)))
        return weights[-1][-1]

    monkeypatch.setattr(targets, 'weigh_background', weigh)
    losses_of(model, make_batch())
    (given, negative, sure, found), = weights
    assert negative.all() and sure.std() > 0
    torch.testing.assert_close(found / found.sum(), sure / sure.sum())
    assert found.sum().item() == pytest.approx(given.sum().item(), rel=1e-5)


def test_the_teacher_judges_regions_where_they_are_in_its_own_view(monkeypatch):
    model, places = build(), []
    original = targets.background_scores

    def scores(roi_head, stage, features, rois):
        places.append(rois)
        return original(roi_head, stage, features, rois)

    monkeypatch.setattr(targets, 'background_scores', scores)
    seen = []
    original_rois = targets.bbox2roi
    monkeypatch.setattr(targets, 'bbox2roi', lambda boxes: seen.append(original_rois(boxes)) or
                        seen[-1])
    losses_of(model, make_batch())
    rois, back = seen[0], places[0]
    # the strong view is mirrored and half as large
    expected = torch.stack([rois[:, 0], SIZE - 2 * rois[:, 3], 2 * rois[:, 2],
                            SIZE - 2 * rois[:, 1], 2 * rois[:, 4]], 1)
    expected[:, 1:].clamp_(0, SIZE)
    torch.testing.assert_close(back, expected)


def test_an_error_leaves_the_student_as_it_was(monkeypatch):
    model = build('cascade')
    monkeypatch.setattr(targets, 'background_scores', None)
    with pytest.raises(TypeError):
        losses_of(model, make_batch())
    parts = [model.student.rpn_head, *model.student.roi_head.bbox_head,
             *model.student.roi_head.mask_head]
    names = {'_get_targets_single', 'get_targets', 'loss_and_target'}
    assert not [name for part in parts for name in names & set(vars(part))]


def test_scores_of_the_pseudo_instances(monkeypatch):
    oracle(monkeypatch)
    model = build()
    losses_of(model, make_batch())
    numbers = model.statistics
    assert numbers['pseudo_number'] == 2 and numbers['labelled_number'] == 2
    assert numbers['number_ratio'] == 1 and numbers['sure_boxes'] == 1
    # the points lie every third pixel, the masks fade half a cell beyond their boxes
    assert numbers['pseudo_precision'] == numbers['pseudo_recall'] == 1
    assert numbers['pseudo_mask_iou'] > 0.85
    assert numbers['class_share'].tolist() == pytest.approx([0.25, 0.75])
    # boxes elsewhere are wrong
    oracle(monkeypatch, boxes=[[0, 50, 10, 60], [30, 6, 58, 34]])
    model = build()
    losses_of(model, make_batch())
    assert model.statistics['pseudo_precision'] == model.statistics['pseudo_recall'] == 0.5


def test_what_is_pasted_into_labelled_pictures_is_not_counted(monkeypatch):
    oracle(monkeypatch)
    batch = make_batch()
    for sample, labels in zip(batch['data_samples'], ([0], []), strict=False):
        sample.outlined = torch.tensor(labels, dtype=torch.int64)
    model = build()
    losses_of(model, batch)
    assert model.statistics['labelled_number'] == 0.5 and model.statistics['number_ratio'] == 4
    assert model.thresholds.labelled.tolist() == [1, 0]


def test_without_truth_there_are_no_scores():
    model = eager(build())
    losses_of(model, make_batch(truth=False))
    assert model.statistics['pseudo_precision'].isnan()
    assert model.statistics['pseudo_number'] > 0


def test_what_is_drawn(monkeypatch):
    oracle(monkeypatch)
    model = build(unsupervised=dict(alpha=0.))
    losses_of(model, make_batch())
    assert model.images == {}
    model.keep_images = True
    losses_of(model, make_batch())
    image, masks = model.images['image'], model.images['masks']
    assert image.shape == (3, 32, 32) and masks.shape == (2, 32, 32)
    left, top, right, bottom = BOXES[0]
    expected = torch.zeros(32, 32, dtype=torch.bool)
    expected[top // 2:bottom // 2, (SIZE - right) // 2:(SIZE - left) // 2] = True
    assert ((masks[0] ^ expected).sum() / expected.sum()) < 0.15


def test_the_teacher_is_averaged_and_stays_in_evaluation_mode():
    model = build().train()
    assert not any(part.training for part in model.teacher.modules())
    with torch.no_grad():
        model.student.rpn_head.rpn_cls.weight.add_(1)
    before = model.teacher.rpn_head.rpn_cls.weight.clone()
    model.update_teacher(0.75)
    torch.testing.assert_close(model.teacher.rpn_head.rpn_cls.weight, before + 0.25)


def test_a_checkpoint_of_the_detector_alone_is_loaded_into_both():
    plain = build().student.state_dict()
    model = build()
    with torch.no_grad():
        for value in model.parameters():
            value.zero_()
    missing, unexpected = model.load_state_dict(plain, strict=False)
    assert not unexpected and all(key.startswith(('thresholds', 'notes')) for key in missing)
    for name, value in plain.items():
        for network in (model.teacher, model.student):
            assert torch.equal(network.state_dict()[name], value), name


@pytest.mark.parametrize('network', ['teacher', 'student'])
def test_the_network_that_predicts(network):
    model = build(predict_on=network).eval()
    with torch.no_grad():
        for value in model.student.parameters():
            value.mul_(1.5)
    batch = make_batch()
    data = model.data_preprocessor(copy.deepcopy(batch))
    other = model.data_preprocessor(copy.deepcopy(batch))
    found = model(**data, mode='predict')
    expected = getattr(model, network)(**other, mode='predict')
    for one, two in zip(found, expected, strict=True):
        assert torch.equal(one.pred_instances.scores, two.pred_instances.scores)
    assert model.with_mask and torch.equal(
        model.extract_feat(data['inputs'])[0], getattr(model, network).extract_feat(
            data['inputs'])[0])


def other_detector(**changes):
    config = copy.deepcopy(MASK_RCNN)
    config.merge_from_dict(changes) if hasattr(config, 'merge_from_dict') else None
    for key, value in changes.items():
        *path, last = key.split('.')
        node = config
        for part in path:
            node = node[part]
        node[last] = value
    return config


@pytest.mark.parametrize('changes, message', [
    ({'roi_head.mask_head': None, 'roi_head.mask_roi_extractor': None}, 'MaskRCNN without masks'),
    ({'train_cfg': None}, 'the detector has no train_cfg'),
    ({'roi_head.type': 'MaskScoringRoIHead', 'roi_head.mask_iou_head': dict(
        type='MaskIoUHead', num_convs=1, num_fcs=1, roi_feat_size=10, in_channels=4,
        conv_out_channels=4, fc_out_channels=8, num_classes=2)}, 'MaskScoringRoIHead cannot learn'),
    ({'data_preprocessor.batch_augments': [dict(type='BatchFixedSizePad', size=(64, 64))]},
     'batch_augments of data_preprocessor would join'),
])
def test_other_detectors(changes, message):
    config = other_detector(**changes)
    with pytest.raises(ValueError, match=message):
        build(config)


def test_a_detector_of_one_stage():
    with pytest.raises(ValueError, match='cannot learn from a teacher: MaskTeacher wraps two-st'):
        MODELS.build(dict(type='MaskTeacher', detector=dict(
            type='RetinaNet', backbone=MASK_RCNN.backbone, neck=None, train_cfg=dict(
                assigner=dict(type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.4)),
            data_preprocessor=MASK_RCNN.data_preprocessor,
            bbox_head=dict(type='RetinaHead', num_classes=2, in_channels=4))))


@pytest.mark.parametrize('settings, message', [
    (dict(jitters=1), 'jitters=1 and alpha=0.2'), (dict(alpha=1.), r'alpha=1\.0'),
    (dict(weigth=2.), 'unsupervised has no setting weigth'),
    (dict(lowest=0.95), r'lowest=0\.95 and highest=0\.9 are no range')])
def test_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        build(unsupervised=settings)
    with pytest.raises(ValueError, match="predict_on='second' is unknown in MaskTeacher"):
        build(predict_on='second')


def test_the_matrix_of_the_helper_is_that_of_mmdetection():
    """So that what is tested here is what its transforms write."""
    import numpy as np
    from mmdet.registry import TRANSFORMS
    results = dict(img=np.zeros((SIZE, SIZE, 3), np.uint8), img_shape=(SIZE, SIZE))
    for step in (dict(type='RandomFlip', prob=1.), dict(type='Resize', scale=(32, 32))):
        results = TRANSFORMS.build(step)(results)
    np.testing.assert_allclose(results['homography_matrix'], mirrored(SIZE, 0.5))


def test_the_validation_loss_is_that_of_the_network_that_predicted_last():
    model = build()
    with torch.no_grad():
        for value in model.student.parameters():
            value.mul_(1.5)
    batch = {key: value[:1] for key, value in make_batch().items()}
    found = {}
    losses = val_loss.losses_of(model)
    for name in ('student', 'teacher'):
        model.predict_on = name
        alone = val_loss.losses_of(getattr(model, name))
        for holder, network in ((losses, model), (alone, getattr(model, name))):
            data = network.data_preprocessor(copy.deepcopy(batch))
            with torch.no_grad():
                samples = network.eval()(**data, mode='predict')
                found[name, holder is losses] = holder([one.to_dict() for one in samples])[0]
        alone.close()
        assert found[name, True] == found[name, False] and 'loss_mask' in found[name, True]
    losses.close()
    assert found['student', True] != found['teacher', True]
