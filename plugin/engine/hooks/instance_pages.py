"""What RunSummaryHook shows of models that outline instances."""
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import numpy as np
from mmengine.dist import all_gather_object
from mmengine.evaluator import Evaluator

from plugin import visualization
from plugin.datasets.polygons import to_rle
from plugin.evaluation import CountMetric, FastCocoMetric, encode_masks, match_instances
from plugin.evaluation.count_metric import DEFAULT_THRESHOLD

Jobs = Dict[Path, Callable[[Path], None]]
PANELS = {'bbox': 'box', 'segm': 'mask'}


class InstancePages:
    """Keeps some pictures of an evaluation, and the worst of all processes.

    Args:
        worst (int): Pictures on the page of the worst. 0 draws none.
        longest (int): Longest side of a picture on a page, in pixels.
    """

    def __init__(self, worst: int, longest: int) -> None:
        self.worst = worst
        self.longest = longest
        self.reset()

    def reset(self) -> None:
        """Forget the pictures of the last evaluation."""
        self._some: List[visualization.InstanceSample] = []
        self._worst: List[visualization.InstanceSample] = []

    def see(self, output: Any, threshold: float, wanted: bool) -> None:
        """Look at a picture that was predicted.

        Args:
            output (DetDataSample): With ``pred_instances``; ``instances`` is its truth.
            threshold (float): Predictions with a lower score do not count.
            wanted (bool): Keep it as one of the samples.
        """
        if 'masks' not in output.pred_instances or 'img_path' not in output:
            return
        rated = self.worst > 0 and 'instances' in output
        if not wanted and not rated:
            return
        sample = _sample(output, threshold)
        if wanted:
            self._some.append(sample)
        if rated:
            self._worst = _lowest([*self._worst, sample], self.worst)

    def gather(self) -> None:
        """Bring the worst pictures of all processes together; all of them have to call it."""
        everyone = all_gather_object(self._worst)
        # the last round of a sampler may repeat pictures
        different = {sample.path: sample for samples in everyone for sample in samples}
        self._worst = _lowest(list(different.values()), self.worst)

    def jobs(self, folder: Path) -> Jobs:
        """What to draw, as functions of the path to write."""
        pages = {'predictions.png': self._some, 'worst_pictures.png': self._worst}
        return {folder / name: lambda path, samples=samples: visualization.draw_instance_samples(
            samples, path, self.longest) for name, samples in pages.items() if samples}


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
    return {folder / 'precision_recall.png':
            lambda path: visualization.draw_precision_recall(curves, path)}


def sentence(metrics: Dict[str, Any]) -> Optional[str]:
    """The scores of an instance model in words, or None where there are none."""
    parts = []
    for kind, name in (('segm', 'mask'), ('bbox', 'box')):
        found = {key: _named(metrics, f'{kind}_{key}') for key in ('mAP_50', 'mAP')}
        if None not in found.values():
            parts.append(f'{name} AP50 {found["mAP_50"]:.3f}, AP {found["mAP"]:.3f}')
            break
    error, threshold = metrics.get('count/MAE'), metrics.get('count/threshold')
    if error is not None:
        best, least = metrics['count/best_threshold'], metrics['count/best_MAE']
        better = f'; {least:.2f} at {best:.2f}' if least < error else ''
        parts.append(f'counts off by {error:.2f} animals a picture '
                     f'(threshold {threshold:.2f}{better})')
    return '; '.join(parts) or None


def _named(metrics: Dict[str, Any], key: str) -> Optional[float]:
    """A score whatever prefix its metric has."""
    return next((value for name, value in metrics.items() if name.split('/')[-1] == key), None)


def _sample(output: Any, threshold: float) -> visualization.InstanceSample:
    """The animals of a picture as run lengths, which are small, matched with the truth."""
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


def _lowest(samples: List[visualization.InstanceSample],
            number: int) -> List[visualization.InstanceSample]:
    # the path decides between equals, so that the page does not depend on the processes
    return sorted(samples, key=lambda sample: (sample.quality, sample.path))[:number]
