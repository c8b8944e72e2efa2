"""How tools are started, and what one of several processes does."""
import sys

import pytest
from mmengine.config import Config

from plugin.runs import processes
from plugin.utils import UserError
from tests.helpers.forked import run_tools
from tests.helpers.paths import TOOLS
from tests.helpers.ports import free_port
from tests.helpers.tiny import write_project


def test_a_checkout_starts_its_own_tools():
    assert processes.tool_command('report') == [sys.executable, str(TOOLS / 'report.py')]
    assert processes.shown_command('report') == ['python', 'tools/report.py']
    assert processes.training_command('a b.py', ['--amp']) == [
        sys.executable, str(TOOLS / 'train.py'), 'a b.py', '--amp']
    assert processes.training_command('c.py', ['--amp'], 3) == [
        str(TOOLS / 'dist_train.sh'), 'c.py', '3', '--amp']


def test_an_installation_starts_its_package(monkeypatch, tmp_path):
    monkeypatch.setattr(processes, 'CHECKOUT', False)
    monkeypatch.setattr(processes, 'TOOLS', tmp_path / 'pasture')
    assert processes.training_command('c.py', ['--amp']) == [
        sys.executable, '-m', 'pasture', 'train', 'c.py', '--amp']
    assert processes.shown_command('train') == ['pasture', 'train']
    assert processes.training_command('c.py', (), 2)[0] == str(tmp_path / 'pasture/dist_train.sh')


def test_trainings_have_the_same_python(monkeypatch):
    monkeypatch.delenv('PYTHON', raising=False)
    assert processes.training_environment()['PYTHON'] == sys.executable
    monkeypatch.setenv('PYTHON', 'another')
    assert processes.training_environment()['PYTHON'] == 'another'


def test_a_launcher_that_has_not_started_it(monkeypatch):
    for name in ('RANK', 'WORLD_SIZE', 'SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('LOCAL_RANK', '0')
    with pytest.raises(UserError, match='--launcher pytorch: RANK, WORLD_SIZE is not set, so it'):
        processes.join_processes(Config(), 'pytorch', 0)
    with pytest.raises(UserError, match='--launcher slurm: SLURM_PROCID, SLURM_NTASKS, SLURM_LOC'):
        processes.join_processes(Config(), 'slurm', 0)


def test_two_processes_train_evaluate_and_save_once(tmp_path):
    write_project(tmp_path)
    port = free_port()
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
