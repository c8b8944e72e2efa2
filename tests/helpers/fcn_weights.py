"""The published FCN with random weights, narrowed."""
import torch
from torch import Tensor

from tests import reference

NARROW = {64: 4, 128: 8, 256: 16, 512: 32, 4096: 16}


def published_weights(stride: int, seed: int = 0) -> dict[str, Tensor]:
    """Random weights in the published names, for ``base_channels=4`` and ``fc_channels=16``."""
    return random_weights(reference.fcn_layers(stride), NARROW, seed)


def random_weights(layers: dict, narrow: dict[int, int], seed: int = 0) -> dict[str, Tensor]:
    """Weights and biases of layers ``name -> (maps out, maps in, kernel size, has a bias)``."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, (out, width, kernel, bias) in layers.items():
        out, width = narrow.get(out, out), narrow.get(width, width)
        shape = (out, width, kernel, kernel)
        scale = (2 / (width * kernel * kernel))**0.5
        weights[f'{name}.weight'] = torch.randn(shape, generator=generator) * scale
        if bias:
            weights[f'{name}.bias'] = torch.randn(out, generator=generator)
    return weights
