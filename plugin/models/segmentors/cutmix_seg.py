"""CutMix-Seg: consistency with the teacher on images mixed by CutMix."""
from mmseg.registry import MODELS
from torch import Tensor

from ..semi import PseudoLabels, consistency_loss, kept_share, sample_cutmix
from ..semi.networks import Outputs
from .semi_batch import IGNORE, Mixed, SemiBatch, mixed_by, strong_view
from .teacher_student import TeacherStudentSegmentor


@MODELS.register_module()
class CutMixSeg(TeacherStudentSegmentor):
    """Trains the student, on two images cut together, to agree with the teacher on each of them.

    G. French et al., `Semi-supervised semantic segmentation needs strong, varied perturbations
    <https://arxiv.org/abs/1906.01916>`_: one box of half the area from another image of the
    batch, the squared difference of the softmax outputs summed over the classes, weighted by the
    share of pixels whose confidence is above ``threshold``. Where ``PackSemiInputs``
    makes a strong view, the student sees that one, cut.

    ``unsupervised`` has ``weight`` (1) and ``threshold`` (0.97). See
    :class:`TeacherStudentSegmentor` for the other arguments.
    """

    settings = dict(weight=1., threshold=0.97)

    def mix(self, batch: SemiBatch, pseudo: PseudoLabels, scores: Tensor) -> Mixed:
        """CutMix of images, pseudo-labels and probabilities."""
        mix = sample_cutmix(pseudo.labels, prob=1, boxes='cutmix-seg')
        return mixed_by(mix, strong_view(batch, self.data_preprocessor), pseudo, batch,
                        scores.float().softmax(1))

    def reliable(self, pseudo: PseudoLabels) -> Tensor:
        """Labels whose confidence is above the threshold; their share is the weight."""
        return pseudo.labels.masked_fill(pseudo.confidence <= self.unsupervised['threshold'],
                                         IGNORE)

    def unsupervised_losses(self, batch: SemiBatch, mixed: Mixed, labels: Tensor,
                            outputs: Outputs) -> dict[str, Tensor]:
        """Squared differences over all valid pixels, times the share of confident ones."""
        logits = self.upsample(outputs.logits[len(batch.samples_l):], mixed.images)
        assert mixed.targets is not None
        valid = mixed.pseudo.valid
        weight = self.unsupervised['weight'] * self.num_classes * kept_share(labels, valid)
        return dict(loss_unsup=weight * consistency_loss(logits, mixed.targets, valid))
