"""U2PL: unreliable pseudo-labels as negatives of a contrastive loss."""
from functools import reduce

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from plugin.utils import UserError

from ..semi import (
    KINDS,
    ContrastiveLoss,
    PseudoLabels,
    RepresentationHead,
    check_mix_kind,
    lambda_u,
    masked_quantile,
    reliable_labels,
    unreliable_share,
    unsupervised_loss,
)
from ..semi.networks import Outputs, find_classifier, frozen_copy, shrink_labels, to_size
from .semi_batch import IGNORE, Mixed, SemiBatch, mixed_by, strong_view
from .teacher_student import TeacherStudentSegmentor


@MODELS.register_module()
class U2PL(TeacherStudentSegmentor):
    """Learns classes from reliable pixels, and from unreliable ones which classes they do not have.

    Y. Wang et al., `Semi-Supervised Semantic Segmentation Using Unreliable Pseudo-Labels
    <https://arxiv.org/abs/2203.03884>`_, CVPR 2022: ``L_s + lambda_u L_u + lambda_c L_c``
    (equation 1). The published code departs from the paper in the choice of anchors and
    negatives; ``contrastive=dict(negatives='official')`` follows the code, and
    ``samples='published'`` has its numbers of them.

    Where ``PackSemiInputs`` makes a strong view, the student sees that one, mixed; in the
    paper it has the same colours as the teacher's image.

    Args:
        segmentor (dict): Config of any ``EncoderDecoder``, as for supervised training.
        contrastive (dict, optional): ``weight``, lambda_c (0.1), and the options of
            :class:`~plugin.models.semi.ContrastiveLoss`. ``weight=0`` leaves the contrast and its
            banks out (table 6 of the paper).
        representation (dict, optional): ``channels`` (256), ``out_channels`` (256) and
            ``norm_cfg`` of :class:`~plugin.models.semi.RepresentationHead`. The norm defaults to
            that of the decode head.
        **kwargs: Of :class:`TeacherStudentSegmentor`. ``unsupervised`` has ``weight``, eta of
            equation 8 (1); ``alpha``, the share of unreliable pixels at the start (0.2, equation
            7); ``mix``: ``'cutmix'``, ``'cutout'``, ``'classmix'`` or None; ``mix_prob`` (0.5).
    """

    settings = dict(weight=1., alpha=0.2, mix='cutmix', mix_prob=0.5)

    def __init__(self, segmentor: dict, *, contrastive: dict | None = None,
                 representation: dict | None = None, **kwargs) -> None:
        super().__init__(segmentor, **kwargs)
        if not 0 <= self.unsupervised['alpha'] < 1:
            raise UserError(f'alpha={self.unsupervised["alpha"]} of unsupervised is a share of '
                            'the pixels: give 0 or more, below 1, e.g. 0.2')
        check_mix_kind(self.unsupervised['mix'])
        contrastive = dict(contrastive or {})
        self.contrast_weight = contrastive.pop('weight', 0.1)
        self.with_contrast = self.contrast_weight > 0
        if not self.with_contrast:
            return
        head = self.student.decode_head
        options = {'norm_cfg': head.norm_cfg, **(representation or {})}
        self.representation = RepresentationHead(
            find_classifier(self.student, self.classifier).in_channels, **options)
        self.teacher_representation = frozen_copy(self.representation)
        self.contrast = ContrastiveLoss(self.num_classes, self.representation.out_channels,
                                        **contrastive)

    def averages(self) -> list[tuple[nn.Module, nn.Module]]:
        """The segmentor, and the representation head."""
        pairs = super().averages()
        if self.with_contrast:
            pairs.append((self.teacher_representation, self.representation))
        return pairs

    def labelled_losses(self, batch: SemiBatch) -> dict[str, Tensor]:
        """Supervised losses; the representation head takes part in the graph and learns nothing."""
        losses = super().labelled_losses(batch)
        if self.with_contrast:
            # distributed training needs a gradient for every parameter in every process
            idle = reduce(torch.add, (part.sum() for part in self.representation.parameters()))
            losses['loss_contrast'] = 0 * idle
        return losses

    def mix(self, batch: SemiBatch, pseudo: PseudoLabels, scores: Tensor) -> Mixed:
        """CutMix, CutOut or ClassMix of images, pseudo-labels and entropies together."""
        images, kind = strong_view(batch, self.data_preprocessor), self.unsupervised['mix']
        if kind is None:
            return Mixed(images, pseudo, truth=batch.truth_u)
        mix = KINDS[kind](pseudo.labels, prob=self.unsupervised['mix_prob'])
        return mixed_by(mix, images, pseudo, batch)

    def reliable(self, pseudo: PseudoLabels) -> Tensor:
        """Equation 6: pseudo-labels whose entropy is at most gamma_t."""
        share = unreliable_share(self.unsupervised['alpha'], self.progress)
        gamma = masked_quantile(pseudo.entropy, pseudo.valid, 1 - share)
        self.statistics['gamma'] = gamma
        return reliable_labels(pseudo, gamma)

    def unsupervised_losses(self, batch: SemiBatch, mixed: Mixed, labels: Tensor,
                            outputs: Outputs) -> dict[str, Tensor]:
        """Equations 3 and 8 on reliable pixels, equation 4 on those that are not."""
        number = len(batch.samples_l)
        logits = self.upsample(outputs.logits[number:], mixed.images)
        valid = mixed.pseudo.valid
        self.statistics['lambda_u'] = lambda_u(labels, valid)
        losses = dict(loss_unsup=unsupervised_loss(
            logits, labels, valid, eta=self.unsupervised['weight']))
        if self.with_contrast:
            losses['loss_contrast'] = self.contrast_weight * self._contrast(
                batch, mixed, labels, outputs)
        return losses

    def _contrast(self, batch: SemiBatch, mixed: Mixed, labels: Tensor,
                  outputs: Outputs) -> Tensor:
        """Equation 4 at the size of the features that enter the classifier, h x w."""
        with torch.no_grad():
            taught = self.run_teacher(torch.cat([batch.images_l, mixed.images]))
            size = taught.features.shape[2:]
            certain = labels != IGNORE
            unsure = mixed.pseudo.valid & ~certain
            if self.contrast.negatives == 'official':
                labels = mixed.pseudo.labels
                certain, unsure = self._published_thresholds(mixed.pseudo)
            known = torch.ones_like(batch.labels_l, dtype=torch.bool)
            small = [shrink_labels(torch.cat(pair), size) for pair in (
                (batch.labels_l, labels), (known, certain), (~known, unsure))]
            is_labeled = torch.arange(len(taught.features), device=labels.device) < len(known)
            keys = self.teacher_representation(taught.features)
            logits = to_size(taught.logits, size, self.align_corners)
        terms = self.contrast(self.representation(outputs.features), keys, logits, *small,
                              is_labeled)
        self.statistics['contrast_classes'] = terms['classes']
        return terms['loss']

    def _published_thresholds(self, pseudo: PseudoLabels) -> tuple[Tensor, Tensor]:
        """Pixels below the lower and above the upper percentile of the entropy."""
        share = unreliable_share(self.unsupervised['alpha'], self.progress)
        low, high = (masked_quantile(pseudo.entropy, pseudo.valid, q) for q in (share, 1 - share))
        return (pseudo.entropy <= low) & pseudo.valid, (pseudo.entropy >= high) & pseudo.valid
