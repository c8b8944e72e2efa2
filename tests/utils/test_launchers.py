"""What launchers tell, and what follows from it."""
import os

import pytest
import torch

from plugin.utils import UserError
from plugin.utils.device import launched_device
from plugin.utils.launchers import ALONE, SOURCES, launched_by
from plugin.utils.workers import usual_workers


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch):
    for name in (*(name for names in SOURCES.values() for name in names), 'LOCAL_WORLD_SIZE',
                 'TORCHELASTIC_RUN_ID', 'TORCHELASTIC_RESTART_COUNT', 'SLURM_JOB_ID',
                 'SLURM_STEP_ID', 'SLURM_RESTART_COUNT', 'PMIX_NAMESPACE'):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(('launcher', 'told', 'expected'), [
    ('none', {}, ALONE),
    ('pytorch', dict(RANK='3', WORLD_SIZE='4', LOCAL_RANK='1', TORCHELASTIC_RUN_ID='a/b 1',
                     TORCHELASTIC_RESTART_COUNT='2'), (3, 4, 1, 'start-a-b-1-2')),
    ('pytorch', dict(RANK='3', WORLD_SIZE='4'), (3, 4, 7, 'start--')),
    ('slurm', dict(SLURM_PROCID='5', SLURM_NTASKS='8', SLURM_LOCALID='2', SLURM_JOB_ID='77',
                   SLURM_STEP_ID='0'), (5, 8, 2, 'start-77-0-')),
    ('mpi', dict(OMPI_COMM_WORLD_RANK='0', OMPI_COMM_WORLD_SIZE='2',
                 OMPI_COMM_WORLD_LOCAL_RANK='0'), (0, 2, 0, 'start-'))])
def test_every_launcher_tells(monkeypatch, launcher, told, expected):
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert launched_by(launcher, 7 if launcher == 'pytorch' else 0) == expected


def test_one_that_tells_nothing_is_named():
    with pytest.raises(UserError, match='--launcher slurm: SLURM_PROCID, SLURM_NTASKS, '
                                        'SLURM_LOCALID is not set'):
        launched_by('slurm')


def test_processes_share_gpus(monkeypatch):
    monkeypatch.setenv('RANK', '3')
    monkeypatch.setenv('WORLD_SIZE', '4')
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    assert launched_device('pytorch', 3) == 'cuda:1'
    assert launched_device('none') is None
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 0)
    assert launched_device('pytorch', 3) is None


@pytest.mark.skipif(not hasattr(os, 'sched_getaffinity'), reason='of Linux')
@pytest.mark.parametrize(('cores', 'processes', 'expected'), [
    (1, 1, 0), (2, 1, 2), (2, 2, 0), (64, 1, 16), (16, 4, 4)])
def test_workers_are_as_many_as_cores(monkeypatch, cores, processes, expected):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: set(range(cores)))
    monkeypatch.setenv('LOCAL_WORLD_SIZE', str(processes))
    assert usual_workers() == expected
