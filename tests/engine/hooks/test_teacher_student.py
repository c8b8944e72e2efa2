"""The hook that owns time in a training with a teacher and a student."""
import copy
import errno
import json
import re

import cv2
import numpy as np
import pytest
import torch
from mmengine.hooks import Hook

from plugin.engine.hooks import TeacherStudentHook
from plugin.engine.teaching import log as teacher_log
from plugin.engine.teaching.collapse_alarm import Collapse, CollapseAlarm
from tests.helpers.toy_teacher import CLASSES, toy_runner


class Keep(Hook):
    """Keeps copies of both networks after each iteration, before any checkpoint."""

    priority = 'BELOW_NORMAL'

    def __init__(self, stop=None):
        self.states, self.stop = [], stop

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.states.append(copy.deepcopy(runner.model.state_dict()))

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.stop:
            raise KeyboardInterrupt


def networks(state):
    """The parts of a state dict by network."""
    return [{key.split('.', 1)[1]: value for key, value in state.items()
             if key.startswith(f'{name}.')} for name in ('student', 'teacher')]


def assert_same(state, other):
    assert state.keys() == other.keys()
    for key, value in state.items():
        assert torch.equal(value, other[key]), key


def logged(runner, name):
    return list(runner.message_hub.get_scalar(f'train/{name}').data[0])


def records(work_dir):
    text = next(work_dir.glob('*/vis_data/scalars.json')).read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_model_is_told_how_far_the_training_is(tmp_path):
    runner = toy_runner(tmp_path, dict(warmup=3), iters=5)
    runner.train()
    assert runner.model.told == [(0.0, True), (0.2, True), (0.4, True), (0.6, False), (0.8, False)]


class After(Hook):
    """Notes how far the model is told to be after the warm-up."""

    priority = 'BELOW_NORMAL'

    def __init__(self):
        self.told = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.told.append(runner.model.unsupervised_progress)


@pytest.mark.parametrize('warmup, told', [(3, [0, 0, 0, 0, 0.5]), (0, [0, 0.2, 0.4, 0.6, 0.8])])
def test_model_is_told_how_far_the_training_is_after_the_warm_up(tmp_path, warmup, told):
    after = After()
    runner = toy_runner(tmp_path, dict(warmup=warmup), iters=5, hooks=[after])
    runner.train()
    assert after.told == pytest.approx(told)


def test_teacher_is_the_student_and_then_its_moving_average(tmp_path):
    keep = Keep()
    runner = toy_runner(tmp_path, dict(warmup=4, decay=0.7), hooks=[keep])
    runner.train()
    # 1 - 1 / (t + 1), from the end of the warm-up, at most 0.7
    assert runner.model.decays == pytest.approx([0, 1 / 2, 2 / 3, 0.7, 0.7, 0.7])
    average = None
    for iteration, state in enumerate(keep.states):
        student, teacher = networks(state)
        if iteration < 4:
            assert_same(teacher, student)
            continue
        decay = min(1 - 1 / (iteration - 3), 0.7)
        average = student if average is None else {
            key: decay * value + (1 - decay) * student[key] if value.is_floating_point()
            else student[key] for key, value in average.items()}
        for key, value in teacher.items():
            torch.testing.assert_close(value, average[key])
    # batch norm as well, and memory of its own
    assert not torch.equal(teacher['1.running_mean'], student['1.running_mean'])


def test_without_warmup_the_teacher_starts_as_the_student(tmp_path):
    runner = toy_runner(tmp_path, iters=1)
    with torch.no_grad():
        runner.model.teacher[0].weight.fill_(7)
    seen = []
    reset = runner.model.reset_teacher
    runner.model.reset_teacher = lambda: (seen.append(runner.iter), reset())
    runner.train()
    assert seen == [0] and runner.model.told == [(0.0, False)]


@pytest.mark.parametrize('warmup', [4, 5])
def test_teacher_moves_with_the_optimizer_only(tmp_path, warmup):
    keep = Keep()
    runner = toy_runner(tmp_path, dict(warmup=warmup), iters=11, accumulate=3, hooks=[keep])
    runner.train()
    # steps after iterations 2, 5, 8 and the last one, 10; that of 2 is of the warm-up
    assert runner.model.decays == pytest.approx([0, 1 / 2, 2 / 3])
    teachers = [networks(state)[1] for state in keep.states]
    for before, after in ((6, 7), (8, 9)):
        assert_same(teachers[before], teachers[after])
    assert not torch.equal(teachers[7]['0.weight'], teachers[8]['0.weight'])


@pytest.mark.parametrize('stop', [2, 4, 5, 9])
def test_killed_and_resumed_equals_uninterrupted(tmp_path, stop):
    whole, resumed = Keep(), Keep()
    toy_runner(tmp_path / 'whole', dict(warmup=4), hooks=[whole]).train()
    with pytest.raises(KeyboardInterrupt):
        toy_runner(tmp_path / 'cut', dict(warmup=4), hooks=[Keep(stop)]).train()
    runner = toy_runner(tmp_path / 'cut', dict(warmup=4), hooks=[resumed], resume=True,
                        load_from=str(tmp_path / f'cut/iter_{stop}.pth'))
    runner.train()
    assert len(resumed.states) == 10 - stop
    for state, other in zip(whole.states[stop:], resumed.states, strict=True):
        assert_same(state, other)


def test_method_without_a_teacher(tmp_path):
    runner = toy_runner(tmp_path, dict(warmup=2), dict(has_teacher=False), iters=4)
    runner.train()
    exported = torch.load(tmp_path / 'segmentor.pth', weights_only=False)
    assert_same(exported['state_dict'], networks(runner.model.state_dict())[0])


@pytest.mark.parametrize('teacher', [False, True])
def test_what_is_written_is_the_average_where_an_average_is_saved(tmp_path, teacher):
    average = dict(type='EMAHook', ema_type='TeacherAverage', decay=0.9, begin_iter=1)
    runner = toy_runner(tmp_path, None, dict(has_teacher=teacher), iters=4, hooks=[average])
    runner.train()
    written = torch.load(tmp_path / 'segmentor.pth', weights_only=False)['state_dict']
    saved = torch.load(tmp_path / 'iter_4.pth', weights_only=False)['state_dict']
    assert_same(written, networks(saved)[int(teacher)])
    raw = networks(runner.model.state_dict())[int(teacher)]
    assert not torch.equal(written['0.weight'], raw['0.weight'])


def test_warmup_in_rounds_of_the_labelled_images(tmp_path):
    # 4 labelled images, 2 of them in each batch
    runner = toy_runner(tmp_path, dict(warmup_epochs=1.5), iters=4)
    runner.train()
    assert [warming for _, warming in runner.model.told] == [True, True, True, False]


def test_numbers_leave_the_device_when_the_logger_writes(tmp_path, monkeypatch):
    copied = []
    on_host = teacher_log._on_host
    monkeypatch.setattr(teacher_log, '_on_host',
                        lambda values: copied.append(set(values)) or on_host(values))
    runner = toy_runner(tmp_path, dict(warmup=3), iters=9)
    runner.train()
    assert copied == [{'gamma', 'lambda_u', 'pseudo_accuracy', 'class_share'}] * 3
    # after iterations 4, 6 and 8
    assert logged(runner, 'gamma') == pytest.approx([3 / 9, 5 / 9, 7 / 9])
    assert logged(runner, 'pseudo_accuracy') == [0.75] * 3
    found = [record for record in records(tmp_path) if 'class_share/cow' in record]
    assert [(record['step'], record['iter']) for record in found] == [(4, 4), (6, 6), (8, 8)]
    assert found[0]['class_share/cow'] == 0.5 and found[0]['class_share/ground'] == 0.25
    lines = [record for record in records(tmp_path) if 'loss' in record]
    assert [('gamma' in line, 'class_share/cow' in line) for line in lines] == [
        (False, False)] + [(True, False)] * 3


def test_numbers_that_are_not_there_are_not_written(tmp_path):
    runner = toy_runner(tmp_path, model=dict(with_truth=False, share=float('nan')), iters=4)
    runner.train()
    assert 'train/pseudo_accuracy' not in runner.message_hub.log_scalars
    assert 'train/gamma' in runner.message_hub.log_scalars
    assert not [record for record in records(tmp_path) if 'class_share/cow' in record]


class Shares(Hook):
    """Sets the share of one class before each iteration."""

    def __init__(self, shares):
        self.shares = shares

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        runner.model.share = self.shares[runner.iter]


def test_alarm_warns_once_and_again_when_it_changes(tmp_path):
    # the mean of two iterations counts: 0.96, 0.96, 0.5, 0.97, 0.8, 1.0
    shares = [0.96, 0.96, 0.98, 0.94, 0.5, 0.5, 0.94, 1.0, 0.6, 1.0, 1.0, 1.0]
    runner = toy_runner(tmp_path, iters=12, hooks=[Shares(shares)])
    said = []
    runner.logger.warning = lambda text, *args: said.append(text)
    runner.train()
    alarms = [text for text in said if 'pseudo-labels are' in text]
    assert [text.split(':')[0] for text in alarms] == [
        '96% of the pseudo-labels are cow', '97% of the pseudo-labels are cow',
        '100% of the pseudo-labels are cow']
    assert 'lengthen warmup' in alarms[0] and 'raise alarm_share' in alarms[0]


def test_alarm_takes_means():
    alarm = CollapseAlarm(0.9)
    assert alarm.check() is None
    for shares in ([1.0, 0.0], [0.9, 0.1]):
        alarm.add(torch.tensor(shares))
    place, share = alarm.check()
    assert place == 0 and share == pytest.approx(0.95)
    assert alarm.check() is None
    alarm.add(torch.tensor([1.0, 0.0]))
    assert alarm.check() is None  # said before
    alarm.add(torch.tensor([0.0, 1.0]))
    assert alarm.check() == Collapse(1, 1.0)
    alarm.add(torch.tensor([float('nan'), float('nan')]))
    assert alarm.check() is None
    never = CollapseAlarm(1)
    never.add(torch.tensor([1.0, 0.0]))
    assert never.check() is None


@pytest.mark.parametrize('interval, expected', [(3, [6, 9]), (0, []), (None, [])])
def test_images_at_intervals(tmp_path, interval, expected):
    # the warm-up has no pseudo-labels, and without validation there is no moment of its own
    toy_runner(tmp_path, dict(warmup=4, picture_interval=interval)).train()
    names = [path.name for path in (tmp_path / 'pseudo_labels').glob('*')]
    assert sorted(names) == [f'iter_{number}.png' for number in expected]


def test_images_at_validations(tmp_path):
    runner = toy_runner(
        tmp_path, dict(warmup=3), iters=9, val_cfg=dict(), val_evaluator=[],
        val_dataloader=dict(batch_size=1, num_workers=0, dataset=dict(type='ToySet'),
                            sampler=dict(type='DefaultSampler', shuffle=False)))
    runner._train_loop['val_interval'] = 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('mmengine.runner.ValLoop.run', lambda loop: None)
        runner.train()
    names = {path.name for path in (tmp_path / 'pseudo_labels').glob('*')}
    assert names == {'iter_4.png', 'iter_8.png', 'iter_9.png'}
    assert not runner.model.warming_up


def test_image_shows_the_image_as_it_was(tmp_path):
    toy_runner(tmp_path, dict(picture_interval=2), iters=2).train()
    image = cv2.imread(str(tmp_path / 'pseudo_labels/iter_2.png'))[..., ::-1]
    # the toy is 0 after the normalisation with a mean of 100
    assert (image == 100).all(axis=2).sum() >= 12
    assert (image.reshape(-1, 3) == np.array([128, 128, 128])).all(axis=1).any()


def test_full_disk_is_a_warning(tmp_path, monkeypatch):
    (tmp_path / 'pseudo_labels').write_text('a file where the folder should be')
    runner = toy_runner(tmp_path, dict(picture_interval=2), iters=2)
    said = []
    runner.logger.warning = lambda text, *args: said.append(text)
    save = torch.save

    def full(content, path, *args, **kwargs):
        if 'segmentor' in str(path):
            raise OSError(errno.ENOSPC, 'No space left on device')
        return save(content, path, *args, **kwargs)

    monkeypatch.setattr(torch, 'save', full)
    runner.train()
    image, network = [text for text in said if 'is not written' in text]
    assert 'pseudo_labels/iter_2.png is not written: ' in image
    assert 'segmentor.pth is not written: [Errno 28]' in network
    assert 'tools/export_teacher.py' in network
    assert not list(tmp_path.glob('*segmentor*'))


def test_teachers_are_exported_at_the_end(tmp_path):
    runner = toy_runner(tmp_path, dict(warmup=2), iters=4)
    runner.message_hub.update_info('best_ckpt', str(tmp_path / 'iter_3.pth'))
    runner.train()
    last, best = (torch.load(tmp_path / name, weights_only=False)
                  for name in ('segmentor.pth', 'best_segmentor.pth'))
    assert_same(last['state_dict'], networks(runner.model.state_dict())[1])
    saved = torch.load(tmp_path / 'iter_3.pth', weights_only=False)['state_dict']
    assert_same(best['state_dict'], networks(saved)[1])
    assert last['meta']['dataset_meta']['classes'] == best['meta']['dataset_meta']['classes']
    assert last['meta']['dataset_meta']['classes'] == CLASSES
    assert (last['meta']['iter'], best['meta']['iter']) == (4, 3)


def test_half_a_file_of_an_earlier_kill_is_cleared_away(tmp_path):
    for name in ('.segmentor.a1b2c3d4.pth', '.best_segmentor.a1b2c3d4.pth'):
        (tmp_path / name).write_bytes(b'half')
    toy_runner(tmp_path, iters=2).train()
    assert not list(tmp_path.glob('.*.pth')) and (tmp_path / 'segmentor.pth').is_file()


def test_nothing_is_exported_where_nobody_asks(tmp_path):
    toy_runner(tmp_path, dict(export=False), iters=2).train()
    assert not list(tmp_path.glob('*segmentor.pth'))


@pytest.mark.parametrize('settings, words', [
    (dict(warmup=3, warmup_epochs=1), 'warmup=3 and warmup_epochs=1 both say how long'),
    (dict(warmup=-1), 'warmup=-1 is out of range: give 0 and more'),
    (dict(decay=1.5), 'decay=1.5 is out of range: give 0..1'),
    (dict(alarm_share=95), 'alarm_share=95 is out of range: give 0..1'),
    (dict(picture_interval=-2), 'picture_interval=-2 is out of range'),
])
def test_wrong_settings(settings, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        TeacherStudentHook(**settings)


def test_warmup_of_the_whole_training_is_refused(tmp_path):
    with pytest.raises(ValueError, match='a warm-up of 10 iterations leaves nothing of the 10'):
        toy_runner(tmp_path, dict(warmup=10)).train()


@pytest.mark.parametrize('warmup, untrained, warned', [
    (0, True, True), (2, True, False), (0, False, False)])
def test_a_second_network_that_labels_at_random_is_told(
        tmp_path, monkeypatch, warmup, untrained, warned):
    runner = toy_runner(tmp_path, dict(warmup=warmup), dict(has_teacher=False), iters=4)
    runner.model.second_untrained = untrained
    told = []
    monkeypatch.setattr(runner.logger, 'warning', told.append)
    runner.train()
    assert any('the second one labels images for it at random: give model.second.init_cfg' in line
               for line in told) == warned


def test_plain_model_is_refused(tmp_path):
    runner = toy_runner(tmp_path)
    del runner.model.student
    with pytest.raises(ValueError, match="needs a model with a student, not ToyTeacherStudent: "
                                         "wrap it as model=dict"):
        runner.train()
