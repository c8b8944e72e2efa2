"""Which images of an evaluation its report will show."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import all_gather_object
from torch import Tensor

from plugin.datasets.image_names import image_names
from plugin.evaluation.confusion import fold, joint_histogram, seg_scores
from plugin.visualization.images import shrink
from plugin.visualization.instance_samples import InstanceSample
from plugin.visualization.report.gallery import (
    FILE,
    Candidate,
    Selection,
    pack_labels,
    write_gallery,
)

SCORES = {True: 'quality of the outlines', False: 'mean IoU of the classes in the truth'}


class GalleryKeeper:
    """Keeps the worst, the best and some random images of an evaluation, of all processes.

    Args:
        number (int): Images of each kind. 0 keeps none.
        longest (int): Longest side of an image, in pixels.
    """

    def __init__(self, number: int, longest: int) -> None:
        self.number = number
        self.longest = longest
        self.reset()

    def reset(self) -> None:
        """Forget the images of the last evaluation."""
        self._selection = Selection(self.number)

    def see_labels(self, output: Any, classes: int, ignore_index: int) -> None:
        """Rate an image of a semantic model.

        Args:
            output (SegDataSample): With ``pred_sem_seg``; ``gt_sem_seg`` is its truth.
            classes (int): C of the data set.
            ignore_index (int): Pixels with this id in the truth do not count.
        """
        if not self.number or 'img_path' not in output:
            return
        prediction, score, present = output.pred_sem_seg.data, None, np.array([], int)
        if 'gt_sem_seg' in output:
            score, present = rate_labels(prediction, output.gt_sem_seg.data, classes, ignore_index)
        if self._selection.wants(output.img_path, score):
            truth = None if score is None else self._small(output.gt_sem_seg.data, ignore_index)
            small = self._small(prediction)
            present = np.union1d(present, np.unique(small))
            self._selection.add(Candidate(
                output.img_path, score, present[present < classes].tolist(),
                pack_labels(small, truth)))

    def see_instances(self, sample: InstanceSample, classes: Sequence[int]) -> None:
        """Take an image of an instance model, which is rated already."""
        score = None if sample.quality is None else float(sample.quality)
        if self._selection.wants(sample.path, score):
            self._selection.add(Candidate(sample.path, score, sorted(set(classes)), sample))

    def gather(self) -> None:
        """Bring the images of all processes together; all of them have to call it."""
        for images in all_gather_object(self._selection.images()):
            self._selection.add(*images.values())

    def jobs(self, folder: Path, dataset: Any) -> dict:
        """What to write, as functions of the path to write."""
        kept = self._selection.images()
        meta = getattr(dataset, 'metainfo', {})
        if not kept or not meta.get('classes'):
            return {}
        instances = isinstance(next(iter(kept.values())).content, InstanceSample)
        palette = meta.get('palette') or []
        # instances have a colour each
        if not instances and not palette:
            return {}
        return {folder / FILE: lambda path: write_gallery(
            self._selection, len(dataset), meta['classes'], palette, SCORES[instances],
            self.longest, path, image_names(dataset))}

    def _small(self, labels: Tensor, ignore_index: int = -1) -> np.ndarray:
        ids = labels.detach().cpu().numpy()
        ids = ids.reshape(ids.shape[-2:]).astype(np.int32)
        return shrink(np.where(ids == ignore_index, -1, ids), self.longest, labels=True)


def rate_labels(prediction: Tensor, truth: Tensor, classes: int,
                ignore_index: int = 255) -> tuple[float | None, np.ndarray]:
    """How well the classes of one image were found.

    Args:
        prediction (Tensor): Class ids ``(1, H, W)`` or ``(H, W)``.
        truth (Tensor): The same.
        classes (int): C; the network may know more.
        ignore_index (int): Pixels with this id in the truth do not count.

    Returns:
        tuple: The mean IoU of the classes in the truth, 0..1, or None where no pixel of it has
        a class; and the ids of these classes.
    """
    classes = max(classes, int(prediction.max()) + 1 if prediction.numel() else 0)
    histogram = joint_histogram(prediction, truth, classes, ignore_index)
    counts = fold(histogram, ignore_index).cpu().numpy()
    present = np.flatnonzero(counts[:-1].sum(axis=1))
    if not len(present):
        return None, present
    return float(seg_scores(counts)['IoU'][present].mean()), present
