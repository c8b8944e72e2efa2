"""What RunSummaryHook shows of models that outline instances."""
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.dist import all_gather_object
from mmengine.evaluator import Evaluator

from plugin import visualization
from plugin.datasets.image_names import image_names
from plugin.datasets.labels.polygons import to_rle
from plugin.evaluation import CountMetric, FastCocoMetric, encode_masks, match_instances
from plugin.evaluation.count_metric import DEFAULT_THRESHOLD
from plugin.utils import write_atomically
from plugin.utils.counts import told_counts
from plugin.utils.numbers import jsonable
from plugin.utils.text import LONGEST_NAME

from .gallery import GalleryKeeper

Jobs = dict[Path, Callable[[Path], None]]
PANELS = {'bbox': 'box', 'segm': 'mask'}
THRESHOLDS = np.linspace(0, 1, 101).round(2)


class Counted(NamedTuple):
    """Number of instances in an image, and the scores ``(n, )`` of those that were predicted."""

    truth: int
    scores: np.ndarray


class InstancePages:
    """Keeps some images of an evaluation, the worst of all processes, and the counts of all.

    Args:
        worst (int): Images on the page of the worst. 0 draws none.
        longest (int): Longest side of an image on a page, in pixels.
        gallery (GalleryKeeper): Is shown the images, too.
    """

    def __init__(self, worst: int, longest: int, gallery: GalleryKeeper) -> None:
        self.worst = worst
        self.longest = longest
        self.gallery = gallery
        self.reset()

    def reset(self) -> None:
        """Forget the images of the last evaluation."""
        self._some: list[visualization.InstanceSample] = []
        self._worst: list[visualization.InstanceSample] = []
        self._counts: dict[str, Counted] = {}
        self._threshold = DEFAULT_THRESHOLD

    def see(self, output: Any, threshold: float, wanted: bool) -> None:
        """Look at an image that was predicted.

        Args:
            output (DetDataSample): With ``pred_instances``; ``instances`` is its truth.
            threshold (float): Predictions with a lower score do not count.
            wanted (bool): Keep it as one of the samples.
        """
        self._threshold = threshold
        if 'img_path' not in output:
            return
        if 'instances' in output:
            there = sum(not instance.get('ignore_flag', 0) for instance in output.instances)
            self._counts[output.img_path] = Counted(
                there, output.pred_instances.scores.cpu().numpy())
        if 'masks' not in output.pred_instances:
            return
        rated = (self.worst or self.gallery.number) and 'instances' in output
        if not wanted and not rated:
            return
        sample = _sample(output, threshold)
        self.gallery.see_instances(sample, _classes(output, threshold))
        if wanted:
            self._some.append(sample)
        if rated:
            self._worst = _lowest([*self._worst, sample], self.worst)

    def gather(self) -> None:
        """Bring the worst images of all processes together; all of them have to call it."""
        everyone = all_gather_object(self._worst)
        # the last round of a sampler may repeat images
        different = {sample.path: sample for samples in everyone for sample in samples}
        self._worst = _lowest(list(different.values()), self.worst)
        for counts in all_gather_object(self._counts):
            self._counts.update(counts)

    def jobs(self, folder: Path) -> Jobs:
        """What to draw, as functions of the path to write."""
        pages = {'predictions.png': self._some, 'worst_pictures.png': self._worst}
        return {folder / name: partial(self._draw, samples)
                for name, samples in pages.items() if samples}

    def _draw(self, samples: list[visualization.InstanceSample], path: Path) -> None:
        visualization.draw_instance_samples(samples, path, self.longest)

    def count_jobs(self, folder: Path, dataset: Any = None) -> Jobs:
        """Write what was counted in each image, and how far off other thresholds would be.

        Args:
            folder (Path): Where to write.
            dataset (Any, optional): Names the images by their folders.
        """
        if not self._counts:
            return {}
        counts = sorted(self._counts.items())
        found = np.array([np.searchsorted(np.sort(-one.scores), -THRESHOLDS, side='right')
                          for _, one in counts])
        truth = np.array([one.truth for _, one in counts])
        name = image_names(dataset)
        content = dict(
            threshold=self._threshold,
            pictures=[[name(path)[-LONGEST_NAME:], one.truth,
                       int((one.scores >= self._threshold).sum())]
                      for path, one in counts],
            # of every prediction, so that folds can calibrate each other's intervals
            scores=[one.scores.astype(np.float64).round(6).tolist() for _, one in counts],
            thresholds=THRESHOLDS.tolist(),
            MAE=np.abs(found - truth[:, None]).mean(axis=0).round(4).tolist())
        return {folder / 'counts.json': lambda path: write_atomically(
            path, json.dumps(jsonable(content), ensure_ascii=False))}


def count_threshold(evaluator: Evaluator) -> float:
    """The working threshold of the first ``CountMetric``, or the default."""
    return next((metric.threshold for metric in evaluator.metrics
                 if isinstance(metric, CountMetric)), DEFAULT_THRESHOLD)


def curve_jobs(folder: Path, evaluator: Evaluator) -> Jobs:
    """Draw precision over recall, where a ``FastCocoMetric`` has evaluated something."""
    curves = {PANELS[kind]: evaluation.curves() for metric in evaluator.metrics
              if isinstance(metric, FastCocoMetric)
              for kind, evaluation in metric.evaluations.items()}
    if not any(curves.values()):
        return {}
    numbers = {panel: {name: precision.round(4).tolist() for name, precision in series.items()}
               for panel, series in curves.items()}
    return {folder / 'precision_recall.png':
            lambda path: visualization.draw_precision_recall(curves, path),
            folder / 'precision_recall.json':
            lambda path: write_atomically(path, json.dumps(jsonable(numbers)))}


def class_scores(evaluator: Evaluator) -> list[dict[str, Any]]:
    """Average precision of each class, 0..1, of the ``FastCocoMetric`` that evaluated."""
    rows: dict[str, dict[str, Any]] = {}
    for metric in evaluator.metrics:
        evaluations = metric.evaluations if isinstance(metric, FastCocoMetric) else {}
        for kind in sorted(evaluations, reverse=True):  # masks, then boxes
            for index, name in enumerate(metric.dataset_meta['classes']):
                rows.setdefault(name, {'class': name}).update({
                    f'{PANELS[kind]} AP{title}': round(evaluations[kind].class_score(index, iou), 4)
                    for title, iou in (('', None), ('50', 0.5))})
    return list(rows.values())


def sentence(metrics: dict[str, Any], part: str = 'validation') -> str | None:
    """The scores of an instance model on a part of the data in words, or None without scores."""
    parts = []
    for kind, name in (('segm', 'mask'), ('bbox', 'box')):
        found = {key: _named(metrics, f'{kind}_{key}') for key in ('mAP_50', 'mAP')}
        if None not in found.values():
            parts.append(f'{name} AP50 {found["mAP_50"]:.3f}, AP {found["mAP"]:.3f}')
            break
    error, threshold = metrics.get('count/MAE'), metrics.get('count/threshold')
    if error is not None:
        best, least = metrics['count/best_threshold'], metrics['count/best_MAE']
        # a test chooses no threshold, and what it would have chosen is no result
        better = f'; {least:.2f} at {best:.2f}' if least < error and part != 'test' else ''
        parts.append(f'counts off by {error:.2f} animals an image '
                     f'(threshold {threshold:.2f}{better})')
        own = {key.removeprefix('count/'): value for key, value in metrics.items()}
        if 'constant' in own:
            parts.append(told_counts(own))
        if 'coverage' in own:
            parts.append(f'{own["coverage"]:.0%} of the true counts lie in their 90% intervals, '
                         f'{own["interval_width"]:.1f} wide')
    return '; '.join(parts) or None


def _named(metrics: dict[str, Any], key: str) -> float | None:
    """A score whatever prefix its metric has."""
    return next((value for name, value in metrics.items() if name.split('/')[-1] == key), None)


def _sample(output: Any, threshold: float) -> visualization.InstanceSample:
    """The instances of an image as run lengths, which are small, matched with the truth."""
    height, width = output.ori_shape[:2]
    found = output.pred_instances
    found = found[found.scores >= threshold].cpu()
    prediction = encode_masks(found.masks.numpy())
    sample = visualization.InstanceSample(
        output.img_path, (height, width), prediction, found.scores.numpy())
    if 'instances' not in output:
        return sample
    codes = [to_rle(instance['mask'], height, width) for instance in output.instances]
    ignored = np.array([bool(instance.get('ignore_flag', 0)) for instance in output.instances],
                       dtype=bool)
    labels = np.array([instance['bbox_label'] for instance in output.instances], dtype=int)
    truth = [code for code, left_out in zip(codes, ignored, strict=True) if not left_out]
    matching = match_instances(
        truth, labels[~ignored], prediction, found.labels.numpy(),
        [code for code, left_out in zip(codes, ignored, strict=True) if left_out])
    return sample._replace(truth=truth, partner=matching.partner, quality=matching.quality)


def _classes(output: Any, threshold: float) -> list[int]:
    """Labels of the instances in the truth, and of those that count as found."""
    found = output.pred_instances.labels[output.pred_instances.scores >= threshold]
    return [*found.cpu().tolist(),
            *(int(instance['bbox_label']) for instance in output.get('instances', []))]


def _lowest(samples: list[visualization.InstanceSample],
            number: int) -> list[visualization.InstanceSample]:
    # the path decides between equals, so that the page does not depend on the processes
    return sorted(samples, key=lambda sample: (sample.quality, sample.path))[:number]
