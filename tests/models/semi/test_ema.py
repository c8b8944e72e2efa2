"""The moving average of a student."""
import copy

import pytest
import torch
from torch import nn

from plugin.models.semi import copy_weights, ema_decay, ema_update


def network(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.PReLU())
    model(torch.randn(2, 3, 5, 5))  # statistics of its own
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    return model


def test_decay_grows_up_to_its_limit():
    assert [ema_decay(step) for step in (0, 1, 3)] == [0, 0.5, 0.75]
    assert ema_decay(98) == pytest.approx(98 / 99) and ema_decay(99) == ema_decay(10**6) == 0.99
    assert ema_decay(5, limit=0.5) == 0.5


def test_decays_out_of_range_are_refused():
    with pytest.raises(ValueError, match='step=-1 is negative: count .* from 0'):
        ema_decay(-1)
    with pytest.raises(ValueError, match=r'limit=99 is outside 0..1'):
        ema_decay(0, limit=99)
    with pytest.raises(ValueError, match=r'decay=1.5 is outside 0..1'):
        ema_update(network(0), network(1), 1.5)


def test_an_update_is_the_weighted_mean_of_parameters_and_buffers():
    teacher, student = network(0), network(1)
    student(torch.randn(2, 3, 5, 5))
    old, given = copy.deepcopy(teacher.state_dict()), copy.deepcopy(student.state_dict())
    ema_update(teacher, student, 0.9)
    for name, part in teacher.state_dict().items():
        if part.is_floating_point():
            torch.testing.assert_close(part, 0.9 * old[name] + 0.1 * given[name])
            assert not torch.equal(part, old[name])
        else:
            assert part == given[name] == 2
        assert torch.equal(student.state_dict()[name], given[name])
    assert {name for name, _ in teacher.named_buffers()} == {
        '1.running_mean', '1.running_var', '1.num_batches_tracked'}


def test_many_updates_are_the_mean_of_all_students():
    teacher, students = network(0), [network(seed) for seed in range(1, 5)]
    for step, student in enumerate(students):
        ema_update(teacher, student, ema_decay(step))
    for name, part in teacher.named_parameters():
        mean = torch.stack([dict(student.named_parameters())[name] for student in students]).mean(0)
        torch.testing.assert_close(part, mean)


def test_decay_0_copies_and_decay_1_keeps():
    teacher, student = network(0), network(1)
    old = teacher[0].weight.clone()
    ema_update(teacher, student, 1.)
    assert torch.equal(teacher[0].weight, old)
    ema_update(teacher, student, 0.)
    assert torch.equal(teacher[0].weight, student[0].weight)
    # a teacher that equals its student stays exactly so
    ema_update(teacher, student, 0.99)
    assert torch.equal(teacher[0].weight, student[0].weight)


def test_a_copy_does_not_share_memory_with_the_student():
    teacher, student = network(0), network(1)
    pointers = [part.data_ptr() for part in teacher.state_dict().values()]
    copy_weights(teacher, student)
    for part, same in zip(teacher.state_dict().values(), student.state_dict().values()):
        assert torch.equal(part, same) and part.data_ptr() != same.data_ptr()
    assert pointers == [part.data_ptr() for part in teacher.state_dict().values()]
    with torch.no_grad():
        student[0].weight.add_(1)
    assert not torch.equal(teacher[0].weight, student[0].weight)


def test_the_graph_of_the_student_is_left_alone():
    teacher, student = network(0), network(1)
    loss = student(torch.randn(1, 3, 5, 5)).sum()
    ema_update(teacher, student, 0.5)
    loss.backward()
    assert student[0].weight.grad is not None and teacher[0].weight.grad is None


@pytest.mark.parametrize('move', [lambda *pair: ema_update(*pair, 0.5), copy_weights])
def test_networks_that_differ_are_refused_and_left_alone(move):
    teacher = network(0)
    old = copy.deepcopy(teacher.state_dict())
    wide = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.PReLU(4))
    with pytest.raises(ValueError, match=r'in 1 parts, first in 2.weight: \(1,\) and \(4,\)'):
        move(teacher, wide)
    with pytest.raises(ValueError, match=r'in 1 parts, first in 2.weight: \(1,\) and None'):
        move(teacher, teacher[:2])
    assert all(torch.equal(part, old[name]) for name, part in teacher.state_dict().items())
