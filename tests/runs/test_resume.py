"""Trainings that go on: with the same weights, past damaged checkpoints, without running a file."""
import contextlib
import importlib
import re
import shutil
import signal
from pathlib import Path

import pytest
import torch
from parts.hostile_checkpoints import hostile

from plugin.runs.resume import last_checkpoint, resume_command
from tests.helpers.forked import run_tool
from tests.helpers.hostile_checkpoints import damage, write_bomb
from tests.helpers.trainings import assert_same, killed_at, load, printed_error

META = dict(message_hub={}, meta=dict(iter=4, epoch=0))


@pytest.mark.parametrize(('workers', 'moment', 'iteration', 'left'), [
    (0, 'before_train_iter', 7, 'iter_6.pth'),
    (2, 'before_val_iter', 4, 'iter_4.pth'),
    (2, 'before_save_checkpoint', 5, 'iter_4.pth'),
])
def test_resumed_training_ends_with_the_same_weights(
        trained, tmp_path, workers, moment, iteration, left):
    shutil.copytree(trained.folder / 'pictures', tmp_path / 'pictures')
    shutil.copy(trained.folder / 'tiny.py', tmp_path)
    options = ['tiny.py', '--cfg-options', f'train_dataloader.num_workers={workers}']
    killed = run_tool('train', options + killed_at(moment, iteration), tmp_path)
    assert killed.status == -signal.SIGKILL
    work_dir = tmp_path / 'work_dirs/tiny'
    # one checkpoint is kept, and it is there whenever the end comes
    assert [path.name for path in work_dir.glob('iter_*.pth')] == [left]
    assert Path((work_dir / 'last_checkpoint').read_text()).name == left

    resumed = run_tool('train', [*options, '--resume'], tmp_path)
    assert resumed.status == 0, resumed.err
    # nothing in the checkpoint needs a loader that would run code
    assert 'Could not safely load' not in resumed.out + resumed.err
    assert_same(load(trained.checkpoint), load(work_dir / 'iter_9.pth'))


@pytest.fixture
def project(trained, tmp_path):
    """The small project without its work directory."""
    folder = tmp_path / 'project'
    shutil.copytree(trained.folder, folder, ignore=shutil.ignore_patterns('work_dirs'))
    return folder


def test_resume_passes_over_a_damaged_checkpoint(trained, project):
    options = ['tiny.py', '--cfg-options', 'default_hooks.checkpoint.max_keep_ckpts=3']
    killed = run_tool('train', options + killed_at('before_train_iter', 5), project)
    assert killed.status < 0
    work_dir = project / 'work_dirs/tiny'
    last, earlier = work_dir / 'iter_4.pth', work_dir / 'iter_2.pth'
    damage(last, 'cut')
    before = last.read_bytes()
    named = run_tool('train', [*options, '--resume', last], project)
    assert named.status == 1
    assert printed_error(named) == (
        f'error: {last} is damaged (its end is missing); the newest whole one in {work_dir} is '
        f'{earlier}: --resume {earlier}.')
    assert last.read_bytes() == before

    resumed = run_tool('train', [*options, '--resume'], project)
    assert resumed.status == 0, resumed.err
    assert ('warning: work_dirs/tiny/iter_4.pth is damaged (its end is missing) and stays as it '
            'is; the training goes on from work_dirs/tiny/iter_2.pth') in resumed.err
    # nothing of the way is lost
    assert_same(load(trained.checkpoint), load(work_dir / 'iter_9.pth'))


@pytest.mark.parametrize('name', ['structured meta', 'another get'])
@pytest.mark.parametrize('argv', [['--resume', 'bad.pth'],
                                  ['--cfg-options', 'resume=True', 'load_from=bad.pth']])
def test_config_of_a_stranger_is_not_run(project, name, argv):
    """Each is made to look as if it had no config, until MMEngine looks for one."""
    (project / 'bad.pth').write_bytes(hostile(project / 'marker')[name])
    result = run_tool('train', ['tiny.py', *argv], project)
    assert not (project / 'marker').exists()
    assert result.status == 1
    assert printed_error(result).startswith(
        'error: bad.pth holds more than tensors and plain values (')


def test_checkpoint_of_the_config_is_looked_at_like_that_of_the_option(trained, project):
    work_dir = project / 'work_dirs/tiny'
    work_dir.mkdir(parents=True)
    good, bad = work_dir / 'iter_9.pth', project / 'bad.pth'
    for path in (good, bad):
        shutil.copy(trained.checkpoint, path)
    damage(bad, 'flipped')
    for argv in (['--resume', bad], ['--cfg-options', 'resume=True', f'load_from={bad}']):
        result = run_tool('train', ['tiny.py', *argv], project)
        assert result.status == 1
        assert 'does not match its checksum); the newest whole one in' in printed_error(result)


def test_resume_where_all_are_damaged(project):
    work_dir = project / 'work_dirs/tiny'
    work_dir.mkdir(parents=True)
    for number in (2, 4):
        (work_dir / f'iter_{number}.pth').touch()
    result = run_tool('train', ['tiny.py', '--resume'], project)
    assert result.status == 1
    assert 'no checkpoint of work_dirs/tiny is whole (iter_' in printed_error(result)
    assert 'start anew without --resume' in printed_error(result)
    # the same sentence where OpenMMLab's own tools would resume
    result = run_tool('train', ['tiny.py', '--cfg-options', 'resume=True'], project)
    assert result.status == 1
    assert f'no checkpoint of {work_dir} is whole' in printed_error(result)
    assert sorted(path.name for path in work_dir.glob('*.pth')) == ['iter_2.pth', 'iter_4.pth']


REFUSED = (r'error: \S*bomb\.pth needs the Python class _?io\.open, which a file can use to run '
           r'any program; .* --trust-checkpoint')


@pytest.mark.parametrize(('tool', 'argv'), [
    ('train', ['tiny.py', '--cfg-options', 'load_from=bomb.pth']),
    ('test', ['tiny.py', 'bomb.pth']),
    ('predict', ['tiny.py', 'bomb.pth', 'pictures/images/0.png']),
])
def test_no_tool_runs_what_a_checkpoint_holds(project, tool, argv):
    write_bomb(project / 'bomb.pth', project / 'marker', **META)
    result = run_tool(tool, argv, project)
    assert result.status == 1
    assert re.search(REFUSED, result.err), result.err
    assert 'Traceback' not in result.err
    assert not (project / 'marker').exists()


@pytest.mark.parametrize(('tool', 'argv'), [
    ('train', ['tiny.py', '--resume', 'bomb.pth']),
    ('export_teacher', ['bomb.pth', 'out.pth']),
    ('convert_deeplab', ['bomb.pth', 'out.pth']),
    ('convert_vgg16', ['bomb.pth', 'out.pth']),
    ('convert_coco_head', ['bomb.pth', '--keep', 'cow']),
])
def test_no_converter_does_either(project, monkeypatch, capsys, tool, argv):
    monkeypatch.chdir(project)
    write_bomb(project / 'bomb.pth', project / 'marker', **META)
    with contextlib.suppress(SystemExit):
        assert importlib.import_module(tool).main(argv) == 1
    assert re.search(REFUSED, capsys.readouterr().err)
    assert not (project / 'marker').exists()
    assert not (project / 'out.pth').exists()


def test_user_may_trust_a_checkpoint(trained, project):
    content = torch.load(trained.checkpoint, weights_only=False)
    marker = project / 'marker'
    write_bomb(project / 'ours.pth', marker, **content)
    for argv, env in ((['--trust-checkpoint'], {}), ([], dict(PASTURE_TRUST_CHECKPOINT='1'))):
        result = run_tool('test', ['tiny.py', 'ours.pth', *argv], project, env)
        assert result.status == 0, result.err
        assert marker.exists()
        marker.unlink()


def test_config_in_a_checkpoint_is_not_run_on_resume(trained, project):
    content = torch.load(trained.checkpoint, weights_only=False)
    content['meta']['config'] = "open('marker', 'w').close()\n"
    content['meta']['iter'] = 8
    torch.save(content, project / 'iter_8.pth')
    result = run_tool('train', ['tiny.py', '--resume', 'iter_8.pth'], project)
    assert result.status == 0, result.err
    assert not (project / 'marker').exists()


@pytest.mark.parametrize('note', ['', '/gone/iter_8.pth', None])
def test_last_checkpoint_is_found_without_a_usable_note(tmp_path, note):
    for name in ('iter_8.pth', 'best_mIoU_iter_8.pth', '.iter_9.abcdefgh.pth'):
        (tmp_path / name).touch()
    if note is not None:
        (tmp_path / 'last_checkpoint').write_text(note)
    assert last_checkpoint(tmp_path) == tmp_path / 'iter_8.pth'
    assert last_checkpoint(tmp_path / 'nowhere') is None


@pytest.mark.parametrize(('argv', 'command'), [
    (['a b.py', '--amp'], "python tools/train.py 'a b.py' --amp --resume"),
    (['c.py', '--resume', 'x.pth', '--amp'], 'python tools/train.py c.py --amp --resume'),
    (['--resume=x.pth', 'c.py'], 'python tools/train.py c.py --resume'),
    (['c.py', '--resume', 'auto', '--amp'], 'python tools/train.py c.py --amp --resume'),
])
def test_command_that_goes_on(argv, command):
    assert resume_command(argv) == command
