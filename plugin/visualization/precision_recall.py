"""Draws curves of precision over recall."""
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from plugin.utils import UserError, atomic_path

from .curves import COLOURS, STYLES


def draw_precision_recall(curves: Mapping[str, Mapping[str, np.ndarray]],
                          path: str | Path) -> None:
    """Draw a panel each for boxes and masks, with the average precision of each curve.

    Args:
        curves (Mapping): ``{panel: {name: precision}}``, such as ``{'mask': {'IoU 0.50': ...}}``;
            each precision ``(R, )``, 0..1, at R recalls evenly from 0 to 1, as
            ``plugin.evaluation.coco_scores.Evaluation.curves`` returns them. The mean of a curve
            is its average precision. Panels without a curve are left out.
        path (str | Path): The PNG to write, whole or not at all.

    Raises:
        UserError: If there is no curve at all.
        OSError: If the file cannot be written.
    """
    panels: dict[str, Mapping[str, np.ndarray]] = {
        panel: series for panel, series in curves.items() if series}
    if not panels:
        raise UserError('there is no curve of precision over recall: the truth holds no animal')
    figure = Figure(figsize=(4.6 * len(panels), 4.6), dpi=110, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (panel, series) in zip(axes, panels.items(), strict=True):
        for number, (name, precision) in enumerate(series.items()):
            axis.plot(np.linspace(0, 1, len(precision)), precision,
                      color=COLOURS[number % len(COLOURS)], linestyle=STYLES[number % len(STYLES)],
                      label=f'{name}: AP {np.mean(precision):.3f}')
        axis.set(title=panel, xlabel='recall', xlim=(0, 1), ylim=(0, 1.02), aspect='equal')
        axis.grid(color='0.9')
        axis.spines[['top', 'right']].set_visible(False)
        # curves seldom pass this corner
        axis.legend(loc='lower left', fontsize=9)
    axes[0].set_ylabel('precision')
    with atomic_path(path) as temporary:
        figure.savefig(temporary)
