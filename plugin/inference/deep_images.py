"""Images of more than 8 bits, for models that were trained with ``LoadDeepImage``."""
from pathlib import Path
from typing import Any

import numpy as np
from mmseg.registry import TRANSFORMS

from plugin.datasets.transforms import LoadDeepImage
from plugin.utils import UserError


def deep_loader(step: dict[str, Any]) -> LoadDeepImage | None:
    """The first step of a pipeline, if it scales images of more than 8 bits.

    Args:
        step (dict): Its config.
    """
    if str(step.get('type')).split('.')[-1] != LoadDeepImage.__name__:
        return None
    loader: LoadDeepImage = TRANSFORMS.build(step)
    return loader


def load_deep(loader: LoadDeepImage, path: Path, content: bytes) -> np.ndarray:
    """An image as the training has read it, BGR ``(H, W, 3)``.

    Raises:
        UserError: If it is no image, or lacks a band or the page.
    """
    try:
        return loader.load(content)
    except UserError as error:
        raise UserError(f'{path} {error}') from error
