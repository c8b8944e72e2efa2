"""Mask Teacher: a teacher outlines the animals of unlabelled pictures for its student."""
from typing import Any

import torch
from mmdet.models.detectors import TwoStageDetector
from mmdet.models.detectors.base import BaseDetector
from mmdet.models.utils import rename_loss_dict, reweight_loss_dict
from mmdet.registry import MODELS
from mmdet.structures import OptSampleList, SampleList
from mmdet.utils import OptConfigType
from mmengine.structures import InstanceData
from torch import Tensor

from plugin.utils import UserError

from ..semi import TeacherStudent, masked_quantile, unreliable_share
from ..semi.geometry import clip_boxes, move_boxes
from ..semi.instances import HALF, pixel_doubt
from ..semi.schedules import ramp_up
from ..semi.score_thresholds import ScoreThresholds
from .doubt import find_doubt, paste_in_cells
from .instance_batch import (
    InstanceBatch,
    View,
    outlined_labels,
    sizes_of,
    split_instances,
    strong_view,
)
from .instance_notes import InstanceNotes, drawn_masks, ignored_shares
from .supported import check_detector
from .targets import Lesson, taught
from .teaching import box_heads, find_instances


@MODELS.register_module()
class MaskTeacher(TeacherStudent, BaseDetector):
    """A student that learns instances from labels, and from a teacher, the average of itself.

    The teacher outlines the unlabelled pictures in a weak view; the student sees a strong one
    (``PackSemiDetInputs``), into which boxes and masks are moved. The parts are published:

    - boxes by their score, regression from boxes that agree under jitter, and background weighed
      by the teacher's doubt: M. Xu et al., `Soft Teacher <https://arxiv.org/abs/2106.09018>`_,
      ICCV 2021;
    - thresholds of each class that bring as many instances a picture as people outlined in one: B.
      Chen et al., `LabelMatch <https://arxiv.org/abs/2206.06608>`_, CVPR 2022;
    - of the pixels of masks, those teach that are not among the most doubtful share, which falls
      linearly: Y. Wang et al., `U2PL <https://arxiv.org/abs/2203.03884>`_, CVPR 2022, equations 6
      and 7, there for semantic segmentation.

    Ours are the least mean sureness of a mask; anchors and regions that are ignored on what may be
    an animal and no instance that teaches explains; and masks that are moved as probabilities, and
    teach nothing beyond a box that is not sure.

    Args:
        detector (dict): Config of a two-stage detector of MMDetection with FCN mask heads, as for
            supervised training: Mask R-CNN, Cascade Mask R-CNN.
        unsupervised (dict, optional): ``weight`` (1) of the losses on unlabelled pictures, which
            rises in the share ``ramp_up`` (0.3) of the training after its warm-up; ``candidates``
            (0.1), the score from which on something may be an animal; ``lowest`` (0.5),
            ``highest`` (0.9), ``share`` (1.) and ``decay`` (0.99) of
            :class:`~plugin.models.semi.score_thresholds.ScoreThresholds`; ``sureness`` (0.5), the
            least of a mask; ``jitters`` (10), ``jitter_scale`` (0.06) and ``spread`` (0.02), the
            greatest of a box that is regressed from; ``alpha`` (0.2), the share of doubtful pixels
            at the start; ``least_side`` (2 pixels) of a box in the strong view.
        predict_on (str, optional): ``teacher`` (default) or ``student``, which is validated,
            tested and exported.
        data_preprocessor (dict, optional): Defaults to that of ``detector``.
        init_cfg (dict, optional): See :class:`mmengine.model.BaseModule`.

    Raises:
        UserError: If the detector is of another kind, or a setting is unknown or out of range.
    """

    thresholds: ScoreThresholds
    notes: InstanceNotes
    wrapped = 'detector'
    settings = dict(weight=1., ramp_up=0.3, candidates=0.1, lowest=0.5, highest=0.9, share=1.,
                    decay=0.99, sureness=0.5, jitters=10, jitter_scale=0.06, spread=0.02,
                    alpha=0.2, least_side=2.)

    def __init__(self, detector: dict, *, unsupervised: dict | None = None,
                 predict_on: str | None = None, data_preprocessor: OptConfigType = None,
                 init_cfg: OptConfigType = None) -> None:
        super().__init__(data_preprocessor=data_preprocessor or detector.get('data_preprocessor'),
                         init_cfg=init_cfg)
        student = MODELS.build(detector)
        check_detector(student, self.data_preprocessor)
        self._take_student(student, unsupervised, predict_on)
        own = self.unsupervised
        if own['jitters'] < 2 or not 0 <= own['alpha'] < 1:
            raise UserError(f'jitters={own["jitters"]} and alpha={own["alpha"]} of unsupervised: '
                            'give 2 boxes or more, and a share of the pixels from 0 to below 1')
        self.thresholds = ScoreThresholds(
            self.num_classes, **{key: own[key] for key in ('lowest', 'highest', 'share', 'decay')})
        self.notes = InstanceNotes(self.num_classes)

    def loss(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> dict[str, Any]:
        """Losses of a batch with labelled and unlabelled pictures.

        Args:
            batch_inputs (Tensor): Normalised images, (N_l + N_u, 3, H, W).
            batch_data_samples (list[DetDataSample]): Of all images.
        """
        batch = split_instances(batch_inputs, batch_data_samples)
        self.statistics = {}
        if self.warming_up or not batch.samples_u:
            return self.student.loss(batch.images_l, batch.samples_l)
        return self.semi_losses(batch)

    def semi_losses(self, batch: InstanceBatch) -> dict[str, Any]:
        """Losses after the warm-up: the order of the steps."""
        features = self.teach(batch)
        found = find_instances(
            self.teacher, features, batch.samples_u, score_thr=self.unsupervised['candidates'],
            jitters=self.unsupervised['jitters'], scale=self.unsupervised['jitter_scale'])
        self.follow(batch, found)
        taken = self.choose(found)
        view = strong_view(batch, self.data_preprocessor)
        lesson = self.prepare(batch, features, found, taken, view)
        losses = self.student.loss(batch.images_l, batch.samples_l)
        losses.update(self.unsupervised_losses(view, lesson))
        self._note(batch, found, taken, lesson, view)
        return losses

    @torch.no_grad()
    def teach(self, batch: InstanceBatch) -> tuple[Tensor, ...]:
        """Levels of the teacher for the unlabelled images as they are."""
        return self.teacher.extract_feat(batch.images_u)

    def follow(self, batch: InstanceBatch, found: list[InstanceData]) -> None:
        """Let the thresholds follow what the teacher finds, and what the labels show."""
        self.thresholds.update(
            torch.cat([one.labels for one in found]), torch.cat([one.scores for one in found]),
            len(found), torch.cat([outlined_labels(one) for one in batch.samples_l]),
            len(batch.samples_l))

    def choose(self, found: list[InstanceData]) -> list[Tensor]:
        """Which instances of each image teach, (K,) bool: by score and by their mask."""
        thresholds = self.thresholds()
        return [(one.scores >= thresholds[one.labels]) &
                (one.sureness >= self.unsupervised['sureness']) for one in found]

    @torch.no_grad()
    def prepare(self, batch: InstanceBatch, features: tuple[Tensor, ...],
                found: list[InstanceData], taken: list[Tensor], view: View) -> Lesson:
        """What the student learns, in its view."""
        limit = self.doubt_limit(found, taken)
        back = torch.linalg.inv_ex(view.matrices.double())[0].float()
        for sample, one, own, matrix, inverse, size in zip(
                view.samples, found, taken, view.matrices, back, view.sizes, strict=True):
            boxes = clip_boxes(move_boxes(one.bboxes, matrix.expand(len(one), 3, 3)),
                               size.expand(len(one), 2))
            seen = (boxes[:, 2:] - boxes[:, :2]).amin(1) >= self.unsupervised['least_side']
            masks = paste_in_cells(one.masks, one.bboxes, inverse, sample.img_shape)
            sample.ignored_instances = find_doubt(boxes, one.labels, masks >= HALF, own, seen)
            own = seen & own
            sample.gt_instances = InstanceData(
                bboxes=boxes[own], labels=one.labels[own], taught_masks=one.masks[own],
                taught_boxes=one.bboxes[own],
                sure=one.spread[own] <= self.unsupervised['spread'])
        return Lesson(self.teacher, features, view.samples, back,
                      sizes_of(batch.samples_u, back.device), limit, {})

    def doubt_limit(self, found: list[InstanceData], taken: list[Tensor]) -> Tensor:
        """Greatest doubt of a pixel of a mask that teaches, over all processes, 0-dim."""
        doubt = pixel_doubt(torch.cat([one.masks for one in found]))
        share = unreliable_share(self.unsupervised['alpha'], min(self.progress, 1.))
        if share == 0:  # between the cells of a mask doubt may be greater than in any of them
            return doubt.new_tensor(torch.inf)
        return masked_quantile(doubt, torch.cat(taken)[:, None, None].expand_as(doubt), 1 - share)

    def unsupervised_losses(self, view: View, lesson: Lesson) -> dict[str, Any]:
        """Losses of the student on its view, named ``unsup_*`` and weighted."""
        with taught(self.student, lesson):
            losses = self.student.loss(view.images, view.samples)
        return rename_loss_dict('unsup_', reweight_loss_dict(losses, self.weight))

    @property
    def weight(self) -> float:
        """Weight of the losses on unlabelled pictures in this step."""
        return self.unsupervised['weight'] * ramp_up(
            self.unsupervised_progress, self.unsupervised['ramp_up'])

    @property
    def num_classes(self) -> int:
        """Number of classes C."""
        return box_heads(self.student.roi_head)[-1].num_classes

    @property
    def with_mask(self) -> bool:
        """Whether it outlines what it finds."""
        return True

    @property
    def predictor(self) -> TwoStageDetector:
        """The network that predicts, a plain detector."""
        return getattr(self, self.predict_on)

    def predict(self, batch_inputs: Tensor, batch_data_samples: SampleList,
                rescale: bool = True) -> SampleList:
        """Predictions of :attr:`predictor`."""
        return self.predictor.predict(batch_inputs, batch_data_samples, rescale)

    def extract_feat(self, batch_inputs: Tensor) -> tuple[Tensor, ...]:
        """Levels of :attr:`predictor`."""
        return self.predictor.extract_feat(batch_inputs)

    def _forward(self, batch_inputs: Tensor, batch_data_samples: OptSampleList = None) -> Any:
        return self.predictor._forward(batch_inputs, batch_data_samples)

    @torch.no_grad()
    def _note(self, batch: InstanceBatch, found: list[InstanceData], taken: list[Tensor],
              lesson: Lesson, view: View) -> None:
        """Set the numbers for the log, and the image if ``keep_images`` is set."""
        self.statistics.update(self.notes(batch.samples_u, found, taken, lesson))
        self.statistics.update(ignored_shares(lesson))
        number = self.thresholds.labelled_number()
        self.statistics['labelled_number'] = number
        self.statistics['number_ratio'] = self.statistics['pseudo_number'] / number
        self.statistics['threshold'] = self.thresholds()
        self.images = {}
        if self.keep_images:
            self.images = dict(image=view.images[0].detach(), masks=drawn_masks(lesson))
