"""Files of AlexNet and GoogLeNet of ImageNet, for the backbones of the same names."""
from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor

from plugin.utils import UserError, write_checkpoint

from .alexnet import convert_alexnet
from .files import check_target, read_state_dict
from .googlenet import convert_googlenet

NETWORKS: dict[str, Callable[[Mapping[str, Tensor]], dict[str, Tensor]]] = {
    'alexnet': convert_alexnet, 'googlenet': convert_googlenet}


def convert(source: str | Path, target: str | Path, *, network: str,
            overwrite: bool = False) -> dict[str, Tensor]:
    """Turn a file of a classifier into weights for a backbone.

    Args:
        source (str | Path): As torchvision's ``alexnet-owt-7be5be79.pth`` or
            ``googlenet-1378be20.pth``.
        target (str | Path): The file to write.
        network (str): ``alexnet`` or ``googlenet``.
        overwrite (bool): Replace an older file.

    Returns:
        dict[str, Tensor]: The state dict that was written.

    Raises:
        OSError: If the source is missing, or the target must not be written.
        UserError: If the source holds other weights.
    """
    if network not in NETWORKS:
        raise UserError(f'network={network!r} is none of {", ".join(NETWORKS)}')
    check_target(Path(source), Path(target), overwrite)
    state_dict = NETWORKS[network](read_state_dict(Path(source)))
    write_checkpoint(dict(state_dict=state_dict), target)
    return state_dict
