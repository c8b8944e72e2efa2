"""Mean Teacher: consistency with the moving average of the student."""
from mmseg.registry import MODELS
from torch import Tensor

from ..semi import PseudoLabels, consistency_loss
from ..semi.networks import Outputs
from ..semi.schedules import ramp_up
from .semi_batch import Mixed, SemiBatch, strong_view
from .teacher_student import TeacherStudentSegmentor


@MODELS.register_module()
class MeanTeacher(TeacherStudentSegmentor):
    """Trains the student to agree with the teacher on differently augmented images.

    A. Tarvainen, H. Valpola, `Mean teachers are better role models
    <https://arxiv.org/abs/1703.01780>`_: the squared difference of the two softmax outputs, its
    mean over pixels and classes, with a weight that rises as ``exp(-5 (1 - t / ramp_up)^2)``. The
    student sees the first strong view of ``PackSemiInputs``, or the teacher's image where there
    is none.

    ``unsupervised`` has ``weight`` (100, as in the published code of CPS, which measured this
    method on segmentation) and ``ramp_up`` (0.25), the share of the training, without the
    supervised iterations before it, in which the weight rises. See
    :class:`TeacherStudentSegmentor` for the other arguments.
    """

    settings = dict(weight=100., ramp_up=0.25)

    def mix(self, batch: SemiBatch, pseudo: PseudoLabels, scores: Tensor) -> Mixed:
        """The strong view."""
        return Mixed(strong_view(batch, self.data_preprocessor), pseudo,
                     scores.float().softmax(1), batch.truth_u)

    def unsupervised_losses(self, batch: SemiBatch, mixed: Mixed, labels: Tensor,
                            outputs: Outputs) -> dict[str, Tensor]:
        """Squared differences over all valid pixels."""
        assert mixed.targets is not None
        logits = self.upsample(outputs.logits[len(batch.samples_l):], mixed.images)
        loss = consistency_loss(logits, mixed.targets, mixed.pseudo.valid)
        return dict(loss_unsup=self.weight * loss)

    @property
    def weight(self) -> float:
        """Weight of the squared differences in this step."""
        return self.unsupervised['weight'] * ramp_up(
            self.unsupervised_progress, self.unsupervised['ramp_up'])
