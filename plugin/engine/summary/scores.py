"""Scores of an evaluation: as files, and as a line of the log."""
import json
from pathlib import Path
from typing import Any

from mmengine.evaluator import Evaluator
from mmengine.runner import Runner

from plugin import visualization
from plugin.evaluation import SegMetric
from plugin.utils import write_atomically
from plugin.utils.numbers import jsonable

from .instances import Jobs, class_scores, curve_jobs, sentence


def score_jobs(folder: Path, metrics: dict[str, Any], evaluator: Evaluator,
                iteration: int | None = None) -> Jobs:
    """What to write about the scores; nothing where there are none, as in ``format_only``."""
    if not metrics:
        return {}
    scores: dict[str, Any] = {'iteration': iteration, 'scores': metrics}
    jobs: Jobs = {folder / 'scores.json':
                  lambda path: write_atomically(path, to_json(scores, indent=1)),
                  **curve_jobs(folder, evaluator)}
    metric = seg_metric(evaluator)
    matrix = None if metric is None else metric.confusion_matrix
    if metric is None or matrix is None:
        if classes := class_scores(evaluator):
            scores['classes'] = classes
        return jobs
    names, values = list(metric.dataset_meta['classes']), metric.scores()
    percent = [(100 * values[key]).round(4).tolist() for key in ('IoU', 'Acc')]
    scores['classes'] = [{'class': name, 'IoU': iou, 'Acc': acc}
                         for name, iou, acc in zip(names, *percent, strict=True)]
    content = {'classes': names, 'rows': 'truth', 'columns': 'prediction',
               'matrix': matrix.tolist()}
    jobs[folder / 'confusion_matrix.json'] = lambda path: write_atomically(path, to_json(content))
    jobs[folder / 'confusion_matrix.png'] = lambda path: visualization.draw_confusion(
        matrix, names, path)
    return jobs


def say(runner: Runner, metrics: dict[str, Any], evaluator: Evaluator, part: str) -> None:
    """One line with the scores that matter, as shares of 1."""
    metric = seg_metric(evaluator)
    if metrics and metric is not None:
        runner.logger.info(f'mIoU {metric.scores()["mIoU"]:.4f} on the {part} set')
        return
    words = sentence(metrics, part)
    for name, value in metrics.items():
        if name.split('/')[-1] == 'mIoU':
            words = f'mIoU {value / 100:.4f}'  # IoUMetric speaks in percent
    if words is not None:
        runner.logger.info(f'{words} on the {part} set')


def seg_metric(evaluator: Evaluator) -> SegMetric | None:
    """The first metric of ours that has evaluated something."""
    return next((metric for metric in evaluator.metrics if isinstance(metric, SegMetric)
                 and metric.confusion_matrix is not None), None)


def ignored_id(evaluator: Evaluator) -> int:
    """The id of the truth that does not count."""
    return next((metric.ignore_index for metric in evaluator.metrics
                 if hasattr(metric, 'ignore_index')), 255)


def to_json(content: dict[str, Any], indent: int | None = None) -> str:
    """JSON text; NaN, which JSON does not have, becomes null."""
    return json.dumps(jsonable(content), ensure_ascii=False, indent=indent) + '\n'
