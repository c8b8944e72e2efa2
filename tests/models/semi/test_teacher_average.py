"""The average without a teacher: bit by bit what a teacher would be."""
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import EMAHook
from torch import nn

from plugin.engine.hooks import TeacherStudentHook
from plugin.models.semi import copy_weights, ema_update


class Taught(nn.Module):
    """A teacher and a student, as TeacherStudentHook drives them."""

    has_teacher, keep_images, statistics = True, False, {}

    def __init__(self) -> None:
        super().__init__()
        self.student, self.teacher = (nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
                                      for _ in range(2))

    def reset_teacher(self):
        copy_weights(self.teacher, self.student)

    def update_teacher(self, decay):
        ema_update(self.teacher, self.student, decay)


@pytest.mark.parametrize(('warmup', 'each'), [(0, 1), (3, 1), (4, 2), (5, 2), (7, 3)])
def test_the_average_is_the_teacher(warmup, each):
    torch.manual_seed(warmup)
    model = Taught()
    taught = TeacherStudentHook(warmup=warmup, decay=0.8, picture_interval=0)
    averaged = EMAHook('TeacherAverage', decay=0.8, interval=each,
                       begin_iter=(warmup // each + 1) * each)
    other = SimpleNamespace(model=model.student, iter=0, max_iters=40)
    averaged.before_run(other)
    for number in range(40):
        due = (number + 1) % each == 0
        runner = SimpleNamespace(
            model=model, iter=number, max_iters=40, val_loop=None, hooks=[],
            optim_wrapper=SimpleNamespace(should_update=lambda due=due: due,
                                          _accumulative_counts=each))
        taught.every_n_inner_iters = lambda *_: False
        taught.before_train_iter(runner, number)
        if due:
            with torch.no_grad():
                for value in model.student.parameters():
                    value += torch.randn_like(value)
                model.student(torch.randn(5, 3))  # moves the statistics of the batch norm
        taught.after_train_iter(runner, number)
        other.iter = number
        averaged.after_train_iter(other, number)
        if due and number >= warmup:
            ours, theirs = averaged.ema_model.module.state_dict(), model.teacher.state_dict()
            assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert not torch.equal(model.teacher[0].weight, model.student[0].weight)
    assert not torch.equal(model.teacher[1].running_mean, model.student[1].running_mean)
