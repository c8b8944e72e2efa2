"""Weights of torchvision's GoogLeNet for ``GoogLeNet``."""
from collections.abc import Mapping

import torch
from torch import Tensor

from plugin.utils import UserError

from ..backbones.googlenet import GoogLeNet

# the classifier and the two auxiliary ones
CLASSIFIERS = ('fc.', 'aux1.', 'aux2.')


def convert_googlenet(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn the state dict of torchvision's ``googlenet`` into that of ``GoogLeNet``.

    The names are the same; the three classifiers are left out.

    Args:
        state_dict (Mapping[str, Tensor]): ``conv1.conv.weight`` ... ``fc.bias``.

    Returns:
        dict[str, Tensor]: For ``GoogLeNet(variant='torchvision')``.

    Raises:
        UserError: If a layer is missing or left over.
    """
    kept = {key: value for key, value in state_dict.items() if not key.startswith(CLASSIFIERS)}
    with torch.device('meta'):
        wanted = GoogLeNet(variant='torchvision').state_dict()
    # counters of batches came to PyTorch later than these weights
    missing = [key for key in wanted if key not in kept and not key.endswith('_tracked')]
    left = [key for key in kept if key not in wanted]
    if missing or left:
        what = (f'{missing[0]} is missing' if missing
                else f'{left[0]} does not belong to GoogLeNet')
        raise UserError(f"{what}: give the state dict of torchvision's googlenet")
    return kept
