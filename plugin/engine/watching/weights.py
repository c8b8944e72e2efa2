"""Weights that are not finite."""
from collections.abc import Mapping

import torch
from torch import Tensor


def not_finite(weights: Mapping[str, Tensor]) -> str | None:
    """The first tensor that holds NaN or infinity.

    Args:
        weights (Mapping): Such as ``model.state_dict()``: parameters and buffers, also the running
            statistics of batch norm. They are read by one copy from their device.

    Returns:
        str | None: Its name, or None where all are finite.

    Example:
        >>> import torch
        >>> from plugin.engine.watching.weights import not_finite
        >>> not_finite(dict(weight=torch.ones(2), bias=torch.tensor([0., torch.nan])))
        'bias'
    """
    floats = {name: value for name, value in weights.items()
              if isinstance(value, Tensor) and value.is_floating_point()}
    if not floats:
        return None
    device = next(iter(floats.values())).device
    finite = torch.stack([torch.isfinite(value.detach()).all().to(device)
                          for value in floats.values()]).tolist()
    return next((name for name, good in zip(floats, finite, strict=True) if not good), None)
