"""Loss, learning rate and scores of a training, as curves over the iterations."""
import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from plugin.utils import UserError, atomic_path
from plugin.utils.numbers import is_number

# Okabe and Ito's colours, which colour-blind people can tell apart; yellow is too pale for a line
COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#56B4E9', '#E69F00', '#000000')
STYLES = ('-', '--', ':', '-.')
VALIDATED = ('score', 'count')  # panels of validations, which are few
SERIES = len(COLOURS) * 2  # more than these in one panel cannot be told apart
NO_SCORES = {'step', 'iter', 'epoch', 'time', 'data_time', 'memory',
             'count/threshold', 'count/best_threshold', 'count/constant', 'count/images',
             'count/relative', 'count/right', 'count/skill'}
# the main score of each task comes first and in the first colour
FIRST = ('loss', 'val loss', 'mIoU', 'coco/segm_mAP', 'count/MAE')

LAST_STEP = 2 ** 53  # iterations that a float still counts one by one

Curve = list[tuple[int, float]]
Curves = dict[str, dict[str, Curve]]


def read_scalars(path: str | Path) -> list[dict]:
    """Records of a ``scalars.json`` of MMEngine's ``LocalVisBackend``, one a line.

    Lines that are incomplete after a kill or on a full disk are skipped.

    Args:
        path (str | Path): The file.

    Returns:
        list[dict]: The records, in the order they were written.

    Raises:
        OSError: If the file cannot be read.
    """
    return parse_scalars(path)[0]


def parse_scalars(path: str | Path) -> tuple[list[dict], int]:
    """Records of a ``scalars.json`` as :func:`read_scalars` reads them, and incomplete lines.

    Args:
        path (str | Path): The file.

    Returns:
        tuple[list[dict], int]: The records, and the number of lines that were skipped.

    Raises:
        OSError: If the file cannot be read.
    """
    records, torn = [], 0
    for line in Path(path).read_text(encoding='utf-8', errors='replace').splitlines():
        try:
            record = json.loads(line)
        except (RecursionError, ValueError):
            record = None
        if isinstance(record, dict) and is_number(record.get('step'), 0, LAST_STEP):
            records.append(record)
        else:
            torn += bool(line.strip())
    return records, torn


def panel_of(name: str, training: bool) -> str | None:
    """The panel of ``curves.png`` that a scalar belongs to, or None.

    Args:
        name (str): Name of the scalar.
        training (bool): Whether a training logged it, not a validation.
    """
    if name in NO_SCORES:
        return None
    if training:
        return 'lr' if name == 'lr' else 'loss' if 'loss' in name else None
    if 'loss' in name:
        return 'loss'
    return 'count' if name.startswith('count/') else 'score'


def stitch(runs: Iterable[Sequence[dict]],
           panel_of: Callable[[str, bool], str | None] = panel_of, gaps: bool = False) -> Curves:
    """Join the records of a training and of those it was resumed from.

    Where two overlap, because a run was killed after its last checkpoint, the
    later one wins. Runs that trained nothing are left out.

    Args:
        runs (Iterable): Records of each run, the earliest run first. Training
            records have ``iter`` or ``lr``, the others are validations, whose losses
            are told apart by ``val`` before their names; both have ``step``, which for
            a validation may be an epoch.
        panel_of (callable): The panel of a name, or None.
        gaps (bool): Keep what is NaN or infinite as NaN, where a line breaks, unless a curve has
            nothing else. Defaults to False: without it.

    Returns:
        dict: ``{'loss' | 'lr' | 'score' | 'count': {name: [(iteration, value), ...]}}``,
        without values that are no numbers or, as -1 for an average precision, no score.
    """
    curves: Curves = {'loss': {}, 'lr': {}, 'score': {}, 'count': {}}
    for records in runs:
        if not any(map(trains, records)):
            continue
        first = next(record['step'] for record in records if trains(record))
        for panel in curves.values():
            for name in panel:
                panel[name] = [point for point in panel[name] if point[0] < first]
        _append(curves, records, panel_of, gaps)
    return {panel: {name: points for name, points in series.items()
                    if any(math.isfinite(value) for _, value in points)}
            for panel, series in curves.items()}


def draw_curves(curves: Curves, path: str | Path) -> None:
    """Draw what :func:`stitch` returns, a panel each for loss, learning rate, scores and counts.

    Args:
        curves (dict): Curves by panel and name. Empty panels are left out, a
            score that repeats another one under a new name, too.
        path (str | Path): The PNG to write, whole or not at all.

    Raises:
        UserError: If there is no curve at all.
        OSError: If the file cannot be written.
    """
    panels = [(panel, series) for panel, series in curves.items() if series]
    if not panels:
        raise UserError('there is nothing to draw; no loss, learning rate or score was logged')
    figure = Figure(figsize=(9, 0.6 + 2.6 * len(panels)), dpi=110, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    labels = {'loss': 'loss', 'lr': 'learning rate', 'score': 'validation scores',
              'count': 'animals an image'}
    for axis, (panel, series) in zip(axes, panels, strict=True):
        _draw_panel(axis, series, marker='o' if panel in VALIDATED else None)
        axis.set_ylabel(labels[panel])
        values = [value for points in series.values() for _, value in points]
        # decades of a learning rate or a loss are only seen on a logarithmic axis
        if panel not in VALIDATED and min(values) > 0 and max(values) > 100 * min(values):
            axis.set_yscale('log')
    axes[-1].set_xlabel('iteration')
    with atomic_path(path) as temporary:
        figure.savefig(temporary)


def trains(record: dict) -> bool:
    """Whether a record comes from a training, not from a validation."""
    return 'iter' in record or 'lr' in record


def _append(curves: Curves, records: Sequence[dict],
            panel_of: Callable[[str, bool], str | None], gaps: bool) -> None:
    trained = 0
    for record in records:
        training = trains(record)
        # epoch-based runs give validations the epoch as step; they follow the training before them
        step = record['step'] if training else max(record['step'], trained)
        trained = max(trained, step) if training else trained
        for name, value in record.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            if not is_number(value):
                value = math.nan  # one object, so that curves of equal values are equal
            if value is math.nan and not gaps or name in ('step', 'iter', 'epoch'):
                continue
            if '_mAP' in name and value < 0:  # COCO's way to say that there is no truth
                continue
            if (panel := panel_of(name, training)) is not None:
                # losses of a validation have the names of those of the training
                title = f'val {name}' if panel == 'loss' and not training else name
                curves.setdefault(panel, {}).setdefault(title, []).append((step, value))


def _draw_panel(axis: Axes, series: dict[str, Curve], marker: str | None) -> None:
    different: dict[str, Curve] = {}
    for name, points in series.items():
        if points not in different.values():
            different[name] = points
    names = sorted(different, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    names = names[:SERIES]
    for number, name in enumerate(names):
        steps, values = zip(*different[name], strict=True)
        alone = marker or ('o' if len(steps) == 1 else None)
        axis.plot(steps, values, label=name, marker=alone, markersize=3,
                  color=COLOURS[number % len(COLOURS)], linestyle=STYLES[number % len(STYLES)],
                  linewidth=2 if number == 0 else 1.2)
    axis.grid(color='0.9')
    axis.spines[['top', 'right']].set_visible(False)
    if len(names) > 1 or marker:
        # outside of the axes, so that it hides no curve
        axis.legend(loc='center left', bbox_to_anchor=(1, 0.5), fontsize=8, frameon=False)
