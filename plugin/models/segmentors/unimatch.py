"""UniMatch: a weak view teaches two strong views and a view with feature dropout."""
from typing import Any

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor

from plugin.utils import UserError

from ..layers import Pooling
from ..semi import (
    ClassThresholds,
    PseudoLabels,
    confident_loss,
    predict_pseudo_labels,
    sample_cutmix,
)
from ..semi.networks import (
    Outputs,
    auxiliary_heads,
    decode,
    find_classifier,
    first,
    run_head,
    supervised_losses,
    undropped,
)
from .semi_batch import IGNORE, Mixed, SemiBatch, mixed_by, strong_views
from .teacher_student import TeacherStudentSegmentor


@MODELS.register_module()
class UniMatch(TeacherStudentSegmentor):
    """A weak view teaches two strong views, and itself with dropout on its features.

    L. Yang et al., `Revisiting Weak-to-Strong Consistency in Semi-Supervised Semantic
    Segmentation <https://arxiv.org/abs/2208.09910>`_, CVPR 2023. The pseudo-labels are those of
    the student itself; pixels below the threshold count as 0. The pipeline must make two strong
    views (``PackSemiInputs(views=2)``), each of which CutMix joins with another image's.

    The paper halves the sum of the supervised and the unsupervised loss. Here the supervised loss
    keeps its weight, so that a learning rate serves with and without unlabelled images; for the
    paper's sum set ``weight`` and ``supervised_weight`` to 0.5. ``unsupervised`` has ``weight``
    (1), ``supervised_weight`` (1, not in the warm-up), ``strong_weight`` (0.25, of each view),
    ``feature_weight`` (0.5), ``threshold`` (0.95), ``class_thresholds`` (False, as published;
    True for a threshold of each class, see :class:`.ClassThresholds`), ``mix_prob`` (0.5) and
    ``dropout`` (0.5, of the channels of each level). See :class:`TeacherStudentSegmentor` for the
    other arguments.
    """

    has_teacher = False
    networks: tuple[str, ...] = ('student', )
    settings = dict(weight=1., supervised_weight=1., strong_weight=0.25, feature_weight=0.5,
                    threshold=0.95, class_thresholds=False, mix_prob=0.5, dropout=0.5)
    sample_mix = staticmethod(sample_cutmix)

    def __init__(self, segmentor: dict, **kwargs: Any) -> None:
        super().__init__(segmentor, **kwargs)
        self.class_thresholds = (ClassThresholds(self.num_classes)
                                 if self.unsupervised['class_thresholds'] else None)

    def smallest_pass(self, labelled: int, unlabelled: int, warm_up: bool) -> int:
        """The strong views are a pass of their own."""
        return min(super().smallest_pass(labelled, unlabelled, warm_up), 2 * unlabelled)

    def semi_losses(self, batch: SemiBatch) -> dict[str, Tensor]:
        """The weak view, and the three streams that it teaches."""
        number = len(batch.samples_l)
        weak, disturbed = self._run_weak(batch)
        pseudo = self._label(self.upsample(weak.logits[number:].detach(), batch.images_u), batch)
        losses = self._supervised(weak, batch)
        losses['loss_feature'] = self.unsupervised['feature_weight'] * self._confident(
            disturbed, pseudo)
        views = self._strong_views(batch, pseudo)
        strong = self.run_student(torch.cat([view.images for view in views]), auxiliary=False)
        for index, (view, logits) in enumerate(zip(views, strong.logits.chunk(len(views)))):
            losses[f'loss_strong_{index}'] = \
                self.unsupervised['strong_weight'] * self._confident(logits, view.pseudo)
        self._note(batch.truth_u, pseudo, views[0], self.reliable(views[0].pseudo))
        return losses

    def _run_weak(self, batch: SemiBatch) -> tuple[Outputs, Tensor]:
        """Outputs for all images, and logits of the unlabelled ones from disturbed features.

        Clean and disturbed features go through the decode head in one pass, as published: its
        batch norm takes the statistics of both. The unlabelled images, which teach, meet
        no other dropout.
        """
        labelled, size = len(batch.samples_l), batch.images_l.shape[2:]
        images = torch.cat([batch.images_l, batch.images_u])
        taught, classifier = slice(labelled, len(images)), find_classifier(
            self.student, self.classifier)
        with undropped(self.student, taught, len(images)):
            levels = self.student.extract_feat(images)
        with undropped(self.student.decode_head, taught, 2 * len(images)):
            both = decode(self.student, [self._with_disturbed(level) for level in levels], size,
                          classifier, auxiliary=False)
        auxiliary = [run_head(head, levels, size) for _, head in auxiliary_heads(self.student)]
        weak = Outputs(first(both.decode, len(images)), auxiliary, both.features[:len(images)])
        return weak, both.logits[len(images) + labelled:]

    def _with_disturbed(self, level: Tensor | Pooling) -> Tensor | Pooling:
        """The level, and after it the same with dropout of whole channels."""
        if isinstance(level, Tensor):
            return torch.cat([level, F.dropout2d(level, self.unsupervised['dropout'])])
        # SegNet's levels are indices of poolings, which are no features
        return level._replace(indices=torch.cat([level.indices] * 2))

    def reliable(self, pseudo: PseudoLabels) -> Tensor:
        """Labels whose confidence reaches the threshold."""
        return pseudo.labels.masked_fill(pseudo.confidence < self._threshold(pseudo), IGNORE)

    def _label(self, scores: Tensor, batch: SemiBatch) -> PseudoLabels:
        """Pseudo-labels of the unlabelled images, which thresholds of the classes follow."""
        pseudo = predict_pseudo_labels(scores, batch.valid)
        if self.class_thresholds is not None:
            self.class_thresholds.update(pseudo.labels, pseudo.confidence)
            self.statistics['class_threshold'] = self.class_thresholds(
                self.unsupervised['threshold'])
        return pseudo

    def _threshold(self, pseudo: PseudoLabels) -> float | Tensor:
        """The smallest confidence that counts, or that of each pixel, (N_u, H, W)."""
        if self.class_thresholds is None:
            return float(self.unsupervised['threshold'])
        of_classes = self.class_thresholds(self.unsupervised['threshold'])
        # that of a pixel without a label does not matter
        return of_classes[pseudo.labels.clamp(max=self.num_classes - 1)]

    def _strong_views(self, batch: SemiBatch, pseudo: PseudoLabels) -> list[Mixed]:
        """Both strong views, each cut together with another image on its own."""
        views = strong_views(batch, 2, self.data_preprocessor)
        if views is None:
            raise UserError(f'{type(self).__name__} needs two strong views of an image, but the '
                            "pipeline makes none: set dict(type='PackSemiInputs', views=2, "
                            'strong=[...])')
        mixes = [self.sample_mix(pseudo.labels, prob=self.unsupervised['mix_prob'],
                                 boxes='unimatch') for _ in views]
        return [mixed_by(mix, view, pseudo, batch) for mix, view in zip(mixes, views)]

    def _supervised(self, outputs: Outputs, batch: SemiBatch) -> dict[str, Tensor]:
        """The losses of the labelled images, weighted, and what else the heads log as it is."""
        return {name: self.unsupervised['supervised_weight'] * value if 'loss' in name else value
                for name, value in supervised_losses(
                    self.student, outputs, batch.samples_l).items()}

    def _confident(self, logits: Tensor, pseudo: PseudoLabels) -> Tensor:
        return self.unsupervised['weight'] * confident_loss(
            logits, pseudo.labels, pseudo.confidence, pseudo.valid, self._threshold(pseudo),
            align_corners=self.align_corners)
