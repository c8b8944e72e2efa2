"""The contrastive loss against slow loops."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from plugin.models.semi.contrast import ContrastiveLoss, sample_anchors
from tests.helpers.small_contrast import D, make_batch, make_loss, pick_in_turn, run, slow
from tests.reference_u2pl_contrast import (
    slow_contrast,
    slow_negatives,
    slow_official_contrast,
    slow_official_negatives,
)

BATCHES = [dict(), dict(num_classes=2), dict(num_classes=3, num_labeled=1, num_unlabeled=0),
           dict(num_labeled=1, num_unlabeled=1, size=(3, 3)), dict(num_classes=21, size=(6, 6)),
           dict(num_labeled=0, num_unlabeled=1)]


@pytest.mark.parametrize('mode,oracle,negatives', [
    ('paper', slow_contrast, slow_negatives),
    ('official', slow_official_contrast, slow_official_negatives)])
@pytest.mark.parametrize('options', BATCHES)
def test_loss_and_bank_agree_with_the_oracle(options, mode, oracle, negatives):
    batch, num_classes = make_batch(**options), options.get('num_classes', 5)
    before = {name: value.detach().clone() for name, value in batch.items()}
    loss = make_loss(num_classes, negatives=mode)
    pick_in_turn(loss.bank)
    result = run(loss, batch)
    expected, classes = slow(loss, batch, oracle)
    assert result['loss'].item() == pytest.approx(expected, rel=1e-5)
    assert result['classes'].item() == classes
    keys = negatives(*(before[name].numpy() for name in (
        'teacher_logits', 'labels', 'unreliable', 'is_labeled')), loss.ranks)
    assert loss.bank.filled.tolist() == [len(pixels) for pixels in keys.values()]
    for c, pixels in keys.items():
        start = int(loss.bank.start[c])
        found = sorted(loss.bank.keys[start:start + len(pixels)].tolist())
        rows = [before['teacher_features'][n, :, y, x] for n, y, x in pixels]
        expected = sorted(F.normalize(torch.stack(rows), dim=1).tolist()) if rows else []
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert all(torch.equal(batch[name], value) for name, value in before.items())


def test_official_pairs_class_i_with_the_ith_class_present():
    """Class 1 is absent: class 1 has no anchors, and class 2 goes with the bank of class 3."""
    batch = make_batch(num_classes=5, size=(8, 8))
    batch['labels'][batch['labels'] == 1] = 255
    loss = make_loss(negatives='official')
    pick_in_turn(loss.bank)
    # only that bank has keys
    loss.bank.enqueue = lambda features, mask: None
    loss.bank.keys[loss.bank.start[3]:][:20] = F.normalize(torch.randn(20, D), dim=1)
    loss.bank.filled[3] = 20
    result = run(loss, batch)
    expected, classes = slow(loss, batch, slow_official_contrast)
    assert classes == 1 and result['classes'].item() == 1
    assert result['loss'].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize('mode', ['paper', 'official'])
def test_labels_of_one_class(mode):
    batch = make_batch(num_classes=3)
    batch['labels'][batch['labels'] != 255] = 2
    loss = make_loss(3, negatives=mode)
    pick_in_turn(loss.bank)
    result = run(loss, batch)
    expected, classes = slow(loss, batch,
                             slow_contrast if mode == 'paper' else slow_official_contrast)
    assert result['loss'].item() == pytest.approx(expected, rel=1e-5)
    assert classes == (1 if mode == 'paper' else 0) == result['classes'].item()


def empty_bank(batch):
    batch['teacher_features'].zero_()


def no_anchors(batch):
    batch['labels'].fill_(255)


@pytest.mark.parametrize('mode', ['paper', 'official'])
@pytest.mark.parametrize('spoil', [empty_bank, no_anchors])
def test_where_no_class_takes_part_the_loss_is_zero(mode, spoil):
    batch = make_batch()
    spoil(batch)
    result = run(make_loss(negatives=mode), batch)
    assert result['loss'].item() == 0 and result['classes'].item() == 0
    result['loss'].backward()
    assert not batch['student_features'].grad.any()


@pytest.mark.parametrize('num_classes', [2, 3])
def test_few_classes_learn(num_classes):
    batch = make_batch(num_classes=num_classes)
    result = run(make_loss(num_classes), batch)
    result['loss'].backward()
    assert result['classes'].item() == num_classes and result['loss'].item() > 0
    assert batch['student_features'].grad.isfinite().all()
    assert batch['student_features'].grad.abs().max() > 1e-4


def test_a_step_against_the_gradient_lowers_the_loss():
    batch, loss = make_batch(), make_loss()
    pick_in_turn(loss.bank)
    first = run(loss, batch)['loss']
    first.backward()
    loss.bank.enqueue = lambda features, mask: None
    with torch.no_grad():
        batch['student_features'] -= batch['student_features'].grad
    assert run(loss, batch)['loss'] < first


def test_ablations_choose_the_unlabelled_negatives():
    batch = make_batch(num_labeled=0, num_unlabeled=3)
    middle = ~(batch['reliable'] | batch['unreliable'])
    filled = {}
    for pixels in ('unreliable', 'reliable', 'all'):
        loss = make_loss(ranks=(1, 5), negative_pixels=pixels)
        run(loss, batch)
        filled[pixels] = loss.bank.filled
    # each pixel is a negative of all classes but the likeliest
    for pixels in ('unreliable', 'reliable'):
        assert filled[pixels].sum() == 4 * batch[pixels].sum()
    assert filled['all'].sum() == 4 * (~middle).sum()


def test_without_threshold_every_labelled_pixel_may_be_an_anchor():
    batch = make_batch(num_classes=2, size=(1, 1), num_unlabeled=1)
    batch['labels'][:] = torch.tensor([0, 1, 255])[:, None, None]
    batch['unreliable'][:] = True
    batch['teacher_logits'] = torch.tensor([0., 9]).view(1, 2, 1, 1).repeat(3, 1, 1, 1)
    for threshold, classes in ((0.3, 1), (0., 2)):
        # the pixel of class 0 is taken for 1; both classes have keys
        assert run(make_loss(2, threshold=threshold), batch)['classes'].item() == classes


def test_a_checkpoint_goes_on_with_the_same_losses():
    batches = [make_batch(seed) for seed in range(3)]
    loss, other = make_loss(), make_loss()
    run(loss, batches[0])
    other.load_state_dict({name: value.clone() for name, value in loss.state_dict().items()})
    for batch in batches[1:]:
        assert torch.equal(run(loss, batch)['loss'], run(other, batch)['loss'])


def test_mixed_precision_changes_little():
    batch = make_batch()
    loss = make_loss()
    exact = run(loss, batch)['loss']
    half = {name: value.bfloat16() if 'features' in name else value
            for name, value in batch.items()}
    with torch.autocast('cpu', dtype=torch.bfloat16):
        rough = run(make_loss(), half)['loss']
    assert rough.dtype == torch.float32
    rough.backward()
    assert batch['student_features'].grad.isfinite().all()
    torch.testing.assert_close(rough, exact, rtol=2e-2, atol=0)


@pytest.mark.parametrize('mode', ['paper', 'official'])
def test_no_value_is_brought_to_the_host(mode):
    """Tensors without values raise where a value or a shape that depends on one is asked for."""
    from torch._subclasses.fake_tensor import DynamicOutputShapeException, FakeTensorMode
    with FakeTensorMode():
        batch = make_batch()
        with pytest.raises(DynamicOutputShapeException):
            batch['reliable'].nonzero()
        run(make_loss(negatives=mode), batch)['loss'].backward()
        assert batch['student_features'].grad.shape == batch['student_features'].shape


@pytest.mark.parametrize('options,message', [
    (dict(negatives='both'), "negatives='both' is unknown; use one of 'paper', 'official'"),
    (dict(negative_pixels='no'), "negative_pixels='no' is unknown.*'all'"),
    (dict(samples='code'), "samples='code' is unknown; use one of 'paper', 'published'"),
    (dict(num_anchors=0), 'num_anchors=0 contrasts nothing; use 1 or more'),
    (dict(num_negatives=0), 'num_negatives=0'),
    (dict(temperature=0.), r'temperature=0\.0 must be above 0'),
    (dict(threshold=1.), r'threshold=1\.0 is a probability; use 0 or more, below 1'),
    (dict(ranks=(3, 20)), r'ranks=\(3, 20\) hold no rank of 2 classes.*use ranks=\(1, 2\)')])
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ContrastiveLoss(2, D, **options)


def test_numbers_of_the_paper_and_of_the_published_configs():
    found = {samples: (loss.num_anchors, loss.num_negatives) for samples in ('paper', 'published')
             for loss in [ContrastiveLoss(2, D, samples=samples, bank=dict(
                 capacity=1, background_capacity=1))]}
    assert found == dict(paper=(50, 256), published=(256, 50))


# --- sampling of anchors ------------------------------------------------------------------------

def test_each_pixel_of_a_class_is_sampled():
    classes = torch.tensor([1, 2, 0, 1, 1, 2])  # 2: none
    uniform = torch.tensor([[0., 0.999], [0., 0.34], [0.67, 0.999]])[[0, 1, 2]]
    pixels, mine = sample_anchors(classes, torch.tensor([[1, 3]]), uniform[:2])
    assert mine.all() and pixels.tolist() == [[2, 2], [0, 3]]
    pixels, mine = sample_anchors(classes, torch.tensor([[1, 3]]), uniform[1:])
    assert pixels.tolist() == [[2, 2], [4, 4]]


def test_a_number_that_rounds_up_to_the_end_stays_inside():
    almost_one = torch.full((1, 1), 1 - 2**-24)
    classes = torch.zeros(3, dtype=torch.int64)
    pixels, mine = sample_anchors(classes, torch.tensor([[3]]), almost_one)
    assert mine.all() and pixels.tolist() == [[2]]


def test_a_class_without_pixels_is_nobody_s():
    classes = torch.ones(3, dtype=torch.int64)
    _, mine = sample_anchors(classes, torch.tensor([[0]]), torch.rand(1, 9))
    assert not mine.any()
