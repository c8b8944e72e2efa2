"""A training goes on from the newest checkpoint that is whole."""
import logging
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub

from plugin.engine.checkpoints.good_checkpoint import (
    check_good,
    checkpoints_to_resume,
    choose_good,
    damage_of,
    find_good,
)
from plugin.engine.checkpoints.safe_reading import UntrustedCheckpointError
from plugin.engine.hooks import SafeCheckpointHook
from tests.helpers.hostile_checkpoints import damage, write_bomb

DAMAGES = ['empty', 'cut', 'zeros', 'flipped', 'half', 'html', 'list']


def write(folder: Path, *numbers: int) -> list:
    """Checkpoints of these iterations, the last one named by ``last_checkpoint``."""
    paths = []
    for number in numbers:
        path = folder / f'iter_{number}.pth'
        torch.save(dict(state_dict={'weight': torch.randn(50)}, message_hub={}, optimizer={},
                        meta=dict(iter=number, epoch=0)), path)
        os.utime(path, (number, number))
        paths.append(path)
    (folder / 'last_checkpoint').write_text(str(paths[-1]))
    return paths


@pytest.mark.parametrize('how', DAMAGES)
def test_damaged_one_is_passed_over_and_kept(tmp_path, how):
    paths = write(tmp_path, 2, 4, 6)
    damage(paths[2], how)
    before, said = paths[2].read_bytes(), []
    assert choose_good(tmp_path, said.append) == paths[1]
    assert len(said) == 1
    assert said[0].startswith(f'{paths[2]} is damaged (it')
    assert said[0].endswith(f') and stays as it is; the training goes on from {paths[1]}')
    assert paths[2].read_bytes() == before


def test_flipped_bit_is_one_that_pytorch_does_not_see(tmp_path):
    path, = write(tmp_path, 2)
    damage(path, 'flipped')
    torch.load(path, weights_only=True)
    assert 'does not match its checksum' in damage_of(path)


@pytest.mark.parametrize(('content', 'reason'), [
    (dict(state_dict={}), 'it holds no message_hub and no meta of a training'),
    ({'weight': torch.ones(1)}, 'it holds no state_dict and no message_hub and no meta'),
    (dict(state_dict={}, message_hub={}, meta=dict(iter='2', epoch=0)), 'does not tell its iter'),
])
def test_weights_alone_are_no_training(tmp_path, content, reason):
    torch.save(content, tmp_path / 'iter_2.pth')
    assert reason in damage_of(tmp_path / 'iter_2.pth')


def test_old_format_is_good(tmp_path):
    content = dict(state_dict={}, message_hub={}, meta=dict(iter=1, epoch=0))
    torch.save(content, tmp_path / 'iter_1.pth', _use_new_zipfile_serialization=False)
    assert damage_of(tmp_path / 'iter_1.pth') is None


def test_whole_newest_one_is_taken_silently(tmp_path):
    paths = write(tmp_path, 2, 4)
    said = []
    assert choose_good(tmp_path, said.append) == paths[1]
    assert said == []


def test_all_damaged_or_none(tmp_path):
    assert choose_good(tmp_path, print) is None
    assert choose_good(tmp_path / 'nowhere', print) is None
    for path, how in zip(write(tmp_path, 2, 4), ('empty', 'cut'), strict=True):
        damage(path, how)
    with pytest.raises(ValueError, match=(
            r'no checkpoint of .* is whole \(iter_4\.pth: its end is missing; iter_2\.pth: it is '
            r'empty\): start anew without --resume, or give another one with --resume')):
        choose_good(tmp_path, print)
    assert len(find_good(tmp_path).damaged) == 2


def test_named_one_that_is_damaged_names_a_good_one(tmp_path):
    paths = write(tmp_path, 2, 4)
    check_good(paths[1], tmp_path)
    damage(paths[1], 'cut')
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    shutil.copy(paths[1], elsewhere)
    for path in (paths[1], elsewhere / 'iter_4.pth'):
        with pytest.raises(ValueError, match='is damaged') as error:
            check_good(path, tmp_path)
        assert str(error.value) == (f'{path} is damaged (its end is missing); the newest whole one '
                                    f'in {tmp_path} is {paths[0]}: --resume {paths[0]}')
    damage(paths[0], 'empty')
    with pytest.raises(ValueError, match='no whole one lies beside it: start anew without'):
        check_good(paths[1], tmp_path)


def test_bomb_is_refused_and_not_called_damaged(tmp_path):
    write(tmp_path, 2, 4)
    write_bomb(tmp_path / 'iter_4.pth', tmp_path / 'marker', message_hub={},
               meta=dict(iter=4, epoch=0))
    with pytest.raises(UntrustedCheckpointError, match=r'io\.open'):
        choose_good(tmp_path, print)
    assert not (tmp_path / 'marker').exists()


@pytest.mark.parametrize('note', ['', '/gone/iter_4.pth', '\0\0\0', 'iter_9.pth'])
def test_note_that_names_nothing_does_no_harm(tmp_path, note):
    paths = write(tmp_path, 2, 4)
    (tmp_path / 'best_mIoU_iter_2.pth').touch()
    (tmp_path / '.iter_6.abcdefgh.pth').touch()
    (tmp_path / 'last_checkpoint').write_text(note)
    assert checkpoints_to_resume(tmp_path) == paths[::-1]


def test_note_wins_over_dates(tmp_path):
    """A training begun anew leaves newer names of the former one."""
    paths = write(tmp_path, 8, 2)
    assert checkpoints_to_resume(tmp_path) == [paths[1], paths[0]]
    paths = write(tmp_path, 2, 8)
    (tmp_path / 'last_checkpoint').write_text(str(paths[0]))
    assert checkpoints_to_resume(tmp_path) == paths


def test_copied_folder_has_a_life_of_its_own(tmp_path):
    original = tmp_path / 'original'
    original.mkdir()
    write(original, 2, 4)[0].rename(original / 'best_mIoU_iter_2.pth')
    copy = shutil.copytree(original, tmp_path / 'copy')
    assert checkpoints_to_resume(copy) == [copy / 'iter_4.pth']
    run = Run(copy, iter=4)
    run.message_hub.update_info('best_ckpt', str(original / 'best_mIoU_iter_2.pth'))
    hook = SafeCheckpointHook(interval=2, by_epoch=False, save_best='mIoU')
    hook.before_train(run)
    # the next best one replaces this, and must not remove that of the original
    assert hook.best_ckpt_path == str(copy / 'best_mIoU_iter_2.pth')


class Run(SimpleNamespace):
    """As much of a runner as the hook needs."""

    def __init__(self, folder: Path, **kwargs) -> None:
        super().__init__(work_dir=str(folder), said=[], message_hub=MessageHub(str(folder)),
                         logger=logging.getLogger('test'), **kwargs)


def test_stock_tools_resume_from_the_good_one_too(tmp_path, caplog):
    paths = write(tmp_path, 2, 4)
    damage(paths[1], 'cut')
    hook = SafeCheckpointHook(interval=2, by_epoch=False)
    for resume, given, expected in ((True, None, str(paths[0])), (False, None, None),
                                    (True, 'mine.pth', 'mine.pth')):
        run = Run(tmp_path, _resume=resume, _load_from=given)
        hook.before_run(run)
        assert run._load_from == expected
    assert caplog.text.count('is damaged') == 1


@pytest.mark.parametrize('how', [None, 'gone', 'cut', 'moved'])
def test_lost_best_one_makes_room_for_the_next(tmp_path, how, caplog):
    folder = tmp_path / 'work'
    folder.mkdir()
    best = folder / 'best_mIoU_iter_2.pth'
    write(folder, 2)[0].rename(best)
    run = Run(folder, iter=2)
    place = '/gone' if how == 'moved' else folder
    run.message_hub.update_info('best_ckpt', f'{place}/{best.name}')
    run.message_hub.update_info('best_score', 0.7)
    if how == 'gone':
        best.unlink()
    elif how == 'cut':
        damage(best, 'cut')
    hook = SafeCheckpointHook(interval=2, by_epoch=False, save_best='mIoU', max_keep_ckpts=1)
    hook.before_train(run)
    info = run.message_hub.runtime_info
    if how in ('gone', 'cut'):
        assert 'best_ckpt' not in info and 'best_score' not in info
        assert hook.best_ckpt_path is None
        assert 'the next validation is the best one again' in caplog.text
        assert best.exists() == (how == 'cut')
    else:
        assert hook.best_ckpt_path == str(best) and info['best_score'] == 0.7
        assert caplog.text == ''


def test_training_that_begins_does_not_look_back(tmp_path):
    run = Run(tmp_path, iter=0)
    run.message_hub.update_info('best_ckpt', str(tmp_path / 'gone.pth'))
    SafeCheckpointHook(interval=2, by_epoch=False, save_best='mIoU').before_train(run)
    assert run.message_hub.get_info('best_ckpt') == str(tmp_path / 'gone.pth')
