"""What a run leaves behind: scores, confusion matrix, curves and pictures."""
import json
import math
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmengine.dist import is_main_process, master_only
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from plugin import visualization
from plugin.evaluation import SegMetric
from plugin.utils import write_atomically

from .instance_pages import InstancePages, Jobs, count_threshold, curve_jobs, sentence


@HOOKS.register_module()
class RunSummaryHook(Hook):
    """Write the scores of a run as JSON and as pictures.

    After each validation of a training, in the work directory: ``scores.json``
    (in percent), ``confusion_matrix.json`` and ``confusion_matrix.png``. At its
    end, there: ``curves.png`` from the scalars that ``LocalVisBackend`` wrote, also
    those of the runs it was resumed from, and ``predictions.png``. A test, or a
    validation without training, writes the same without curves into the folder of
    its own log, ``<work_dir>/<timestamp>``.

    Models that outline instances leave ``precision_recall.png`` of ``FastCocoMetric`` in
    place of the confusion matrix, animals in colours in ``predictions.png``, and
    ``worst_pictures.png``: those with the lowest quality (see
    :func:`~plugin.evaluation.match_instances`) of all processes, at the working threshold
    of ``CountMetric``. For the truth, ``PackDetInputs`` needs ``'instances'`` among its
    ``meta_keys``; without it only predictions are shown.

    Scores of other metrics are written as they are. A file that cannot be written is a
    warning: no training is lost to a full disk. Only the main process writes, and
    ``predictions.png`` shows its own pictures.

    Args:
        samples (int): Pictures in ``predictions.png``, spread over the data set.
            0 draws none.
        longest (int): Longest side of such a picture, in pixels.
        worst (int): Pictures in ``worst_pictures.png``. 0 draws none.
    """

    # after the logger, whose scalars are drawn, and after the checkpoint is safe
    priority = 'LOWEST'

    def __init__(self, samples: int = 6, longest: int = 512, worst: int = 8) -> None:
        self.samples = samples
        self.longest = longest
        self._instances = InstancePages(worst, longest)
        self._training = False
        self._resumed = False
        self._metrics: Dict[str, Any] = {}
        self._kept: List[visualization.Sample] = []
        self._seen = 0

    def before_train(self, runner: Runner) -> None:
        self._training = True
        self._resumed = runner.iter > 0

    def before_val_epoch(self, runner: Runner) -> None:
        self._kept, self._seen = [], 0
        self._instances.reset()

    before_test_epoch = before_val_epoch

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                       outputs: Optional[Sequence] = None) -> None:
        self._keep(outputs, runner.val_loop, runner.world_size)

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                        outputs: Optional[Sequence] = None) -> None:
        self._keep(outputs, runner.test_loop, runner.world_size)

    def after_val_epoch(self, runner: Runner, metrics: Optional[Dict[str, Any]] = None) -> None:
        self._instances.gather()
        if not is_main_process():
            return
        self._metrics = dict(metrics or {})
        if self._training:
            _write(runner, _score_jobs(Path(runner.work_dir), self._metrics,
                                       runner.val_loop.evaluator, runner.iter))
        else:
            self._finish(runner, self._metrics, runner.val_loop, 'validation')

    def after_test_epoch(self, runner: Runner, metrics: Optional[Dict[str, Any]] = None) -> None:
        self._instances.gather()
        if is_main_process():
            self._finish(runner, dict(metrics or {}), runner.test_loop, 'test')

    @master_only
    def after_train(self, runner: Runner) -> None:
        self._training = False
        folder = Path(runner.work_dir)
        jobs: Jobs = {folder / 'curves.png': lambda path: self._draw_curves(runner, path)}
        if runner.val_loop is None:
            _write(runner, jobs)
            return
        _write(runner, {**jobs, **self._picture_jobs(folder, runner.val_loop)})
        _say(runner, self._metrics, runner.val_loop.evaluator, 'validation')

    def _finish(self, runner: Runner, metrics: Dict[str, Any], loop: Any, part: str) -> None:
        """Write and say all that follows from a test, or from a validation on its own."""
        folder = Path(runner.log_dir)
        _write(runner, {**_score_jobs(folder, metrics, loop.evaluator),
                        **self._picture_jobs(folder, loop)})
        _say(runner, metrics, loop.evaluator, part)

    def _keep(self, outputs: Optional[Sequence], loop: Any, world_size: int) -> None:
        """Hold back a few small pictures of those that the main process saw."""
        own = math.ceil(len(loop.dataloader.dataset) / world_size)
        spread = np.linspace(0, own - 1, min(self.samples, own)).round()
        for output in outputs or []:
            wanted = is_main_process() and self._seen in spread
            self._seen += 1
            if 'pred_instances' in output:
                self._instances.see(output, count_threshold(loop.evaluator), wanted)
            elif wanted and 'pred_sem_seg' in output and 'img_path' in output:
                truth = output.gt_sem_seg.data if 'gt_sem_seg' in output else None
                self._kept.append(visualization.Sample(
                    output.img_path, self._small(output.pred_sem_seg.data),
                    None if truth is None else self._small(truth)))

    def _small(self, labels: Any) -> np.ndarray:
        labels = labels.detach().cpu().numpy()
        labels = labels.reshape(labels.shape[-2:]).astype(np.int32)
        return visualization.shrink(labels, self.longest, labels=True)

    def _picture_jobs(self, folder: Path, loop: Any) -> Jobs:
        if instances := self._instances.jobs(folder):
            return instances
        meta = getattr(loop.dataloader.dataset, 'metainfo', {})
        # a data set without colours has no picture; those of MMSegmentation always have some
        if not self._kept or not meta.get('classes') or not meta.get('palette'):
            return {}
        return {folder / 'predictions.png': lambda path: visualization.draw_samples(
            self._kept, meta['classes'], meta['palette'], path)}

    def _draw_curves(self, runner: Runner, path: Path) -> None:
        own = Path(runner.log_dir) / 'vis_data' / 'scalars.json'
        files = [own]
        if self._resumed:
            # folders are named by the time a run began, so that their order is that of the runs
            files = [file for file in sorted(Path(runner.work_dir).glob('*/vis_data/scalars.json'))
                     if file.parent.parent.name <= runner.timestamp]
        curves = visualization.stitch(
            [visualization.read_scalars(file) for file in files if file.is_file()])
        if not any(curves.values()):
            raise FileNotFoundError(f'no loss was logged in {own}; train at least '
                                    'LoggerHook.interval iterations, with '
                                    "vis_backends=[dict(type='LocalVisBackend')]")
        visualization.draw_curves(curves, path)


def _seg_metric(evaluator: Evaluator) -> Optional[SegMetric]:
    """The first metric of ours that has evaluated something."""
    return next((metric for metric in evaluator.metrics if isinstance(metric, SegMetric)
                 and metric.confusion_matrix is not None), None)


def _score_jobs(folder: Path, metrics: Dict[str, Any], evaluator: Evaluator,
                iteration: Optional[int] = None) -> Jobs:
    """What to write about the scores; nothing where there are none, as in ``format_only``."""
    if not metrics:
        return {}
    scores: Dict[str, Any] = {'iteration': iteration, 'scores': metrics}
    jobs: Jobs = {folder / 'scores.json':
                  lambda path: write_atomically(path, _json(scores, indent=1)),
                  **curve_jobs(folder, evaluator)}
    metric = _seg_metric(evaluator)
    if metric is None:
        return jobs
    names, values = list(metric.dataset_meta['classes']), metric.scores()
    percent = [(100 * values[key]).round(4).tolist() for key in ('IoU', 'Acc')]
    scores['classes'] = [{'class': name, 'IoU': iou, 'Acc': acc}
                         for name, iou, acc in zip(names, *percent, strict=True)]
    matrix = metric.confusion_matrix
    content = {'classes': names, 'rows': 'truth', 'columns': 'prediction',
               'matrix': matrix.tolist()}
    jobs[folder / 'confusion_matrix.json'] = lambda path: write_atomically(path, _json(content))
    jobs[folder / 'confusion_matrix.png'] = lambda path: visualization.draw_confusion(
        matrix, names, path)
    return jobs


def _write(runner: Runner, jobs: Jobs) -> None:
    """Write each file; where that fails, say why and go on. One line names what was written."""
    written = []
    for path, job in jobs.items():
        try:
            job(path)
        except OSError as error:
            runner.logger.warning(f'{path} is not written: {error}')
        else:
            written.append(str(path))
    if written:
        runner.logger.info(f'wrote {", ".join(written)}')


def _say(runner: Runner, metrics: Dict[str, Any], evaluator: Evaluator, part: str) -> None:
    """One line with the scores that matter, as shares of 1."""
    metric = _seg_metric(evaluator)
    if metrics and metric is not None:
        runner.logger.info(f'mIoU {metric.scores()["mIoU"]:.4f} on the {part} set')
        return
    words = sentence(metrics)
    for name, value in metrics.items():
        if name.split('/')[-1] == 'mIoU':
            words = f'mIoU {value / 100:.4f}'  # IoUMetric speaks in percent
    if words is not None:
        runner.logger.info(f'{words} on the {part} set')


def _json(content: Dict[str, Any], indent: Optional[int] = None) -> str:
    """JSON text; NaN, which JSON does not have, becomes null."""
    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, np.ndarray)):
            return [clean(item) for item in value]
        value = value.item() if hasattr(value, 'item') else value
        return None if isinstance(value, float) and not math.isfinite(value) else value
    return json.dumps(clean(content), ensure_ascii=False, indent=indent) + '\n'
