"""The device to compute on."""
from .errors import UserError


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
