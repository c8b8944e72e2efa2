"""Semantic segmentation scores from one confusion matrix."""
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_dist_info
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmseg.registry import METRICS
from PIL import Image
from prettytable import PrettyTable
from torch import Tensor

from plugin.datasets.image_names import base_name
from plugin.utils import UserError, atomic_path

from .confusion import fold, joint_histogram, seg_scores

# what is reported: IoUMetric's three names first, then the literature's
REPORTED = {'aAcc': 'PA', 'mIoU': 'mIoU', 'mAcc': 'MPA', 'PA': 'PA', 'MPA': 'MPA',
            'FWIoU': 'FWIoU'}


@METRICS.register_module()
class SegMetric(BaseMetric):
    """Pixel accuracy, mean pixel accuracy, mean and frequency weighted IoU.

    All follow from one integer confusion matrix ``(C, C)`` of C classes (see
    :func:`~plugin.evaluation.confusion.seg_scores`), summed over images and
    processes, so that memory does not grow with the images. ``aAcc``, ``mAcc``
    and ``mIoU`` equal those of MMSegmentation's ``IoUMetric``. Over several
    processes each image counts once, even if MMEngine's ``DefaultSampler``
    repeats it to fill the last round; ``IoUMetric`` sums single precision
    floats and is less exact beyond 2**24 pixels of a class.

    Attributes:
        confusion_matrix (np.ndarray | None): int64 ``(C, C)`` of the last
            evaluation, rows truth, columns prediction. On the main process.

    Args:
        ignore_index (int): Pixels with this id in the truth do not count.
        classwise (bool): Also return ``IoU.<class>`` and ``Acc.<class>``, so
            that loggers such as TensorBoard draw a curve for each class. The
            log always has them as a table.
        output_dir (str, optional): Folder for predictions as PNG, one an image,
            under the image's name.
        format_only (bool): Only write predictions, for images without truth.
        keep_results (bool): No effect. ``--out`` of MMSegmentation's
            ``tools/test.py`` sets it.
        collect_device (str): 'cpu' or 'gpu', where processes exchange counts.
        collect_dir (str, optional): Folder for that exchange, with 'cpu'.
        prefix (str, optional): Put before each name, with a slash.

    Raises:
        UserError: If ``format_only`` is set without ``output_dir``.
    """

    default_prefix = ''

    def __init__(self, ignore_index: int = 255, classwise: bool = False,
                 output_dir: str | None = None, format_only: bool = False,
                 keep_results: bool = False, collect_device: str = 'cpu',
                 prefix: str | None = None, collect_dir: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        if format_only and output_dir is None:
            raise UserError('format_only=True writes predictions; set output_dir to their folder')
        self.ignore_index = ignore_index
        self.classwise = classwise
        self.output_dir = None if output_dir is None else Path(output_dir)
        self.format_only = format_only
        # what an image is called in output_dir; NamedResultsHook knows its folder
        self.image_name: Callable[[str], str] = base_name
        self._written: dict[str, str] = {}
        self.confusion_matrix: np.ndarray | None = None
        self._counts: np.ndarray | None = None
        self._reset()

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch, on the device of the predictions.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): Samples with ``pred_sem_seg`` and
                ``gt_sem_seg``, each with ``data`` of shape ``(1, H, W)`` or
                ``(H, W)``.

        Raises:
            UserError: If a prediction is no class, has another size than its
                truth, or the truth is missing.
        """
        for sample in data_samples:
            prediction = sample['pred_sem_seg']['data']
            if not self.format_only:
                self._add(self._count(prediction, sample))
            if self.output_dir is not None:
                self._write(prediction, sample)

    def evaluate(self, size: int) -> dict[str, float]:
        """Sum the counts of all processes and score them.

        Args:
            size (int): Number of images in the whole data set.

        Returns:
            dict: Scores in percent, rounded to two decimals, on each process.

        Raises:
            UserError: If this process saw more images than its share.
        """
        world_size = get_dist_info()[1]
        self.results = [self._without_filler(size)]
        self._reset()
        # one matrix a process, from which the repeated images are gone
        return super().evaluate(world_size)

    def compute_metrics(self, results: list[Tensor]) -> dict[str, float]:
        """Score the sum of the processes' counts, each int64 ``(C + 1, C)``."""
        if self.format_only:
            print_log(f'predictions are saved to {self.output_dir}', logger='current')
            return {}
        counts = torch.stack(list(results)).sum(dim=0).numpy()
        self._counts, self.confusion_matrix = counts, counts[:-1].copy()
        self._warn(counts)
        # single precision and rounding as in IoUMetric: the last decimal is the same, too
        percent = {name: np.round(value * 100, 2)
                   for name, value in seg_scores(counts, np.float32).items()}
        names = self._classes()
        self._log_table(names, percent)
        # str() is the shortest decimal, 83.1, where float() would show 83.0999984741211
        metrics = {name: float(str(percent[key])) for name, key in REPORTED.items()}
        if self.classwise:
            metrics.update({f'{key}.{name}': float(str(value)) for key in ('IoU', 'Acc')
                            for name, value in zip(names, percent[key], strict=True)})
        return metrics

    def scores(self) -> dict[str, np.ndarray]:
        """Scores of the last evaluation as shares in 0..1, not rounded.

        Returns:
            dict: ``PA``, ``MPA``, ``mIoU``, ``FWIoU``, and arrays ``(C,)``
            ``IoU`` and ``Acc``; see :func:`~plugin.evaluation.seg_scores`.

        Raises:
            RuntimeError: If nothing was evaluated on this process.
        """
        if self._counts is None:
            raise RuntimeError('there are no scores yet; call evaluate() first, and ask the main '
                               'process')
        return seg_scores(self._counts)

    def _reset(self) -> None:
        self._images = 0
        self._settled: Tensor | None = None
        self._last: Tensor | None = None

    def _add(self, counts: Tensor) -> None:
        """Add the counts of the image before; those of the last one may be left out later."""
        if self._settled is None or self._last is None:
            self._settled = torch.zeros_like(counts)
        else:
            self._settled += self._last
        self._last = counts
        self._images += 1

    def _without_filler(self, size: int) -> Tensor:
        """Counts of this process, without the image that only filled the last round.

        Image i of process r is number ``i * world_size + r`` of the data set in
        ``DefaultSampler``'s order; from ``size`` on, images are repeated. That
        can only be the last one of a process.
        """
        rank, world_size = get_dist_info()
        own = len(range(rank, size, world_size))
        if self._images > own + (world_size > 1):
            raise UserError(f'process {rank} of {world_size} evaluated {self._images} images, but '
                            f'only {own} of {size} are its share; use DefaultSampler for '
                            'evaluation')
        if self._settled is None or self._last is None:
            return torch.zeros(len(self._classes()) + 1, len(self._classes()), dtype=torch.int64)
        total = self._settled + self._last if self._images <= own else self._settled
        return fold(total, self.ignore_index).cpu()

    def _classes(self) -> Sequence[str]:
        names = (self.dataset_meta or {}).get('classes')
        if not names:
            raise UserError('the data set names no classes; set metainfo=dict(classes=...) in it')
        return names

    def _count(self, prediction: Tensor, sample: dict) -> Tensor:
        name = sample.get('img_path', 'an image without img_path')
        if 'gt_sem_seg' not in sample:
            raise UserError(f'{name} has no truth; load it with LoadAnnotations in the pipeline, '
                            'or only write predictions with format_only=True and output_dir')
        try:
            return joint_histogram(prediction, sample['gt_sem_seg']['data'],
                                   len(self._classes()), self.ignore_index)
        except ValueError as error:
            raise UserError(f'{name}: {error}') from error

    def _write(self, prediction: Tensor, sample: dict) -> None:
        """Write class ids as PNG, in the numbering of the label files."""
        assert self.output_dir is not None
        ids = prediction.cpu().numpy()
        ids = ids.reshape(ids.shape[-2:]).astype(np.int64) + bool(sample.get('reduce_zero_label'))
        kind = np.uint8 if ids.size == 0 or ids.max() < 256 else np.uint16
        with atomic_path(self.output_dir / self._result_name(sample['img_path'])) as temporary:
            Image.fromarray(ids.astype(kind)).save(temporary)

    def _result_name(self, path: str) -> str:
        """Where the prediction of an image is written, below ``output_dir``.

        Raises:
            UserError: If that of another image is there.
        """
        name = Path(self.image_name(path)).with_suffix('.png').as_posix()
        # file systems that ignore case would merge A.png and a.png; a sampler repeats images
        other = self._written.setdefault(name.casefold(), path)
        if other != path:
            raise UserError(f'{other} and {path} would share the prediction {name}: rename one of '
                            'them, or test them by tools/test.py --out, which keeps their folders')
        return name

    def _warn(self, counts: np.ndarray) -> None:
        unknown, last = int(counts[-1].sum()), len(counts) - 2
        if unknown:
            print_log(f'{unknown} pixels have a truth outside 0..{last} (ignore '
                      f'{self.ignore_index}); they lower the IoU of what is predicted there, check '
                      'the labels', logger='current', level=logging.WARNING)
        if not counts[:-1].any():
            print_log('no pixel has a known truth, all scores are NaN; check the data set, its '
                      'classes and ignore_index', logger='current', level=logging.WARNING)

    @staticmethod
    def _log_table(names: Sequence[str], percent: dict[str, np.ndarray]) -> None:
        table = PrettyTable()
        table.add_column('Class', list(names))
        for key in ('IoU', 'Acc'):
            table.add_column(key, [str(value) for value in percent[key]])
        print_log(f'per class results:\n{table.get_string()}', logger='current')
