"""Thresholds that bring as many instances a picture as the labels show."""
import pytest
import torch

from plugin.models.semi.score_thresholds import ScoreThresholds


def thresholds(number=2, **kwargs):
    return ScoreThresholds(number, **{**dict(lowest=0., highest=1., decay=0.), **kwargs})


def step(model, labels, scores, pictures, true_labels, true_pictures):
    model.update(torch.tensor(labels, dtype=torch.int64), torch.tensor(scores), pictures,
                 torch.tensor(true_labels, dtype=torch.int64), true_pictures)
    return model()


def test_as_a_loop_over_all_scores_chooses_them():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (200, ), generator=generator)
    scores = torch.rand(200, generator=generator)
    true = torch.tensor([0] * 7 + [1] * 2)
    model = thresholds(3)
    model.update(labels, scores, 20, true, 4)
    for label, found in enumerate(model().tolist()):
        wanted = (true == label).sum().item() / 4
        own = scores[labels == label].double()
        # the least multiple of 0.01 that no more than the wanted number reaches
        fits = [place for place in range(101)
                if ((own * 100).floor().clamp(max=99) >= place).sum().item() / 20 <= wanted]
        assert found == pytest.approx(fits[0] / 100)
    assert model.labelled_number().item() == pytest.approx(9 / 4)


def test_they_rise_with_the_scores():
    model = thresholds(1, decay=0.5)
    early = [step(model, [0] * 4, [0.2, 0.3, 0.4, 0.5], 2, [0, 0], 2).item() for _ in range(3)][-1]
    late = [step(model, [0] * 4, [0.6, 0.7, 0.8, 0.9], 2, [0, 0], 2).item() for _ in range(8)][-1]
    assert early == pytest.approx(0.31) and late == pytest.approx(0.71)


def test_each_class_has_its_own():
    found = step(thresholds(), [0, 0, 1, 1], [0.9, 0.8, 0.4, 0.3], 1, [0, 1], 1)
    assert found.tolist() == pytest.approx([0.81, 0.31])


def test_a_share_of_them():
    scores = [0.9, 0.8, 0.7, 0.6]
    assert step(thresholds(1, share=0.5), [0] * 4, scores, 1, [0, 0], 1).item() == \
        pytest.approx(0.81)
    assert step(thresholds(1, share=1.5), [0] * 4, scores, 1, [0, 0], 1).item() == \
        pytest.approx(0.61)


def test_bounds():
    model = thresholds(lowest=0.5, highest=0.9)
    # nothing labelled of a class: the greatest; more labelled than found: the least
    found = step(model, [0] * 3 + [1], [0.95, 0.96, 0.97, 0.1], 1, [1, 1], 1)
    assert found.tolist() == pytest.approx([0.9, 0.5])


def test_before_anything_was_found():
    model = thresholds(lowest=0.3)
    assert model().tolist() == pytest.approx([0.3, 0.3])
    assert step(model, [], [], 2, [], 2).tolist() == pytest.approx([0.3, 0.3])
    assert model.labelled_number() == 0


def test_their_state_is_in_the_checkpoint():
    model, other = thresholds(decay=0.9), thresholds(decay=0.9)
    step(model, [0, 1], [0.5, 0.25], 1, [0, 1], 2)
    other.load_state_dict(model.state_dict())
    for one in (model, other):
        step(one, [1], [0.75], 1, [0], 1)
    assert torch.equal(model(), other()) and torch.equal(model.scores, other.scores)


def test_nothing_is_asked_of_the_device():
    model = ScoreThresholds(3).to('meta')
    empty = torch.zeros(4, device='meta')
    model.update(empty.long(), empty, 2, empty.long(), 1)
    assert model().shape == (3, )


@pytest.mark.parametrize('settings, message', [
    (dict(lowest=0.9, highest=0.5), 'lowest=0.9 and highest=0.5 are no range'),
    (dict(share=0), 'share=0 and decay=0'), (dict(decay=1.), r'decay=1\.0')])
def test_ranges(settings, message):
    with pytest.raises(ValueError, match=message):
        thresholds(**settings)
