"""Checkpoints that survive a kill or a full disk at any moment."""
import errno
import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.fileio import get_file_backend, put_text
from mmengine.logging import MessageHub

from plugin.engine.checkpoints import atomic_backend
from plugin.engine.hooks import SafeCheckpointHook


class Run(SimpleNamespace):
    """As much of a runner as the hook needs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(work_dir=str(folder), iter=0, epoch=0, saved=[], full=False,
                         message_hub=MessageHub(str(folder)), logger=logging.getLogger('test'))

    def save_checkpoint(self, out_dir, filename, *args, backend_args=None, **kwargs):
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
    scores = ['loss', 'loss_iou', 'MPA', 'FWIoU', 'IoU.cow', 'count/MAE', 'coco/segm_mAP']
    assert SafeCheckpointHook(save_best=scores).rules == [
        'less', 'less', 'greater', 'greater', 'greater', 'less', 'greater']
    assert SafeCheckpointHook(save_best=['MPA', 'bias'], rule='less').rules == ['less'] * 2


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
