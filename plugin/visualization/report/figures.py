"""Charts of a report as Plotly specifications; the page chooses their colours."""
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from plugin.utils.counts import count_errors, told_counts

from ..curves import FIRST, Curve
from .checks import DRAWN
from .evaluations import HEADLINES, Evaluation
from .runs import OF_CLASSES, Run

POINTS = 40_000  # of all curves of a report together, some 20 bytes each
PANELS = {
    'loss': ('Loss', 'loss', '', False), 'score': ('Validation scores', 'score', '', False),
    'count': ('Counting error', 'animals an image', '', False),
    'lr': ('Learning rate', 'learning rate', '.1e', False),
    'teaching': ('Pseudo-labels', 'share of the pixels', '.0%', True),
    'threshold': ('Thresholds and weights', 'value', '', True),
    'bank': ('Fill of the memory banks', 'share of the capacity', '.0%', True),
    'share': ('Classes among the pseudo-labels', 'share of the pixels', '.0%', True),
    'kept_share': ('Classes among the reliable ones', 'share of the pixels', '.0%', True),
    'class_threshold': ('Threshold of each class', 'confidence', '', True),
}
# what is seen before one asks for more, beside the scores of the headlines
SHOWN = {*FIRST, 'lr', 'reliable_share', 'pseudo_accuracy', 'reliable_accuracy', 'gamma',
         'lambda_u', 'bank_min', 'bank_mean', 'count/RMSE', 'count/best_MAE', 'count/constant_MAE'}
KEY = {*FIRST, 'lr', 'reliable_share', 'gamma', 'bank_mean'}  # of several runs in one chart
WORDS = {'reliable_share': 'reliable', 'pseudo_accuracy': 'right, where the truth is known',
         'reliable_accuracy': 'right of the reliable',
         'gamma': 'gamma, entropy threshold (nats)', 'lambda_u': 'lambda, weight of the loss',
         'bank_min': 'emptiest bank', 'bank_mean': 'mean of the banks',
         'contrast_classes': 'classes in the contrastive loss'}
CURVES = 150  # of one run in a chart
PAIRS = 5000  # numbers of animals there and found that are drawn


class Figure(NamedTuple):
    """A chart: its name in the page, title, text for those who do not see it, and Plotly's spec."""

    key: str
    title: str
    alt: str
    spec: dict[str, Any]


def draw_curves(runs: Sequence[Run], teaching: bool) -> list[Figure]:
    """Curves of all runs, a chart a panel.

    Args:
        runs (Sequence[Run]): One or more.
        teaching (bool): Panels of teachers and students, instead of those of every training.

    Returns:
        list[Figure]: Charts that have something to show.
    """
    number = sum(min(len(series), CURVES) for run in runs for series in run.curves.values())
    limit = max(50, POINTS // max(1, number))
    found = []
    for panel, (title, axis, unit, taught) in PANELS.items():
        several = sum(bool(run.curves.get(panel)) for run in runs) > 1
        traces = [trace for place, run in enumerate(runs)
                  for trace in _traces(run, panel, place if several else None, limit)]
        if len(runs) > 1 and traces and not several:
            owner = next(run.name for run in runs if run.curves.get(panel))
            title = f'{title} of {owner}'
        if taught != teaching or not traces:
            continue
        y: dict[str, Any] = dict(title=dict(text=axis), tickformat=unit,
                                 rangemode='tozero' if '%' in unit else 'normal')
        values = [value for trace in traces for value in _known(trace)
                  if trace['visible'] is True]
        if panel in ('loss', 'lr') and values and min(values) > 0 and (
                max(values) > 100 * min(values)):
            y.update(type='log', dtick=1, tickformat='', exponentformat='power')
        layout = dict(xaxis=dict(title=dict(text='iteration')), yaxis=y, hovermode='x unified')
        alt = '; '.join(f'{trace["name"]} from {_known(trace)[0]:.4g} to {_known(trace)[-1]:.4g}'
                        for trace in traces if trace['visible'] is True)
        found.append(Figure(
            panel, title, f'{title} over the iterations: {alt}.{_left_out(runs, panel, traces)}',
            dict(data=traces, layout=layout)))
    return found


def draw_evaluation(evaluation: Evaluation) -> list[Figure]:
    """Charts of one evaluation: confusion, precision over recall, counts."""
    found = [_confusion(evaluation), *_precision_recall(evaluation), *_counts(evaluation)]
    return [figure for figure in found if figure is not None]


def _rounded(value: float) -> float | None:
    return float(f'{value:.6g}') if math.isfinite(value) else None


def _known(trace: dict[str, Any]) -> list[float]:
    """The values of a curve without its gaps."""
    return [value for value in trace['y'] if value is not None]


def _left_out(runs: Sequence[Run], panel: str, traces: list[dict[str, Any]]) -> str:
    """How many curves, and points of the longest one, are not drawn."""
    series = [points for run in runs for points in run.curves.get(panel, {}).values()]
    drawn, longest = max(len(trace['x']) for trace in traces), max(map(len, series))
    text = f' Of {longest} points of a curve, {drawn} are drawn.' if drawn < longest else ''
    if any(len(run.curves.get(panel, {})) > CURVES for run in runs):
        text += f' Of {len(series)} curves, {len(traces)} are drawn.'
    return text


def _traces(run: Run, panel: str, colour: int | None, limit: int) -> list[dict[str, Any]]:
    different: dict[str, Curve] = {}
    for name, points in run.curves.get(panel, {}).items():
        # aAcc and PA are one curve
        if len(different) < CURVES and (
                panel in OF_CLASSES.values() or points not in different.values()):
            different[name] = points
    names = sorted(different, key=lambda name: (
        name not in FIRST, not _is_shown(name, panel, False)))
    traces = []
    for place, name in enumerate(names):
        steps, values = zip(*_thin(different[name], limit))
        if not any(map(math.isfinite, values)):
            continue  # what is left of the points are gaps
        word = WORDS.get(name, name.partition('/')[2] if panel in OF_CLASSES.values() else name)
        traces.append(dict(
            type='scatter', x=list(steps), y=list(map(_rounded, values)),
            name=word if colour is None else f'{run.name}: {word}',
            mode='lines+markers' if len(steps) < 30 else 'lines',
            line=dict(width=2.5 if place == 0 else 1.5,
                      dash=('solid', 'dash', 'dot', 'dashdot')[place % 4] if colour is not None
                      else 'solid'),
            visible=_is_shown(name, panel, colour is not None) or 'legendonly',
            meta=dict(colour=place if colour is None else colour)))
    if traces and all(trace['visible'] == 'legendonly' for trace in traces):
        traces[0]['visible'] = True
    return traces


def _is_shown(name: str, panel: str, several: bool) -> bool:
    if several:
        return name in KEY
    return name in SHOWN or panel in ('share', 'kept_share', 'class_threshold') or (
        panel == 'score' and name.split('/')[-1] in HEADLINES)


def _thin(points: Curve, limit: int) -> Curve:
    """At most so many points; the last one stays."""
    step = math.ceil(len(points) / limit)
    return points[::-1][::step][::-1]


def _confusion(evaluation: Evaluation) -> Figure | None:
    if evaluation.confusion is None or len(evaluation.confusion[0]) > DRAWN:
        return None
    names, matrix = evaluation.confusion
    with np.errstate(invalid='ignore'):
        shares = matrix / matrix.sum(axis=1, keepdims=True)
    rows = [[None if math.isnan(value) else round(float(value), 4) for value in row]
            for row in shares]
    spec = dict(
        data=[dict(type='heatmap', z=rows, x=names, y=names, zmin=0, zmax=1, meta=dict(heat=True),
                   xgap=1, ygap=1, hoverongaps=False, colorbar=dict(tickformat='.0%', len=0.8),
                   texttemplate='%{z:.0%}' if len(names) <= 12 else '',
                   hovertemplate='truth %{y}<br>prediction %{x}<br>%{z:.1%}<extra></extra>')],
        layout=dict(xaxis=dict(title=dict(text='prediction'), type='category', tickangle=-60),
                    yaxis=dict(title=dict(text='truth'), type='category', autorange='reversed'),
                    height=int(np.clip(160 + 30 * len(names), 320, 900))),
        counts=matrix.tolist(), rows=rows)
    right = np.trace(matrix) / matrix.sum() if matrix.sum() else math.nan
    return Figure('confusion', 'Confusion matrix', 'Rows are the truth, columns the prediction; '
                  f'{right:.1%} of the pixels are on the diagonal.', spec)


def _precision_recall(evaluation: Evaluation) -> list[Figure]:
    traces = []
    for panel, (kind, series) in enumerate(evaluation.precision_recall.items()):
        for place, (name, precision) in enumerate(series.items()):
            recall = np.linspace(0, 1, len(precision)).round(3).tolist()
            known = [value for value in precision if value is not None]
            area = float(np.mean(known)) if known else math.nan
            traces.append(dict(
                type='scatter', mode='lines', x=recall, y=precision,
                name=f'{kind}, {name}: AP {area:.3f}', meta=dict(colour=place),
                line=dict(width=2, dash='solid' if panel == 0 else 'dash'),
                hovertemplate='recall %{x:.2f}, precision %{y:.2f}'))
    if not traces:
        return []
    layout = dict(xaxis=dict(title=dict(text='recall'), range=[0, 1.01]),
                  yaxis=dict(title=dict(text='precision'), range=[0, 1.03]))
    alt = '; '.join(trace['name'] for trace in traces)
    return [Figure('precision-recall', 'Precision and recall', f'Precision over recall: {alt}.',
                   dict(data=traces, layout=layout))]


def _counts(evaluation: Evaluation) -> list[Figure]:
    counts = evaluation.counts
    if not counts.get('pictures'):
        return []
    every = Counter((there, found) for _, there, found in counts['pictures'])
    pairs = dict(every.most_common(PAIRS)) if len(every) > PAIRS else every
    (x, y), sizes = zip(*pairs), list(pairs.values())
    most = max(max(x), max(y), 1)
    scale = 28 / math.sqrt(max(sizes))
    diagonal = dict(type='scatter', mode='lines', x=[0, most], y=[0, most], name='right',
                    line=dict(width=1, dash='dot'), hoverinfo='skip', meta=dict(colour=6))
    points = dict(type='scatter', mode='markers', x=list(x), y=list(y), name='images',
                  customdata=sizes, meta=dict(colour=0),
                  marker=dict(size=[max(7, scale * math.sqrt(size)) for size in sizes],
                              opacity=0.7),
                  hovertemplate='%{x} there, %{y} found: %{customdata} images<extra></extra>')
    ticks = dict(dtick=max(1, round(most / 8)), rangemode='tozero')
    layout = dict(xaxis=dict(title=dict(text='animals there'), **ticks), showlegend=False,
                  yaxis=dict(title=dict(text='animals found'), **ticks))
    exact = sum(size for (there, found), size in pairs.items() if there == found)
    alt = (f'{exact} of {sum(sizes)} images have the right number at the threshold '
           f'{counts["threshold"]:.2f}.')
    errors = count_errors([found for _, _, found in counts['pictures']],
                          [there for _, there, _ in counts['pictures']])
    alt += f' The count is off by {errors["MAE"]:.2f} animals an image; {told_counts(errors)}.'
    if len(every) > PAIRS:
        alt += f' Of {len(counts["pictures"])} images, {sum(sizes)} are drawn.'
    found = [Figure('counts', 'Animals found against animals there', alt,
                    dict(data=[diagonal, points], layout=layout))]
    if counts.get('thresholds'):
        found.append(_count_error(counts))
    return found


def _count_error(counts: dict[str, Any]) -> Figure:
    threshold, errors = counts['threshold'], counts['MAE']
    best = int(np.argmin(errors))
    trace = dict(type='scatter', mode='lines', x=counts['thresholds'], y=errors,
                 name='mean error', meta=dict(colour=1), line=dict(width=2.5),
                 hovertemplate='threshold %{x:.2f}: off by %{y:.2f}<extra></extra>')
    line = dict(type='line', x0=threshold, x1=threshold, y0=0, y1=1, yref='paper',
                line=dict(width=1.5, dash='dot'))
    note = dict(x=threshold, y=1, yref='paper', yanchor='bottom', showarrow=False,
                text=f'in use: {threshold:.2f}')
    layout = dict(xaxis=dict(title=dict(text='score threshold'), range=[0, 1]), shapes=[line],
                  yaxis=dict(title=dict(text='animals off, an image'), rangemode='tozero'),
                  annotations=[note], showlegend=False)
    alt = (f'The mean error of the count is least, {errors[best]:.2f}, at the threshold '
           f'{counts["thresholds"][best]:.2f}.')
    return Figure('count-error', 'Counting error over the threshold', alt,
                  dict(data=[trace], layout=layout))
