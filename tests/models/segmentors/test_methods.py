"""Tests of the methods that learn from unlabelled images."""
import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from torch import nn

from plugin.models.semi import mixing
from tests.helpers.small_semi import (
    CLASSES,
    METHODS,
    PREPROCESSOR,
    SEGMENTOR,
    SIZE,
    SMALL,
    build,
    losses_of,
    make_batch,
    step,
)


@pytest.mark.parametrize('method', METHODS)
def test_a_step_has_finite_losses_and_gives_every_weight_a_gradient(method):
    model = build(method)
    losses = step(model, make_batch())

    assert all(torch.isfinite(value).all() for value in losses.values())
    assert any('loss_ce' in name for name in losses)
    assert any(name.startswith(('loss_unsup', 'loss_strong')) for name in losses)
    for name, parameter in model.named_parameters():
        if name.startswith('teacher'):
            assert parameter.grad is None and not parameter.requires_grad
        else:
            assert parameter.grad is not None, name


@pytest.mark.parametrize('method', METHODS)
def test_the_warm_up_is_supervised_training(method):
    model = build(method)
    alone = MODELS.build(copy.deepcopy(SEGMENTOR))
    alone.load_state_dict(model.student.state_dict())
    alone.train()
    model.warming_up = True
    batch = make_batch()
    torch.manual_seed(1)
    losses = step(model, batch)
    torch.manual_seed(1)
    labelled = {key: value[:2] for key, value in batch.items()}
    expected = losses_of(alone, labelled)

    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)
    assert all(parameter.grad is not None for name, parameter in model.named_parameters()
               if not name.startswith('teacher'))
    assert model.statistics == {}


@pytest.mark.parametrize('method', METHODS)
def test_it_predicts_with_the_network_it_names(method):
    model = build(method).eval()
    with torch.no_grad():
        for parameter in model.student.parameters():
            parameter.add_(0.01)
    network = model.teacher if model.has_teacher else model.student
    data = model.data_preprocessor(make_batch(unlabelled=0))

    found = model(**copy.deepcopy(data), mode='predict')
    expected = network(**copy.deepcopy(data), mode='predict')

    assert model.predictor is network
    assert torch.equal(found[0].seg_logits.data, expected[0].seg_logits.data)
    assert torch.equal(model(**data), network(**data))


def test_predict_on_chooses_the_student_or_says_what_there_is():
    model = build('MeanTeacher', predict_on='student')
    assert model.predictor is model.student
    with pytest.raises(ValueError, match=r"'teacher' is unknown in CPS: use 'student' or 'second'"):
        build('CPS', predict_on='teacher')


@pytest.mark.parametrize('method', ['MeanTeacher', 'CutMixSeg', 'U2PL'])
def test_the_teacher_is_a_copy_that_follows_as_an_average_with_its_statistics(method):
    model = build(method)
    pairs = dict(model.averages())
    for teacher, student in pairs.items():
        for ours, theirs in zip(teacher.state_dict().values(), student.state_dict().values()):
            assert torch.equal(ours, theirs) and ours.data_ptr() != theirs.data_ptr()
    before = copy.deepcopy(model.teacher.state_dict())
    step(model, make_batch())  # moves the batch norm statistics of the student
    model.update_teacher(0.75)

    student = model.student.state_dict()
    name = 'decode_head.convs.0.bn.running_mean'
    assert not torch.equal(student[name], before[name])
    torch.testing.assert_close(model.teacher.state_dict()[name],
                               0.75 * before[name] + 0.25 * student[name])
    model.reset_teacher()
    assert torch.equal(model.teacher.state_dict()[name], student[name])


@pytest.mark.parametrize('method', METHODS)
def test_a_teacher_stays_in_evaluation_mode_and_its_statistics_do_not_move_by_themselves(method):
    model = build(method)
    assert model.student.training
    if not model.has_teacher:
        return
    before = copy.deepcopy(model.teacher.state_dict())
    step(model, make_batch())

    assert not any(module.training for module in model.teacher.modules())
    for name, value in model.teacher.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_checkpoint_of_the_segmentor_alone_is_loaded_into_both_networks():
    alone = MODELS.build(copy.deepcopy(SEGMENTOR))
    model = build('U2PL')
    outcome = model.load_state_dict(alone.state_dict(), strict=False)

    assert not outcome.unexpected_keys
    assert all(key.startswith(('representation', 'teacher_representation', 'contrast'))
               for key in outcome.missing_keys)
    for network in (model.student, model.teacher):
        for name, value in alone.state_dict().items():
            assert torch.equal(network.state_dict()[name], value)


def test_its_own_checkpoint_comes_back_with_the_banks():
    model = build('U2PL')
    step(model, make_batch())
    other = build('U2PL')
    other.load_state_dict(model.state_dict())

    assert int(model.contrast.bank.filled.sum()) > 0
    for (name, ours), theirs in zip(model.state_dict().items(), other.state_dict().values()):
        assert torch.equal(ours, theirs), name


@pytest.mark.parametrize('method', METHODS)
def test_images_that_need_padding_and_are_no_multiple_of_the_stride(method):
    model = build(method, segmentor=ConfigDict(SEGMENTOR, data_preprocessor=dict(
        PREPROCESSOR, size=(37, 45))))
    batch = make_batch(labelled=1, unlabelled=3, height=29, width=41)
    losses = step(model, batch)

    assert all(torch.isfinite(value).all() for value in losses.values())


def test_the_padding_has_no_pseudo_label():
    model = build('MeanTeacher')
    model.keep_images = True
    losses_of(model, make_batch(height=20, width=25))

    inside = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    inside[:20, :25] = True
    assert torch.equal(model.images['valid'], inside)
    assert torch.equal(model.images['labels'] == 255, ~inside)
    assert model.images['image'].shape == (3, SIZE, SIZE)


def test_statistics_tell_the_share_of_each_class_and_of_what_is_right():
    model = build('MeanTeacher')
    head = model.teacher.decode_head.conv_seg
    with torch.no_grad():  # every pixel is of class 2
        head.weight.zero_()
        head.bias.copy_(torch.tensor([0., 0., 5., 0.]))
    batch = make_batch(unlabelled=3)
    losses_of(model, batch)
    truth = torch.stack([sample.gt_sem_seg.data for sample in batch['data_samples'][2:]])

    assert model.statistics['class_share'].tolist() == [0, 0, 1, 0]
    assert float(model.statistics['reliable_share']) == 1
    assert float(model.statistics['pseudo_accuracy']) == pytest.approx(
        float((truth == 2).float().mean()))
    losses_of(model, make_batch(truth=False))
    assert 'pseudo_accuracy' not in model.statistics


@pytest.mark.parametrize('method, settings', [
    ('MeanTeacher', {}), ('CutMixSeg', dict(threshold=0.255)), ('U2PL', dict(mix='cutmix')),
    ('U2PL', dict(mix='classmix', mix_prob=1.)), ('U2PL', dict(mix='cutout', mix_prob=1.)),
    ('U2PL', dict(mix=None)), ('CPS', {}), ('CPS', dict(mix='cutmix')),
    ('UniMatch', dict(threshold=0.255, mix_prob=1.)),
    ('UniMatchV2', dict(threshold=0.255, mix_prob=1.))])
def test_statistics_of_what_is_kept_follow_the_mixed_pixels(method, settings):
    model = build(method, unsupervised=settings)
    batch = make_batch(unlabelled=3)
    for image, sample in zip(batch['inputs'], batch['data_samples']):
        if 'strong_views' in sample:
            sample.strong_views.data = torch.cat([image] * 2)
    told = []
    note = model._note
    model._note = lambda *args: (told.append(args), note(*args))
    losses_of(model, batch)
    (_, _, mixed, labels), = told

    # the first channel of a pixel says which class it has, also where it was moved to
    red = mixed.images[:, 0] * PREPROCESSOR['std'][0] + PREPROCESSOR['mean'][0]
    truth = (red.round().long() * CLASSES // 256).where(mixed.pseudo.valid, 255)
    assert torch.equal(mixed.truth, truth)
    kept = [(label, true) for label, true in zip(
        labels.flatten().tolist(), truth.flatten().tolist()) if label != 255]
    assert len(kept) > 0
    shares = [sum(label == name for label, _ in kept) / len(kept) for name in range(CLASSES)]
    assert model.statistics['reliable_class_share'].tolist() == pytest.approx(shares)
    assert float(model.statistics['reliable_accuracy']) == pytest.approx(
        sum(label == true for label, true in kept) / len(kept))
    losses_of(model, make_batch(truth=False))
    assert 'reliable_accuracy' not in model.statistics
    assert 'reliable_class_share' in model.statistics


def test_the_order_of_the_images_in_a_batch_does_not_matter():
    batch = make_batch()
    turned = {key: [value[i] for i in (2, 0, 3, 1)] for key, value in batch.items()}
    model = build('MeanTeacher')
    torch.manual_seed(2)
    expected = losses_of(model, batch)
    model = build('MeanTeacher')
    torch.manual_seed(2)
    found = losses_of(model, turned)

    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)


def test_a_batch_without_labels_says_how_to_sample_it():
    model = build('MeanTeacher')
    with pytest.raises(ValueError, match=r'none of the 2 images .*PairedSampler'):
        losses_of(model, make_batch(labelled=0))


def test_unimatch_names_the_views_it_needs():
    with pytest.raises(ValueError, match=r'UniMatch needs two strong views .* makes none'):
        losses_of(build('UniMatch'), make_batch(views=0))
    with pytest.raises(ValueError, match=r'2 strong views .* makes 1: .*views=2'):
        losses_of(build('UniMatch'), make_batch(views=1))


def test_an_unknown_setting_is_an_error_with_those_there_are():
    with pytest.raises(ValueError, match=r'unsupervised has no setting wieght: it has weight'):
        build('MeanTeacher', unsupervised=dict(wieght=2))
    with pytest.raises(ValueError, match=r"mix='cutmx' is unknown"):
        build('U2PL', unsupervised=dict(mix='cutmx'))
    with pytest.raises(ValueError, match=r'alpha=1.2 of unsupervised is a share'):
        build('U2PL', unsupervised=dict(alpha=1.2))


def test_a_head_without_a_known_classifier_names_its_layers():
    with pytest.raises(ValueError, match='has no convolution classify .*such as conv_seg, '):
        build('MeanTeacher', classifier='classify')


def test_mean_teacher_with_equal_networks_and_no_dropout_has_no_loss():
    segmentor = copy.deepcopy(SEGMENTOR)
    segmentor['decode_head'].update(dropout_ratio=0, norm_cfg=None)
    model = build('MeanTeacher', segmentor)
    model.student.eval()
    losses = losses_of(model, make_batch(views=0))

    assert float(losses['loss_unsup']) == pytest.approx(0, abs=1e-10)


def test_the_weight_of_mean_teacher_rises():
    model = build('MeanTeacher', unsupervised=dict(weight=3., ramp_up=0.5))
    values = []
    for progress in (0., 0.25, 0.5, 1.):
        model.unsupervised_progress = progress
        torch.manual_seed(3)
        model.load_state_dict(build('MeanTeacher').state_dict())
        values.append(float(losses_of(model, make_batch())['loss_unsup']))

    ratios = [value / values[-1] for value in values]
    assert ratios == pytest.approx([0.006737947, 0.286504797, 1, 1], rel=1e-3)


@pytest.mark.parametrize('mix', [None, 'cutmix', 'classmix', 'cutout'])
def test_networks_of_cps_learn_from_each_other(mix):
    model = build('CPS', unsupervised=dict(mix=mix))
    assert not torch.equal(model.student.decode_head.conv_seg.weight,
                           model.second.decode_head.conv_seg.weight)
    with torch.no_grad():  # the second network knows class 1 alone, for which the first is punished
        model.second.decode_head.conv_seg.weight.zero_()
        model.second.decode_head.conv_seg.bias.copy_(torch.tensor([0., 9., 0., 0.]))
    losses = losses_of(model, make_batch())
    losses['loss_unsup'].backward()

    grad = model.student.decode_head.conv_seg.bias.grad
    assert grad[1] < 0 and all(grad[[0, 2, 3]] > 0)
    assert all(parameter.grad is None for parameter in model.second.parameters())


def test_cps_with_cutmix_learns_from_mixed_unlabelled_images_alone():
    model = build('CPS', unsupervised=dict(mix='cutmix', weight=1.))
    batch = make_batch(unlabelled=3)
    seen, mixes = {}, []
    run, mix_both = model._run, model.mix_both
    model._run = lambda network, images, **kwargs: seen.setdefault(
        (network is model.second, len(images)), run(network, images, **kwargs))
    model.mix_both = lambda part: mixes.append(mix_both(part)) or mixes[-1]
    losses = losses_of(model, batch)
    for other, name in ((False, 'loss_unsup'), (True, 'second.loss_unsup')):
        # two labelled and three mixed images went through the network; the first two do not count
        logits = model.upsample(seen[other, 5].logits[2:], torch.empty(3, 3, SIZE, SIZE))
        labels = mixes[0][0 if other else 1].pseudo.labels
        expected = torch.nn.functional.cross_entropy(logits, labels, ignore_index=255)
        torch.testing.assert_close(losses[name], expected)


def test_cps_with_cutmix_cuts_three_boxes(monkeypatch):
    kinds = []
    sample = mixing.sample_boxes
    monkeypatch.setattr(mixing, 'sample_boxes',
                        lambda kind, *args, **kwargs: kinds.append(kind) or sample(
                            kind, *args, **kwargs))
    losses_of(build('CPS', unsupervised=dict(mix='cutmix')), make_batch())
    losses_of(build('U2PL', unsupervised=dict(mix='cutmix')), make_batch())
    assert kinds == ['cps', 'u2pl']


def test_mean_teacher_takes_the_mean_over_pixels_and_classes_a_hundred_times():
    segmentor = copy.deepcopy(SEGMENTOR)
    segmentor['decode_head']['dropout_ratio'] = 0
    model = build('MeanTeacher', segmentor)
    model.unsupervised_progress = 1.
    model.student.eval()
    with torch.no_grad():
        model.student.decode_head.conv_seg.bias.add_(torch.tensor([0., 1., 0., -1.]))
    losses = losses_of(model, make_batch(views=0))
    images = model.data_preprocessor(make_batch(views=0), training=True)['inputs'][2:]
    with torch.no_grad():
        ours, theirs = (network.encode_decode(images, [dict(img_shape=(SIZE, SIZE))]).softmax(1)
                        for network in (model.student, model.teacher))
    expected = 100 * torch.nn.functional.mse_loss(ours, theirs)
    assert losses['loss_unsup'].item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize('method', ['UniMatch', 'UniMatchV2'])
def test_unimatch_halves_the_sum_of_its_losses_where_the_config_asks_for_it(method):
    whole, halved = (
        step(build(method, unsupervised=settings), make_batch())
        for settings in ({}, dict(weight=0.5, supervised_weight=0.5)))
    names = [name for name in whole if 'loss' in name]
    assert len(names) >= 3
    for name, value in whole.items():
        # the accuracy is no loss
        torch.testing.assert_close(halved[name], value / 2 if name in names else value)


@pytest.mark.parametrize('method', ['UniMatch', 'UniMatchV2'])
def test_unimatch_with_a_threshold_of_each_class(method):
    settings = dict(threshold=0.4, mix_prob=0.)
    model = build(method, unsupervised=dict(settings, class_thresholds=True))
    with torch.no_grad():  # or all pixels would be equally sure
        for network in (model.student, model.predictor):
            network.decode_head.conv_seg.weight.mul_(30)
    told = []
    note = model._note
    model._note = lambda *args: (told.append(args), note(*args))
    for seed in range(2):
        losses = losses_of(model, make_batch(unlabelled=3, seed=seed))
        _, pseudo, _, kept = told.pop()
        assert model.class_thresholds.seen[1].sum() > 0
        thresholds = model.class_thresholds(0.4)
        assert torch.equal(model.statistics['class_threshold'], thresholds)
        expected = pseudo.labels.clone()
        for index in range(len(expected)):
            for row, column in torch.cartesian_prod(*[torch.arange(SIZE)] * 2).tolist():
                label = expected[index, row, column]
                if pseudo.confidence[index, row, column] < thresholds[label]:
                    expected[index, row, column] = 255
        assert torch.equal(kept, expected) and (kept != 255).any() and (kept == 255).any()
        assert all(torch.isfinite(value).all() for value in losses.values())
    # it goes on from a checkpoint, and the published setting has no such state
    other = build(method, unsupervised=dict(settings, class_thresholds=True))
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.class_thresholds(0.4), thresholds)
    published = build(method, unsupervised=settings)
    assert not any('threshold' in name for name in published.state_dict())
    losses_of(published, make_batch())
    assert 'class_threshold' not in published.statistics


def test_u2pl_keeps_the_share_of_reliable_pixels_that_time_asks_for():
    model = build('U2PL', unsupervised=dict(alpha=0.4, mix=None))
    for progress, share in ((0., 0.6), (0.5, 0.8), (1., 1.)):
        model.progress = progress
        losses_of(model, make_batch())
        assert float(model.statistics['reliable_share']) == pytest.approx(share, abs=0.01)
        assert float(model.statistics['lambda_u']) == pytest.approx(1 / share, rel=0.02)


@pytest.mark.parametrize('negatives', ['paper', 'official'])
@pytest.mark.parametrize('classes', [2, 3])
def test_u2pl_contrasts_with_few_classes(classes, negatives):
    segmentor = copy.deepcopy(SEGMENTOR)
    for head in ('decode_head', 'auxiliary_head'):
        segmentor[head]['num_classes'] = classes
    model = build('U2PL', segmentor, contrastive=dict(SMALL, threshold=0., negatives=negatives))
    batch = make_batch()
    for sample in batch['data_samples']:
        sample.gt_sem_seg.data = sample.gt_sem_seg.data % classes
    for _ in range(3):
        losses = step(model, batch)

    assert all(torch.isfinite(value).all() for value in losses.values())
    if negatives == 'paper':
        assert losses['loss_contrast'] > 0
        assert float(model.contrast.bank.filled.min()) > 0
        assert model.representation[-1].weight.grad.abs().sum() > 0


def test_u2pl_without_contrast_has_no_banks():
    model = build('U2PL', contrastive=dict(weight=0.))
    losses = step(model, make_batch())
    assert 'loss_contrast' not in losses
    assert not any('contrast' in name or 'representation' in name for name in model.state_dict())


def test_the_representation_takes_the_norm_of_the_decode_head():
    model = build('U2PL', representation=dict(channels=8, out_channels=8))
    assert isinstance(model.representation[0].bn, nn.BatchNorm2d)
    model = build('U2PL', representation=dict(
        channels=8, out_channels=8, norm_cfg=dict(type='GN', num_groups=2)))
    assert isinstance(model.representation[0].gn, nn.GroupNorm)


@pytest.mark.parametrize('method', METHODS)
def test_half_precision(method):
    model = build(method)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = losses_of(model, make_batch())
        total, _ = model.parse_losses(losses)
    total.backward()

    assert total.dtype == torch.float32 and torch.isfinite(total)
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.student.parameters())


@pytest.mark.parametrize('method', ['MeanTeacher', 'CutMixSeg', 'U2PL'])
def test_the_student_sees_the_strong_view_and_the_teacher_does_not(method):
    seen = {}
    for views in (0, 1):
        model = build(method)
        batch = make_batch(unlabelled=1, views=views)  # one image alone is not mixed
        model.keep_images = True
        losses_of(model, batch)
        seen[views] = model.images
        expected = batch['data_samples'][2].strong_views.data if views else batch['inputs'][2]
        mean, std = (torch.tensor(PREPROCESSOR[key])[:, None, None] for key in ('mean', 'std'))
        torch.testing.assert_close(model.images['image'], (expected.float() - mean) / std)
    assert torch.equal(seen[0]['entropy'], seen[1]['entropy'])


def test_a_checkpoint_of_the_segmentor_alone_leaves_the_networks_of_cps_different():
    alone = MODELS.build(copy.deepcopy(SEGMENTOR))
    model = build('CPS')
    before = copy.deepcopy(model.second.state_dict())
    model.load_state_dict(alone.state_dict(), strict=False)

    for name, value in alone.state_dict().items():
        assert torch.equal(model.student.state_dict()[name], value)
        assert torch.equal(model.second.state_dict()[name], before[name])


def test_the_second_network_of_cps_may_start_from_a_checkpoint_of_its_own(tmp_path):
    other = MODELS.build(copy.deepcopy(SEGMENTOR))
    torch.save(dict(state_dict=other.state_dict()), tmp_path / 'other.pth')
    alone = MODELS.build(copy.deepcopy(SEGMENTOR))
    model = build('CPS', second=dict(init_cfg=dict(
        type='Pretrained', checkpoint=str(tmp_path / 'other.pth'))))
    model.init_weights()
    model.load_state_dict(alone.state_dict(), strict=False)
    for network, expected in ((model.student, alone), (model.second, other)):
        for name, value in expected.state_dict().items():
            assert torch.equal(network.state_dict()[name], value), name


@pytest.mark.parametrize('plain, second, untrained', [
    (True, None, True), (False, None, False), (True, dict(init_cfg=None), False),
    (True, dict(test_cfg=dict(mode='whole')), True)])
def test_cps_knows_whether_only_its_first_network_was_loaded(plain, second, untrained):
    model = build('CPS', second=second)
    assert not model.second_untrained
    whole = build('CPS')
    model.load_state_dict((whole.student if plain else whole).state_dict(), strict=False)
    assert model.second_untrained == untrained
