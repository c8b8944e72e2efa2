"""Draws a confusion matrix."""
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from plugin.utils import UserError, atomic_path

NUMBERS = 25  # up to so many classes the cells show their percentages
LETTERS = 24  # longer class names are cut


def draw_confusion(matrix: np.ndarray, classes: Sequence[str], path: str | Path) -> None:
    """Draw a confusion matrix, each row as shares of the pixels of its class.

    The row of a class that the truth does not hold is grey.

    Args:
        matrix (np.ndarray): Counts ``(C, C)``, rows truth, columns prediction.
        classes (Sequence[str]): ``C`` names.
        path (str | Path): The PNG to write, whole or not at all.

    Raises:
        UserError: If the matrix does not fit the names.
        OSError: If the file cannot be written.
    """
    count = len(classes)
    if matrix.shape != (count, count):
        raise UserError(f'a confusion matrix of the shape {matrix.shape} does not fit {count} '
                        f'classes; give one of the shape {(count, count)}')
    with np.errstate(invalid='ignore'):
        shares = matrix / matrix.sum(axis=1, keepdims=True)
    cell = float(np.clip(10 / count, 0.13, 0.55))  # inches
    figure = Figure(figsize=(max(count * cell, 2) + 1.5, max(count * cell, 2) + 0.5), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    # one hue from dark to light reads the same for colour-blind people, and on paper
    image = axes.imshow(shares, vmin=0, vmax=1, aspect='equal',
                        cmap=colormaps['Blues'].with_extremes(bad='0.8'))
    names = [_short(str(name)) for name in classes]
    size = float(np.clip(cell * 50, 6, 11))
    # parse_math: a dollar sign in a name is a dollar sign
    axes.set_xticks(range(count), names, rotation=90, fontsize=size, parse_math=False)
    axes.set_yticks(range(count), names, fontsize=size, parse_math=False)
    axes.set(xlabel='prediction', ylabel='truth',
             title='confusion, % of the pixels of the true class')
    if count <= NUMBERS:
        # zeros stay empty, which is faster to draw and to read
        for row, column in np.argwhere(shares > 0):
            share = shares[row, column]
            axes.text(column, row, _percent(share), ha='center', va='center', fontsize=size * 0.8,
                      color='white' if share > 0.55 else 'black')
    figure.colorbar(image, ax=axes, shrink=0.8, format=PercentFormatter(1))
    with atomic_path(path) as temporary:
        figure.savefig(temporary, bbox_inches='tight')


def _percent(share: float) -> str:
    """Percentage without decimals; '<1' keeps rare confusions apart from none at all."""
    return '<1' if 0 < share < 0.005 else f'{100 * share:.0f}'


def _short(name: str) -> str:
    return name if len(name) <= LETTERS else f'{name[:LETTERS - 1]}…'
