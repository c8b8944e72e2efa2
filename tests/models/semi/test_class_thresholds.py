"""A threshold for each class, against a loop over pixels and the words of its docstring."""
import pytest
import torch

from plugin.models.semi import ClassThresholds
from tests.helpers.forked import in_processes

CLASSES = 4


def steps(number=5, seed=0):
    """Labels and confidences of some steps, of images of other sizes; class 3 never comes."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for place in range(number):
        shape = (2, 3 + place, 4)
        labels = torch.randint(0, 3, shape, generator=generator)
        labels[torch.rand(shape, generator=generator) < 0.2] = 255
        found.append((labels, torch.rand(shape, generator=generator)))
    return found


def slow_thresholds(found, highest, decay):
    """The mean confidence of each class, old steps weighing less, by the largest of them."""
    means = []
    for name in range(CLASSES):
        total = weight = 0.
        for age, (labels, confidence) in enumerate(reversed(found)):
            for label, sure in zip(labels.flatten().tolist(), confidence.flatten().tolist()):
                if label == name:
                    total += decay**age * sure
                    weight += decay**age
        means.append(total / weight if weight else None)
    largest = max((mean for mean in means if mean is not None), default=1.)
    return [highest if mean is None else highest * mean / largest for mean in means]


@pytest.mark.parametrize('decay', [0., 0.5, 0.99])
def test_as_a_loop_over_all_pixels_says(decay):
    model, found = ClassThresholds(CLASSES, decay), steps()
    for number, step in enumerate(found, start=1):
        model.update(*step)
        assert model(0.95).tolist() == pytest.approx(
            slow_thresholds(found[:number], 0.95, decay), rel=1e-6)


def test_the_surest_class_keeps_the_threshold():
    model = ClassThresholds(2)
    assert model(0.95).tolist() == pytest.approx([0.95, 0.95])  # nothing was seen
    model.update(torch.tensor([[[0, 0, 0, 1]]]), torch.tensor([[[0.9, 0.8, 1., 0.6]]]))
    assert model(0.95).tolist() == pytest.approx([0.95, 0.95 * 2 / 3])
    # how many pixels a class has does not matter, only how sure they are
    model.update(torch.tensor([[[0] * 90]]), torch.full((1, 1, 90), 0.9))
    assert model(0.95).tolist() == pytest.approx([0.95, 0.95 * 2 / 3], rel=1e-3)
    assert model(0.).tolist() == [0., 0.]


def test_their_state_is_in_the_checkpoint():
    first, *rest = steps()
    model, other = ClassThresholds(CLASSES), ClassThresholds(CLASSES)
    model.update(*first)
    other.load_state_dict(model.state_dict())
    for step in rest:
        model.update(*step)
        other.update(*step)
    assert torch.equal(model(0.9), other(0.9)) and torch.equal(model.seen, other.seen)


def _rank_updates(rank, rendezvous, result):
    torch.distributed.init_process_group('gloo', init_method=f'file://{rendezvous}', rank=rank,
                                         world_size=2)
    model = ClassThresholds(CLASSES)
    for step in steps(seed=rank):
        model.update(*step)
    torch.save(model(0.95), f'{result}.{rank}')
    torch.distributed.destroy_process_group()


def test_two_processes_have_the_thresholds_of_the_joined_batch(tmp_path):
    in_processes(_rank_updates, (str(tmp_path / 'meet'), str(tmp_path / 'result')))
    found = [torch.load(tmp_path / f'result.{rank}') for rank in (0, 1)]
    model = ClassThresholds(CLASSES)
    for parts in zip(steps(seed=0), steps(seed=1)):
        model.update(*(torch.cat(pair) for pair in zip(*parts)))
    for one in found:
        torch.testing.assert_close(one, model(0.95))


def test_nothing_is_asked_of_the_device():
    model = ClassThresholds(3).to('meta')
    labels = torch.zeros(2, 5, 4, dtype=torch.int64, device='meta')
    model.update(labels, labels.float())
    assert model(0.95).shape == (3, )


def test_a_decay_that_forgets_nothing():
    with pytest.raises(ValueError, match='decay=1.0 of the class thresholds: give a number from 0'):
        ClassThresholds(2, 1.)
