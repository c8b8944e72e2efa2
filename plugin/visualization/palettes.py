"""Colours of classes."""
from collections.abc import Sequence
from typing import Any

import numpy as np

from plugin.utils import UserError
from plugin.utils.text import brief

Colour = Sequence[int]


def check_palette(palette: Any) -> None:
    """Stop at a palette that is none: it may come from a config, a checkpoint or a JSON file.

    Args:
        palette (Any): To be ``C`` colours ``(red, green, blue)``, 0..255.

    Raises:
        UserError: If it is anything else.

    Example:
        >>> from plugin.visualization.palettes import check_palette
        >>> check_palette([(0, 0, 0), (255, 128, 0)])
    """
    try:
        shape = np.shape(palette)
    except ValueError:  # colours of different lengths
        shape = ()
    if len(shape) != 2 or shape[1] != 3:
        raise UserError(f'the palette has the shape {shape}; give (red, green, blue) for each '
                        'class')
    for number, colour in enumerate(palette):
        if not all(isinstance(part, (int, float, np.number)) and 0 <= part <= 255
                   for part in colour):
            raise UserError(f'colour {number} of the palette is {brief(list(colour))}; give three '
                            'numbers 0..255')
