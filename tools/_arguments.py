"""Values on the command line that several tools take."""
import argparse
import contextlib


def share(text: str) -> float:
    """A number from 0 to 1."""
    with contextlib.suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f'{text} is not a number from 0 to 1')


def positive(text: str) -> int:
    """A whole number from 1."""
    with contextlib.suppress(ValueError):
        if int(text) >= 1:
            return int(text)
    raise argparse.ArgumentTypeError(f'{text} is not a whole number, 1 or more')


def usable_device(name: str) -> str:
    """Return the name of a device on which something can be computed.

    Raises:
        ValueError: If nothing can.
    """
    import torch
    try:
        torch.zeros(1, device=name)
    except (AssertionError, RuntimeError) as error:
        line = str(error).splitlines()[0]
        raise ValueError(f'--device {name} cannot be used: {line}; try --device cpu') from error
    return name
