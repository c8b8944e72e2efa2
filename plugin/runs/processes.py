"""Starting tools, and one of several processes, with or without GPUs."""
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from plugin.utils import UserError
from plugin.utils.launchers import SOURCES, TORCH, launched_by
from plugin.utils.workers import usable_cores

ROOT = Path(__file__).resolve().parents[2]
CHECKOUT = (ROOT / 'setup.py').is_file()
# installed, the tools are the package `pasture`
TOOLS = ROOT / ('tools' if CHECKOUT else 'pasture')


def tool_command(tool: str) -> list[str]:
    """The words that start a tool with this Python, from a checkout or as installed.

    Args:
        tool (str): Its name, such as ``train``.
    """
    if CHECKOUT:
        return [sys.executable, str(TOOLS / f'{tool}.py')]
    return [sys.executable, '-m', 'pasture', tool]


def shown_command(tool: str) -> list[str]:
    """The words by which a person starts a tool."""
    return ['python', f'tools/{tool}.py'] if CHECKOUT else ['pasture', tool]


def training_command(config: str | Path, arguments: Sequence[str] = (),
                     processes: int = 1) -> list[str]:
    """The words that start a training.

    Args:
        config (str | Path): The config file.
        arguments (Sequence[str]): Other arguments of ``tools/train.py``.
        processes (int): Processes, one a GPU. Defaults to 1.
    """
    if processes == 1:
        return [*tool_command('train'), str(config), *arguments]
    return [str(TOOLS / 'dist_train.sh'), str(config), str(processes), *arguments]


def training_environment() -> dict[str, str]:
    """The environment of a training; ``dist_train.sh`` starts the Python that it names."""
    return {'PYTHON': sys.executable, **os.environ}


def share_of_cores(jobs: int) -> dict[str, str]:
    """What lets several trainings on a CPU share its cores, where the user has set nothing.

    Each would start a thread a core, and they would spend their time waiting for each other.

    Args:
        jobs (int): Trainings at a time.

    Returns:
        dict[str, str]: ``OMP_NUM_THREADS`` for the environment of each; empty where it is set.
    """
    if 'OMP_NUM_THREADS' in os.environ:
        return {}
    return dict(OMP_NUM_THREADS=str(max(1, usable_cores() // jobs)))


def join_processes(cfg: Config, launcher: str, local_rank: int) -> None:
    """Connect this process with the others where MMEngine cannot: on machines without a GPU.

    MMEngine chooses a CUDA device for every process. Without one, the processes are connected
    here by gloo, and the model is wrapped without a device; MMEngine uses both as they are.

    Args:
        cfg (mmengine.Config): The config; gets ``launcher`` and ``model_wrapper_cfg``.
        launcher (str): ``none``, ``pytorch``, ``slurm`` or ``mpi``.
        local_rank (int): Number on this machine, where the environment does not tell.

    Raises:
        UserError: If the processes were not started by the launcher, or there
            are more of them than GPUs.
    """
    cfg.launcher = launcher
    os.environ.setdefault('LOCAL_RANK', str(local_rank))
    if launcher == 'none':
        return
    import torch
    from mmengine.device import get_device, is_cuda_available
    _translate_environment(launcher)
    number = int(os.environ['LOCAL_RANK'])
    if is_cuda_available():
        if number >= torch.cuda.device_count():
            raise UserError(f'process {number} of this machine has no GPU of its own: '
                            f'{torch.cuda.device_count()} visible; start no more processes')
        return
    if get_device() == 'cpu':
        torch.distributed.init_process_group('gloo')
        wrapper = cfg.get('model_wrapper_cfg') or dict(
            type='MMDistributedDataParallel', broadcast_buffers=False,
            find_unused_parameters=cfg.get('find_unused_parameters', False))
        cfg.model_wrapper_cfg = dict(wrapper, device_ids=None)


def leave_processes() -> None:
    """Disconnect from the others; does nothing for a single process.

    The caller must have let go of the model.
    """
    import gc

    from torch import distributed
    if distributed.is_available() and distributed.is_initialized():
        # threads of the connection that outlive Python abort the process at its exit
        gc.collect()
        distributed.barrier()
        distributed.destroy_process_group()


def _translate_environment(launcher: str) -> None:
    """Name rank, size and address as PyTorch does, from what the launcher tells."""
    launched_by(launcher)  # raises where it is not
    for name, value in zip(TORCH, SOURCES[launcher], strict=True):
        os.environ[name] = os.environ[value]
    os.environ.setdefault('MASTER_PORT', '29500')
    if launcher == 'slurm' and 'MASTER_ADDR' not in os.environ:
        nodes = ['scontrol', 'show', 'hostname', os.environ['SLURM_NODELIST']]
        answer = subprocess.run(nodes, capture_output=True, text=True, check=True)
        os.environ['MASTER_ADDR'] = answer.stdout.split()[0]
    os.environ.setdefault('MASTER_ADDR', '127.0.0.1')
