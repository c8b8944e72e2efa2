"""Checkpoints that survive a kill or a full disk at any moment."""
import errno
import logging
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.fileio import get_file_backend, put_text
from mmengine.logging import MessageHub

from plugin.engine.checkpoints import atomic_backend
from plugin.engine.hooks import SafeCheckpointHook
from plugin.utils import UserError


class Run(SimpleNamespace):
    """As much of a runner as the hook needs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(work_dir=str(folder), iter=0, epoch=0, saved=[], metas=[], full=False,
                         message_hub=MessageHub(str(folder)), logger=logging.getLogger('test'))

    def save_checkpoint(self, out_dir, filename, *args, backend_args=None, meta=None, **kwargs):
        self.metas.append((filename, meta))
        present = sorted(path.name for path in Path(out_dir).glob('*.pth'))
        self.saved.append((filename, present))
        if self.full:
            raise OSError(errno.ENOSPC, 'No space left on device')
        get_file_backend(out_dir, backend_args=backend_args).put(b'weights',
                                                                 f'{out_dir}/{filename}')


def names(folder: Path) -> list:
    return sorted(path.name for path in folder.iterdir())


def started(folder: Path, **kwargs):
    run = Run(folder)
    hook = SafeCheckpointHook(interval=10, by_epoch=False, save_best='mIoU', **kwargs)
    hook.before_train(run)
    return run, hook


def test_the_best_is_known_of_every_score():
    scores = ['loss', 'loss_iou', 'MPA', 'FWIoU', 'IoU.cow', 'VRand', 'VRand.merge', 'count/MAE',
              'coco/segm_mAP']
    assert SafeCheckpointHook(save_best=scores).rules == [
        'less', 'less', *['greater'] * 5, 'less', 'greater']
    assert SafeCheckpointHook(save_best=['MPA', 'bias'], rule='less').rules == ['less'] * 2


def test_a_score_that_the_validation_does_not_have(tmp_path):
    run, hook = started(tmp_path)
    with pytest.raises(UserError) as error:
        hook.after_val_epoch(run, {'mIoUs': 3.0, 'PA': 2.0})
    assert str(error.value) == (
        'default_hooks.checkpoint.save_best=mIoU: the validation has no score mIoU, did you mean '
        'mIoUs; it has mIoUs, PA; set it to one of these and go on with --resume')
    assert not run.saved


def save(run, hook, iteration: int) -> None:
    run.iter = iteration - 1
    hook.after_train_iter(run, 0)
    run.iter = iteration


def test_old_one_is_removed_after_the_new_one_is_written(tmp_path):
    run, hook = started(tmp_path, max_keep_ckpts=1)
    for iteration in (10, 20, 30):
        save(run, hook, iteration)
    assert run.saved == [('iter_10.pth', []), ('iter_20.pth', ['iter_10.pth']),
                         ('iter_30.pth', ['iter_20.pth'])]
    assert names(tmp_path) == ['iter_30.pth', 'last_checkpoint']
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'iter_30.pth')
    assert run.message_hub.get_info('keep_ckpt_ids') == [30]


@pytest.mark.parametrize(('keep', 'left'), [(2, [20, 30]), (3, [10, 20, 30]), (-1, [10, 20, 30])])
def test_as_many_are_kept_as_asked_for(tmp_path, keep, left):
    run, hook = started(tmp_path, max_keep_ckpts=keep)
    for iteration in (10, 20, 30):
        save(run, hook, iteration)
    assert names(tmp_path) == [f'iter_{i}.pth' for i in left] + ['last_checkpoint']


def test_full_disk_costs_no_checkpoint(tmp_path):
    run, hook = started(tmp_path, max_keep_ckpts=1)
    save(run, hook, 10)
    hook.after_val_epoch(run, dict(mIoU=0.5))
    before = names(tmp_path)
    assert before == ['best_mIoU_iter_10.pth', 'iter_10.pth', 'last_checkpoint']
    run.full = True
    with pytest.raises(OSError, match='No space left'):
        save(run, hook, 20)
    run.iter = 20
    with pytest.raises(OSError, match='No space left'):
        hook.after_val_epoch(run, dict(mIoU=0.6))
    assert names(tmp_path) == before
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'iter_10.pth')


def test_best_one_follows_the_score(tmp_path):
    run, hook = started(tmp_path, max_keep_ckpts=1)
    for iteration, score in ((10, 0.5), (20, 0.4), (30, 0.7), (40, 0.7)):
        save(run, hook, iteration)
        hook.after_val_epoch(run, dict(mIoU=score))
    assert names(tmp_path) == ['best_mIoU_iter_30.pth', 'iter_40.pth', 'last_checkpoint']
    # the former best one was there until the new one was
    assert ('best_mIoU_iter_30.pth', ['best_mIoU_iter_10.pth', 'iter_30.pth']) in run.saved
    assert run.message_hub.get_info('best_score') == 0.7


def test_the_last_one_knows_its_validation_also_where_that_was_worse(tmp_path):
    run, hook = started(tmp_path, max_keep_ckpts=3)
    for iteration, score in ((10, 0.5), (20, 0.4)):
        save(run, hook, iteration)
        hook.after_val_epoch(run, dict(mIoU=score))
    # once before the validation, and once after it
    assert [name for name, _ in run.saved] == [
        'iter_10.pth', 'best_mIoU_iter_10.pth', 'iter_10.pth', 'iter_20.pth', 'iter_20.pth']
    assert run.metas[-1] == run.metas[-2] == ('iter_20.pth', dict(epoch=0, iter=20))
    assert run.saved[-1][1] == ['best_mIoU_iter_10.pth', 'iter_10.pth', 'iter_20.pth']
    assert run.message_hub.get_info('keep_ckpt_ids') == [10, 20]
    # nothing was saved before this one
    run.iter = 25
    hook.after_val_epoch(run, dict(mIoU=0.3))
    assert len(run.saved) == 5


def test_best_one_that_is_written_again_is_not_removed(tmp_path):
    run, hook = started(tmp_path)
    save(run, hook, 10)
    hook.after_val_epoch(run, dict(mIoU=0.5))
    hook.after_val_epoch(run, dict(mIoU=0.6))
    assert 'best_mIoU_iter_10.pth' in names(tmp_path)


def test_only_half_written_checkpoints_are_cleared(tmp_path):
    kept = ['.iter_x.abcdefgh.pth', '.notes.abcdefgh.pth', 'best_mIoU_iter_2.pth', 'iter_1.pth']
    for name in [*kept, '.iter_20.abc_ef12.pth', '.best_mIoU_iter_3.abcdefgh.pth']:
        (tmp_path / name).touch()
    started(tmp_path)
    assert names(tmp_path) == sorted(kept)


def resumed(folder: Path, source: Path, **kwargs):
    """A training that goes on in ``folder`` from a checkpoint elsewhere."""
    run = Run(folder)
    run.iter, run._load_from = 10, str(source)
    for key, value in kwargs.items():
        run.message_hub.update_info(key, value)
    hook = SafeCheckpointHook(interval=10, by_epoch=False, save_best='mIoU', max_keep_ckpts=1)
    hook.before_train(run)
    return run, hook


def good(path: Path) -> Path:
    """A checkpoint that a training can go on from."""
    path.parent.mkdir(exist_ok=True)
    torch.save(dict(state_dict={}, message_hub={}, meta=dict(iter=10, epoch=0)), path)
    return path


def test_training_that_goes_on_elsewhere_leaves_the_first_one_alone(tmp_path):
    first, second = tmp_path / 'first', tmp_path / 'second'
    best = good(first / 'best_mIoU_iter_10.pth')
    source = good(first / 'iter_10.pth')
    # of yet another training, by chance with the same names
    for name in ('iter_10.pth', 'best_mIoU_iter_10.pth'):
        good(second / name)
    run, hook = resumed(second, source, best_ckpt=str(best), best_score=0.5, keep_ckpt_ids=[10])
    assert hook.best_ckpt_path == str(best)
    hook.after_val_epoch(run, dict(mIoU=0.4))
    for iteration, score in ((20, 0.6), (30, 0.7)):
        save(run, hook, iteration)
        hook.after_val_epoch(run, dict(mIoU=score))
    assert names(first) == ['best_mIoU_iter_10.pth', 'iter_10.pth']
    # its own former ones go
    assert names(second) == ['best_mIoU_iter_10.pth', 'best_mIoU_iter_30.pth', 'iter_10.pth',
                             'iter_30.pth', 'last_checkpoint']


def test_training_that_goes_on_at_home_removes_its_former_ones(tmp_path):
    best, source = good(tmp_path / 'best_mIoU_iter_10.pth'), good(tmp_path / 'iter_10.pth')
    run, hook = resumed(tmp_path, source, best_ckpt=str(best), best_score=0.5, keep_ckpt_ids=[10])
    save(run, hook, 20)
    hook.after_val_epoch(run, dict(mIoU=0.6))
    assert names(tmp_path) == ['best_mIoU_iter_20.pth', 'iter_20.pth', 'last_checkpoint']


@pytest.mark.parametrize('score, files', [
    (0.4, ['iter_10.pth']), (0.6, ['best_mIoU_iter_10.pth', 'iter_10.pth'])])
def test_a_validation_that_is_done_again_is_known_to_its_checkpoint(tmp_path, score, files):
    source = good(tmp_path / 'iter_10.pth')
    run, hook = resumed(tmp_path, source, best_score=0.5, keep_ckpt_ids=[10])
    hook.after_val_epoch(run, dict(mIoU=score))
    assert [name for name, _ in run.saved] == files
    # one that knows it stays as it is
    again, hook = resumed(tmp_path, source, best_score=0.7, validated_step=10)
    hook.after_val_epoch(again, dict(mIoU=score))
    assert not again.saved


@pytest.mark.parametrize('kept', [['/../../victim', 20], '10', {'a': 1}, [[10], 20]])
def test_checkpoint_does_not_choose_what_is_removed(tmp_path, kept):
    work = tmp_path / 'work'
    source, victim = good(work / 'iter_10.pth'), good(tmp_path / 'victim.pth')
    (work / 'iter_').mkdir()
    mine = good(work / 'my_best.pth')
    run, hook = resumed(work, source, best_ckpt=str(mine), best_score=0.5, keep_ckpt_ids=kept)
    save(run, hook, 20)
    hook.after_val_epoch(run, dict(mIoU=0.6))
    assert victim.is_file() and mine.is_file()


def test_new_one_is_on_the_disk_before_the_old_one_goes(tmp_path, monkeypatch):
    run, hook = started(tmp_path, max_keep_ckpts=1)
    save(run, hook, 10)
    hook.after_val_epoch(run, dict(mIoU=0.5))
    done = []
    flush, remove = os.fsync, type(hook.file_backend).remove

    def fsync(handle):
        done.append(Path(os.readlink(f'/proc/self/fd/{handle}')).name)
        flush(handle)

    monkeypatch.setattr(os, 'fsync', fsync)
    monkeypatch.setattr(type(hook.file_backend), 'remove', lambda backend, path: (
        done.append(f'removed {Path(path).name}'), remove(backend, path)))
    save(run, hook, 20)
    hook.after_val_epoch(run, dict(mIoU=0.6))
    gone = [place for place, name in enumerate(done) if name.startswith('removed')]
    assert [done[place] for place in gone] == ['removed iter_10.pth',
                                               'removed best_mIoU_iter_10.pth']
    folder = tmp_path.name
    for place, new in zip(gone, ('.iter_20', '.best_mIoU_iter_20'), strict=True):
        written = next(k for k, name in enumerate(done) if name.startswith(new))
        assert written < place and folder in done[written:place]


def test_storage_writes_whole_or_not_at_all(tmp_path, monkeypatch):
    backend = get_file_backend(backend_args=dict(backend='atomic'))
    assert type(backend) is atomic_backend.AtomicBackend
    target = tmp_path / 'new folder/牛 1.pth'
    backend.put(b'old', target)
    put_text('größer', target.with_suffix('.txt'), backend_args=dict(backend='atomic'))
    assert target.with_suffix('.txt').read_text('utf-8') == 'größer'

    def fail(self, data):
        with self.open('wb') as file:
            file.write(data[:1])
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(Path, 'write_bytes', fail)
    with pytest.raises(OSError, match='No space left'):
        backend.put(b'new', target)
    assert target.read_bytes() == b'old'
    assert names(target.parent) == ['牛 1.pth', '牛 1.txt']
