"""Numbers of the pseudo-instances for the log, and what is drawn of them."""
import torch
from mmdet.structures import SampleList
from mmengine.dist import all_reduce
from mmengine.structures import InstanceData
from torch import Tensor, nn

from ..semi.geometry import paste_masks
from ..semi.instance_scores import RunningMeans, match_instances
from ..semi.instances import HALF, pixel_doubt
from .targets import Lesson

SUMS = ('pictures', 'pseudo', 'sure_boxes', 'pixels', 'sure_pixels',
        'compared', 'true', 'right', 'found', 'overlap')


class InstanceNotes(nn.Module):
    """Numbers of the last steps, of all processes.

    Args:
        num_classes (int): Number of classes C.
    """

    means: RunningMeans
    of_classes: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.means = RunningMeans(SUMS)
        self.register_buffer('of_classes', torch.zeros(num_classes, dtype=torch.float64))

    def forward(self, samples: SampleList, found: list[InstanceData], taken: list[Tensor],
                lesson: Lesson) -> dict[str, Tensor]:
        """Count a step.

        Args:
            samples (list[DetDataSample]): Of N unlabelled images, with ``truth`` where it is known.
            found (list[InstanceData]): Of :func:`~.teaching.find_instances`.
            taken (list[Tensor]): Which of them teach, (K,) bool each.
            lesson (Lesson): What became of it.

        Returns:
            dict[str, Tensor]: ``pseudo_number`` (a picture), ``sure_boxes`` and ``sure_pixels``
            (shares), where there is truth ``pseudo_precision``, ``pseudo_recall`` and
            ``pseudo_mask_iou``; of several classes ``class_share`` (C,). NaN of what was never
            counted.
        """
        kept = torch.cat(taken)
        spread_sure = torch.cat([one.gt_instances.sure for one in lesson.samples])
        sure = pixel_doubt(torch.cat([one.masks for one in found])) <= lesson.limit
        sums = dict(
            pictures=kept.new_tensor(len(samples), dtype=torch.int64), pseudo=kept.sum(),
            sure_boxes=spread_sure.sum(), pixels=kept.sum() * sure.shape[1] * sure.shape[2],
            sure_pixels=(sure & kept[:, None, None]).sum())
        sums.update(_compare(samples, found, taken))
        self.means.add(**sums)
        names = dict(pseudo_number=('pseudo', 'pictures'), sure_boxes=('sure_boxes', 'pseudo'),
                     sure_pixels=('sure_pixels', 'pixels'), pseudo_precision=('right', 'compared'),
                     pseudo_recall=('found', 'true'), pseudo_mask_iou=('overlap', 'right'))
        numbers = {name: self.means.quotient(*pair) for name, pair in names.items()}
        if len(self.of_classes) > 1:
            labels = torch.cat([one.labels for one in found])
            counts = torch.zeros_like(self.of_classes).scatter_add_(0, labels, kept.double())
            all_reduce(counts)
            self.of_classes.mul_(self.means.decay).add_(counts)
            numbers['class_share'] = (self.of_classes / self.of_classes.sum()).float()
        return numbers


def ignored_shares(lesson: Lesson) -> dict[str, Tensor]:
    """Shares of the background that do not count as it, of this step and all processes.

    Args:
        lesson (Lesson): From which a student has learned.

    Returns:
        dict[str, Tensor]: ``ignored_anchors`` and ``ignored_boxes``, 0-dim.
    """
    shares = {}
    for name, counts in lesson.background_counts.items():
        total = torch.stack(counts).sum(0).double()
        all_reduce(total)
        shares[f'ignored_{name}'] = (total[1] / total[0]).float()
    return shares


def _compare(samples: SampleList, found: list[InstanceData],
             taken: list[Tensor]) -> dict[str, Tensor]:
    """Sums of the images whose truth is known."""
    total: dict[str, Tensor] = {}
    for sample, one, own in zip(samples, found, taken, strict=True):
        if 'truth' not in sample:
            continue
        truth = sample.truth
        masks = paste_masks(one.masks, one.bboxes, torch.eye(3).to(one.bboxes),
                            tuple(truth.masks.shape[1:]), truth.stride).flatten(1) >= HALF
        # what does not teach is nothing of the truth
        labels = torch.where(own, one.labels, -1)
        match = match_instances(masks, labels, truth.masks.flatten(1), truth.labels)
        sums = dict(compared=own.sum(), true=own.new_tensor(len(truth), dtype=torch.int64),
                    **match._asdict())
        total = {name: total.get(name, 0) + value for name, value in sums.items()}
    return total


def drawn_masks(lesson: Lesson) -> Tensor:
    """Masks of the first image in the student's view, at the size of the image, (K, H, W) bool."""
    sample = lesson.samples[0]
    given = sample.gt_instances
    return paste_masks(given.taught_masks, given.taught_boxes, lesson.back[0],
                       sample.img_shape[:2]) >= HALF
