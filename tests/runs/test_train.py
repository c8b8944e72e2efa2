"""tools/train.py: exact resume, several processes, and mistakes of users."""
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import train

from tests.helpers.forked import run_tool, run_tools
from tests.helpers.paths import TOOLS
from tests.helpers.tiny import write_project


def assert_same(one, other, where='checkpoint'):
    """Compare nested dicts and lists of tensors bit by bit."""
    assert type(one) is type(other), where
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_same(one[key], other[key], f'{where}.{key}')
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), where
        for index, (first, second) in enumerate(zip(one, other, strict=True)):
            assert_same(first, second, f'{where}.{index}')
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    else:
        assert one == other, where


def load(path: Path) -> dict:
    checkpoint = torch.load(path, weights_only=False)
    return {key: checkpoint[key] for key in ('state_dict', 'optimizer', 'param_schedulers')}


def killed_at(moment: str, iteration: int) -> list:
    return ['--cfg-options', 'default_hooks.kill.type=KillHook',
            f'default_hooks.kill.moment={moment}', f'default_hooks.kill.iteration={iteration}']


def printed_error(result) -> str:
    return next(line for line in result.err.splitlines() if line.startswith('error:'))


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


def test_two_processes_train_evaluate_and_save_once(tmp_path):
    write_project(tmp_path)
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    envs = [dict(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2', MASTER_PORT=str(port),
                 MASTER_ADDR='127.0.0.1') for rank in range(2)]
    first, second = run_tools('train', ['tiny.py', '--launcher', 'pytorch', '--cfg-options',
                                        'log_level=INFO'], tmp_path, envs)
    assert (first.status, second.status) == (0, 0), first.err + second.err
    assert (first.out + second.out).count('Saving checkpoint at 9 iterations') == 1
    assert (first.out + second.out).count('trained 9 iterations') == 1
    # 5 images in 2 processes: each of them sees 3
    assert 'Iter(val) [3/3]' in first.out
    names = {path.name for path in (tmp_path / 'work_dirs/tiny').glob('*.pth')}
    assert 'iter_9.pth' in names
    assert len(names) == 2


def test_stop_by_hand_says_how_to_go_on(trained):
    argv = ['tiny.py', '--work-dir', 'by hand',
            *killed_at('before_train_iter', 1), 'default_hooks.kill.sent=SIGINT']
    result = run_tool('train', argv, trained.folder)
    assert result.status == 130
    assert 'stopped after 1 iterations; go on with' in result.out
    assert "python tools/train.py tiny.py --work-dir 'by hand' --cfg-options" in result.out
    assert 'Traceback' not in result.err


def test_end_of_a_training_names_scores_and_files(trained):
    out = trained.result.out
    assert 'trained 9 iterations' in out
    assert 'mIoU ' in out
    assert f'last checkpoint  {trained.checkpoint}' in out
    assert 'best checkpoint  ' in out


@pytest.mark.parametrize(('argv', 'message'), [
    (['tyny.py'], 'error: config tyny.py does not exist; did you mean tiny.py?'),
    (['broken.py'], 'error: broken.py cannot be read as a config: SyntaxError'),
    (['tiny.py', '--resume', 'iter_3.pth'],
     'error: checkpoint iter_3.pth does not exist; the newest in work_dirs/tiny is '),
    (['tiny.py', '--cfg-options', 'model.decode_head.type=FCNHad'],
     "error: type='FCNHad' is no model that mmseg or this project knows; did you mean FCNHead?"),
    (['tiny.py', '--cfg-options', 'model.decode_head.no_such=1'],
     "unexpected keyword argument 'no_such'."),
    (['tiny.py', '--cfg-options', 'train_dataloader.dataset.data_root=nowhere'], 'nowhere'),
    (['tiny.py', '--work-dir', 'tiny.py'],
     'error: the work directory tiny.py is a file; give another one.'),
])
def test_mistakes_end_with_a_sentence_before_the_first_iteration(
        trained, tmp_path, argv, message):
    shutil.copytree(trained.folder, tmp_path / 'project')
    folder = tmp_path / 'project'
    (folder / 'broken.py').write_text('model = dict(\n')
    result = run_tool('train', argv, folder)
    assert result.status == 1
    assert message in printed_error(result)
    assert 'Traceback' not in result.err


def test_mixed_precision_without_gpu_names_the_cure(trained):
    if torch.cuda.is_available():
        pytest.skip('there is a GPU')
    result = run_tool('train', ['tiny.py', '--amp', '--work-dir', 'amp'], trained.folder)
    assert result.status == 1
    assert printed_error(result).endswith('none is visible; train with --no-amp.')


def test_debug_shows_where_an_error_comes_from(trained):
    result = run_tool('train', ['tyny.py', '--debug'], trained.folder)
    assert result.status == 1
    assert 'Traceback' in result.err


def test_misspelt_options_are_pointed_out(trained):
    argv = ['tiny.py', '--work-dir', 'other', '--cfg-options', 'train_cfg.max_iters=0',
            'optim_wraper.clip_grad=None', 'model.decode_head.dropout_ratio=0.1']
    result = run_tool('train', argv, trained.folder)
    warnings = [line for line in result.err.splitlines() if line.startswith('warning: --cfg')]
    assert warnings == ['warning: --cfg-options optim_wraper.clip_grad: the config has no '
                        'optim_wraper yet; did you mean optim_wrapper?']


@pytest.mark.parametrize(('argv', 'message'), [
    ([], 'the following arguments are required: config'),
    (['tiny.py', '--cfg-options', 'model'], "'model' is not KEY=VALUE"),
    (['tiny.py', '--launcher', 'ssh'], "invalid choice: 'ssh'"),
])
def test_wrong_usage_has_status_2(capsys, argv, message):
    with pytest.raises(SystemExit) as error:
        train.main(argv)
    assert error.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize('tool', ['train', 'test', 'predict', 'browse'])
def test_help_loads_nothing_heavy(tool):
    result = subprocess.run([sys.executable, '-X', 'importtime', TOOLS / f'{tool}.py', '--help'],
                            capture_output=True, text=True, check=True)
    loaded = {line.rpartition('|')[2].strip() for line in result.stderr.splitlines()}
    assert 'argparse' in loaded
    assert loaded.isdisjoint({'torch', 'mmengine', 'numpy', 'cv2', 'plugin'})
    assert 'examples:' in result.stdout


@pytest.mark.parametrize(('argv', 'command'), [
    (['a b.py', '--amp'], "python tools/train.py 'a b.py' --amp --resume"),
    (['c.py', '--resume', 'x.pth', '--amp'], 'python tools/train.py c.py --amp --resume'),
    (['--resume=x.pth', 'c.py'], 'python tools/train.py c.py --resume'),
    (['c.py', '--resume', 'auto', '--amp'], 'python tools/train.py c.py --amp --resume'),
])
def test_command_that_goes_on(argv, command):
    assert train.resume_command(argv) == command


@pytest.mark.parametrize('note', ['', '/gone/iter_8.pth', None])
def test_last_checkpoint_is_found_without_a_usable_note(tmp_path, note):
    for name in ('iter_8.pth', 'best_mIoU_iter_8.pth', '.iter_9.abcdefgh.pth'):
        (tmp_path / name).touch()
    if note is not None:
        (tmp_path / 'last_checkpoint').write_text(note)
    assert train._checkpoints.last_checkpoint(tmp_path) == tmp_path / 'iter_8.pth'
    assert train._checkpoints.last_checkpoint(tmp_path / 'nowhere') is None


@pytest.mark.parametrize(('script', 'argv', 'expected'), [
    ('dist_train.sh', ['a b.py', '2', '--amp'],
     '-m torch.distributed.run --standalone --nproc_per_node=2 {tools}/train.py a b.py '
     '--launcher pytorch --amp'),
    ('dist_test.sh', ['c.py', 'd.pth', '3'],
     '-m torch.distributed.run --standalone --nproc_per_node=3 {tools}/test.py c.py d.pth '
     '--launcher pytorch'),
])
def test_launchers_start_the_tools(script, argv, expected):
    result = subprocess.run([TOOLS / script, *argv], capture_output=True, text=True, check=True,
                            env={'PATH': '/usr/bin:/bin', 'PYTHON': 'echo'})
    assert result.stdout.strip() == expected.format(tools=TOOLS)


def test_slurm_asks_for_the_gpus(tmp_path):
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\necho "$@"\n')
    srun.chmod(0o755)
    result = subprocess.run([TOOLS / 'slurm_train.sh', 'gpu', 'job', 'c.py', '--amp'],
                            capture_output=True, text=True, check=True,
                            env={'PATH': f'{tmp_path}:/usr/bin:/bin', 'GPUS': '4'})
    assert '--gres=gpu:4 --ntasks=4 --ntasks-per-node=4' in result.stdout
    assert result.stdout.strip().endswith('train.py c.py --launcher slurm --amp')


@pytest.mark.parametrize(('script', 'argv'), [
    ('dist_train.sh', ['c.py']), ('dist_train.sh', ['c.py', 'two']),
    ('dist_test.sh', ['c.py', '2']), ('slurm_train.sh', ['gpu', 'job'])])
def test_launchers_explain_themselves(script, argv):
    result = subprocess.run([TOOLS / script, *argv], capture_output=True, text=True)
    assert result.returncode == 2
    assert 'usage: ' in result.stderr
