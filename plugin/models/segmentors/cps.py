"""Cross pseudo supervision: two networks that label images for each other."""
import torch
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor

from ..semi import (
    KINDS,
    PseudoLabels,
    check_mix_kind,
    predict_pseudo_labels,
    sample_cutmix,
    unsupervised_loss,
)
from ..semi.networks import Outputs, supervised_losses, undropped
from .encoder_decoder import EncoderDecoder
from .semi_batch import IGNORE, Mixed, SemiBatch, mixed_by
from .teacher_student import TeacherStudentSegmentor


@MODELS.register_module()
class CPS(TeacherStudentSegmentor):
    """Two networks that start differently learn from each other's labels.

    X. Chen et al., `Semi-Supervised Semantic Segmentation with Cross Pseudo Supervision
    <https://arxiv.org/abs/2106.01226>`_: cross-entropy of each network against the most likely
    classes of the other, on labelled and on unlabelled images. ``student`` is the network that
    predicts, ``second`` the other; there is no moving average.

    A checkpoint of the segmentor alone (``load_from``) is loaded into ``student``. The other one
    must not label images at random then: either both are trained on the labels first (``warmup``
    of the hook), or ``second=dict(init_cfg=dict(type='Pretrained', checkpoint=...))`` names a
    checkpoint of another training.

    With ``mix`` the unlabelled images are mixed with each other after both networks have labelled
    them, and the cross-entropy is that of the mixed images alone: the paper's variant with CutMix,
    whose images have three boxes.

    ``unsupervised`` has ``weight`` (1.5, which the published code has without CutMix on VOC; with
    it, it has 1), ``mix`` (None; ``'cutmix'``, ``'cutout'`` or ``'classmix'``) and ``mix_prob``
    (1). See :class:`TeacherStudentSegmentor` for the other arguments.

    Args:
        segmentor (dict): Config of both networks.
        second (dict, optional): What is different in that of the second one.
        **kwargs: Of :class:`TeacherStudentSegmentor`.

    Attributes:
        second_untrained (bool): Whether ``student`` was loaded and ``second`` was not.
    """

    has_teacher = False
    networks = ('student', 'second')
    settings = dict(weight=1.5, mix=None, mix_prob=1.)

    def __init__(self, segmentor: dict, *, second: dict | None = None, **kwargs) -> None:
        super().__init__(segmentor, **kwargs)
        check_mix_kind(self.unsupervised['mix'])
        self.second = MODELS.build({**segmentor, **(second or {})})
        self._starts_by_itself = 'init_cfg' in (second or {})
        self.second_untrained = False

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args) -> None:
        loaded = any(key.startswith(f'{prefix}second.') for key in state_dict)
        self.second_untrained = not (loaded or self._starts_by_itself)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def smallest_pass(self, labelled: int, unlabelled: int, warm_up: bool) -> int:
        """With mixing, the networks label the unlabelled images by themselves."""
        least = super().smallest_pass(labelled, unlabelled, warm_up)
        return least if self.unsupervised['mix'] is None else min(least, unlabelled)

    def _both(self) -> list[EncoderDecoder]:
        return [self.student, self.second]

    def semi_losses(self, batch: SemiBatch) -> dict[str, Tensor]:
        """Both networks on the same images, then each against the labels of the other."""
        mixed = self.mix_both(batch)
        images = torch.cat([batch.images_l, mixed[0].images if mixed else batch.images_u])
        # what labels is not dropped out; mixed images have their labels already
        teaching = slice(0, 0 if mixed else len(images))
        outputs = []
        for network in self._both():
            with undropped(network, teaching, len(images)):
                outputs.append(self._run(network, images))
        losses: dict[str, Tensor] = {}
        for prefix, network, output in zip(('', 'second.'), self._both(), outputs):
            terms = supervised_losses(network, output, batch.samples_l)
            losses.update({f'{prefix}{name}': value for name, value in terms.items()})
        losses.update(self._cross_losses(batch, mixed, outputs))
        return losses

    def labelled_losses(self, batch: SemiBatch) -> dict[str, Tensor]:
        """Supervised losses of both networks."""
        losses = super().labelled_losses(batch)
        second = self.second.loss(batch.images_l, batch.samples_l)
        return {**losses, **add_prefix(second, 'second')}

    @torch.no_grad()
    def mix_both(self, batch: SemiBatch) -> list[Mixed]:
        """Pseudo-labels of each network for the same mixed images; empty without mixing."""
        if self.unsupervised['mix'] is None:
            return []
        images = batch.images_u
        scores = []
        for network in self._both():
            with undropped(network, slice(0, len(images)), len(images)):
                logits = self._run(network, images, auxiliary=False).logits
            scores.append(self.upsample(logits, images))
        labelled = [predict_pseudo_labels(logits, batch.valid) for logits in scores]
        kind, prob = self.unsupervised['mix'], self.unsupervised['mix_prob']
        labels = labelled[0].labels
        mix = (sample_cutmix(labels, prob=prob, boxes='cps') if kind == 'cutmix'
               else KINDS[kind](labels, prob=prob))
        return [mixed_by(mix, batch.images_u, pseudo, batch) for pseudo in labelled]

    def _cross_losses(self, batch: SemiBatch, mixed: list[Mixed],
                      outputs: list[Outputs]) -> dict[str, Tensor]:
        """Each network against the labels of the other one."""
        number = len(batch.samples_l)
        # of mixed images the labels are from before the mixing, and these images alone count
        first = number if mixed else 0
        logits = [self.upsample(output.logits[first:], batch.images_l) for output in outputs]
        valid = torch.cat([batch.labels_l != IGNORE, batch.valid])
        said = [one.pseudo for one in mixed] or [
            predict_pseudo_labels(scores.detach(), valid) for scores in logits]
        losses = {}
        for name, scores, pseudo in zip(('loss_unsup', 'second.loss_unsup'), logits, said[::-1]):
            loss = unsupervised_loss(scores, pseudo.labels, pseudo.valid)
            losses[name] = self.unsupervised['weight'] * loss
        unlabelled = PseudoLabels(*(part[number - first:] for part in said[1]))
        seen = mixed[1] if mixed else Mixed(batch.images_u, unlabelled, truth=batch.truth_u)
        self._note(seen.truth, unlabelled, seen, unlabelled.labels)
        return losses
