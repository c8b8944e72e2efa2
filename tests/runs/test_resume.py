"""What the tools do with checkpoints that are damaged, or would run a program."""
import contextlib
import importlib
import re
import shutil

import pytest
import torch
from test_train import assert_same, killed_at, load, printed_error

from tests.helpers.forked import run_tool
from tests.helpers.hostile_checkpoints import damage, write_bomb

META = dict(message_hub={}, meta=dict(iter=4, epoch=0))


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


REFUSED = (r'error: \S*bomb\.pth needs the Python class io\.open, which a file can use to run any '
           r'program; .* --trust-checkpoint')


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
