"""The device to compute on."""
from .errors import UserError
from .launchers import launched_by


def usable_device(name: str) -> str:
    """Return the name of a device on which something can be computed.

    Raises:
        UserError: If nothing can.
    """
    import torch
    try:
        torch.zeros(1, device=name)
    except (AssertionError, RuntimeError) as error:
        line = str(error).splitlines()[0]
        raise UserError(f'--device {name} cannot be used: {line}; try --device cpu') from error
    return name


def launched_device(launcher: str, local_rank: int = 0) -> str | None:
    """The GPU of a process that a launcher started.

    Args:
        launcher (str): ``none``, ``pytorch``, ``slurm`` or ``mpi``.
        local_rank (int): Number on the machine, where ``pytorch`` does not tell.

    Returns:
        str | None: Such as ``cuda:1``; processes share GPUs if there are more of them. None for one
        process alone, or where there is no GPU.
    """
    import torch
    number = torch.cuda.device_count()
    if launcher == 'none' or number == 0:
        return None
    return f'cuda:{launched_by(launcher, local_rank).local_rank % number}'
