"""What a run leaves behind: scores, confusion matrix, curves and images."""
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import is_main_process, master_only
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from plugin import visualization
from plugin.utils import write_atomically
from plugin.visualization.report.configs import changes_against_bases

from ..summary.gallery import GalleryKeeper
from ..summary.instances import InstancePages, Jobs, count_threshold
from ..summary.scores import ignored_id, say, score_jobs, to_json

GALLERY_LONGEST = 480  # pixels


@HOOKS.register_module()
class RunSummaryHook(Hook):
    """Write the scores of a run as JSON and as images.

    After each validation of a training, in the work directory: ``scores.json``
    (in percent), ``confusion_matrix.json`` and ``confusion_matrix.png``. At its
    end, there: ``curves.png`` from the scalars that ``LocalVisBackend`` wrote, also
    those of the runs it was resumed from, ``predictions.png``, and for the report of
    ``tools/report.py`` the images in ``vis_data/gallery.json``. A test, or a
    validation without training, writes the same without curves into the folder of
    its own log, ``<work_dir>/<timestamp>``. At the beginning the log's folder gets
    ``vis_data/config_changes.json``: what the config changes against its bases.

    Models that outline instances leave ``precision_recall.png`` and ``.json`` of
    ``FastCocoMetric`` in place of the confusion matrix, ``counts.json``, instances in
    colours in ``predictions.png``, and ``worst_pictures.png``: those with the lowest quality (see
    :func:`~plugin.evaluation.match_instances`) of all processes, at the working threshold
    of ``CountMetric``. For the truth, ``PackDetInputs`` needs ``'instances'`` among its
    ``meta_keys``; without it only predictions are shown.

    Scores of other metrics are written as they are. A file that cannot be written is a
    warning: no training is lost to a full disk. Only the main process writes, and
    ``predictions.png`` shows its own images.

    Args:
        samples (int): Images in ``predictions.png``, spread over the data set.
            0 draws none.
        longest (int): Longest side of such an image, in pixels.
        worst (int): Images in ``worst_pictures.png``. 0 draws none.
        gallery (int): Images in the report: so many of the worst, the best, and random ones,
            at most 480 pixels. 0 keeps none.
        page (bool): Whether ``report.html`` is written at the end of a run. Defaults to True.
    """

    # after the logger, whose scalars are drawn, and after the checkpoint is safe
    priority = 'LOWEST'

    def __init__(self, samples: int = 6, longest: int = 512, worst: int = 8,
                 gallery: int = 8, page: bool = True) -> None:
        self.samples = samples
        self.page = page
        self.longest = longest
        self._gallery = GalleryKeeper(gallery, GALLERY_LONGEST)
        self._instances = InstancePages(worst, longest, self._gallery)
        self._training = False
        self._resumed = False
        self._metrics: dict[str, Any] = {}
        self._kept: list[visualization.Sample] = []
        self._seen = 0

    @master_only
    def before_run(self, runner: Runner) -> None:
        path = Path(runner.log_dir) / 'vis_data' / 'config_changes.json'
        if (changes := changes_against_bases(runner.cfg)) is not None:
            _write(runner, {path: lambda path: write_atomically(path, to_json(changes, indent=1))},
                   quiet=True)

    def before_train(self, runner: Runner) -> None:
        self._training = True
        self._resumed = runner.iter > 0

    def before_val_epoch(self, runner: Runner) -> None:
        self._kept, self._seen = [], 0
        self._instances.reset()
        self._gallery.reset()

    before_test_epoch = before_val_epoch

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                       outputs: Sequence | None = None) -> None:
        self._keep(outputs, runner.val_loop, runner.world_size)

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                        outputs: Sequence | None = None) -> None:
        self._keep(outputs, runner.test_loop, runner.world_size)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        self._instances.gather()
        self._gallery.gather()
        if not is_main_process():
            return
        self._metrics = dict(metrics or {})
        if self._training:
            folder = Path(runner.work_dir)
            _write(runner, {**score_jobs(folder, self._metrics, runner.val_loop.evaluator,
                                          runner.iter), **self._instances.count_jobs(
                                              folder, runner.val_loop.dataloader.dataset)})
        else:
            self._finish(runner, self._metrics, runner.val_loop, 'validation')

    def after_test_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        self._instances.gather()
        self._gallery.gather()
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
        _write(runner, {**jobs, **self._image_jobs(folder, runner.val_loop)})
        say(runner, self._metrics, runner.val_loop.evaluator, 'validation')

    def _finish(self, runner: Runner, metrics: dict[str, Any], loop: Any, part: str) -> None:
        """Write and say all that follows from a test, or from a validation on its own."""
        folder = Path(runner.log_dir)
        _write(runner, {**score_jobs(folder, metrics, loop.evaluator),
                        **self._instances.count_jobs(folder, loop.dataloader.dataset),
                        **self._image_jobs(folder, loop)})
        say(runner, metrics, loop.evaluator, part)

    def _keep(self, outputs: Sequence | None, loop: Any, world_size: int) -> None:
        """Hold back a few small images of those that the main process saw."""
        own = math.ceil(len(loop.dataloader.dataset) / world_size)
        spread = np.linspace(0, own - 1, min(self.samples, own)).round()
        for output in outputs or []:
            wanted = is_main_process() and self._seen in spread
            self._seen += 1
            if 'pred_instances' in output:
                self._instances.see(output, count_threshold(loop.evaluator), wanted)
            elif 'pred_sem_seg' in output and 'img_path' in output:
                classes = getattr(loop.dataloader.dataset, 'metainfo', {}).get('classes') or ()
                self._gallery.see_labels(output, len(classes), ignored_id(loop.evaluator))
                if wanted:
                    self._keep_sample(output)

    def _keep_sample(self, output: Any) -> None:
        truth = output.gt_sem_seg.data if 'gt_sem_seg' in output else None
        self._kept.append(visualization.Sample(
            output.img_path, self._small(output.pred_sem_seg.data),
            None if truth is None else self._small(truth)))

    def _small(self, labels: Any) -> np.ndarray:
        labels = labels.detach().cpu().numpy()
        labels = labels.reshape(labels.shape[-2:]).astype(np.int32)
        return visualization.shrink(labels, self.longest, labels=True)

    def _image_jobs(self, folder: Path, loop: Any) -> Jobs:
        dataset = loop.dataloader.dataset
        gallery = self._gallery.jobs(folder, dataset)
        if instances := self._instances.jobs(folder):
            return {**instances, **gallery}
        meta = getattr(dataset, 'metainfo', {})
        # without a palette nothing is drawn; those of MMSegmentation always have one
        if not self._kept or not meta.get('classes') or not meta.get('palette'):
            return gallery
        return {folder / 'predictions.png': lambda path: visualization.draw_samples(
            self._kept, meta['classes'], meta['palette'], path), **gallery}

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


def _write(runner: Runner, jobs: Jobs, quiet: bool = False) -> None:
    """Write each file; where that fails, say why and go on. One line names what was written."""
    written = []
    for path, job in jobs.items():
        try:
            job(path)
        except OSError as error:
            runner.logger.warning(f'{path} is not written: {error}')
        else:
            written.append(str(path))
    if written and not quiet:
        runner.logger.info(f'wrote {", ".join(written)}')
