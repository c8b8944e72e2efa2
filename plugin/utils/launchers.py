"""What a launcher tells a process of those that it started."""
import os
from typing import NamedTuple

from .errors import UserError

# rank, number of processes, and number on the machine, as PyTorch names them and as others do
TORCH = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK')
SOURCES = {
    'pytorch': TORCH,
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
}
# what tells one start of the processes from another
STARTS = {
    'pytorch': ('TORCHELASTIC_RUN_ID', 'TORCHELASTIC_RESTART_COUNT'),
    'slurm': ('SLURM_JOB_ID', 'SLURM_STEP_ID', 'SLURM_RESTART_COUNT'),
    'mpi': ('PMIX_NAMESPACE', ),
}


class Launch(NamedTuple):
    """One of N processes.

    Attributes:
        rank (int): Its number, from 0.
        size (int): N.
        local_rank (int): Its number on its machine.
        name (str): The same for all processes of a start, and another one for the next start, if
            the launcher tells; a part of a file name.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    name: str = 'start'


ALONE = Launch()


def launched_by(launcher: str, local_rank: int = 0) -> Launch:
    """What this process is among those of a launcher.

    Args:
        launcher (str): ``none``, ``pytorch``, ``slurm`` or ``mpi``.
        local_rank (int): Its number on its machine, where ``pytorch`` does not tell.

    Raises:
        UserError: If it was not started by that.
    """
    if launcher == 'none':
        return ALONE
    names = SOURCES[launcher]
    told = {'LOCAL_RANK': str(local_rank), **os.environ}
    missing = [name for name in names if name not in told]
    if missing:
        raise UserError(f'--launcher {launcher}: {", ".join(missing)} is not set, so it was not '
                        'started by that; use dist_train.sh or slurm_train.sh')
    start = '-'.join(told.get(name, '') for name in STARTS[launcher])
    start = ''.join(letter if letter.isalnum() else '-' for letter in start)
    rank, size, local_rank = (int(told[name]) for name in names)
    return Launch(rank, size, local_rank, f'start-{start}')
