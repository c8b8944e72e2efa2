"""UniMatch V2: the teacher labels two strong views that see complementary channels."""
import torch
from mmseg.registry import MODELS
from torch import Tensor

from ..layers import Pooling
from ..semi import sample_flipped_cutmix
from ..semi.networks import decode, find_classifier
from .semi_batch import SemiBatch
from .unimatch import UniMatch


@MODELS.register_module()
class UniMatchV2(UniMatch):
    """The teacher labels the weak view; two strong views learn, each from half of the channels.

    L. Yang et al., `UniMatch V2: Pushing the Limit of Semi-Supervised Semantic Segmentation
    <https://arxiv.org/abs/2410.10777>`_, TPAMI 2025. Both views of an image go through the
    student in one pass; of half of the images, one view drops the channels that the other one
    keeps, doubled (complementary dropout). CutMix joins a view with that of the image at the
    mirrored place of the batch. Pixels below the threshold count as 0.

    The paper halves the sum of the supervised and the unsupervised loss. Here the supervised loss
    keeps its weight, so that a learning rate serves with and without unlabelled images:
    ``unsupervised`` has ``weight`` (1, of the mean over both views), ``supervised_weight`` (1, not
    in the warm-up), ``threshold`` (0.95), ``class_thresholds`` (False, as in :class:`.UniMatch`),
    ``mix_prob`` (0.5, of each view) and ``dropout`` (0.5, the share of the images whose channels
    are divided). See :class:`.TeacherStudentSegmentor` for the other arguments.
    """

    has_teacher = True
    networks = ('teacher', 'student')
    settings = dict(weight=1., supervised_weight=1., threshold=0.95, class_thresholds=False,
                    mix_prob=0.5, dropout=0.5)
    sample_mix = staticmethod(sample_flipped_cutmix)

    def smallest_pass(self, labelled: int, unlabelled: int, warm_up: bool) -> int:
        """Labelled images and strong views are passes of their own."""
        return min(labelled, 2 * unlabelled)

    def semi_losses(self, batch: SemiBatch) -> dict[str, Tensor]:
        """The labelled images, and both strong views against the teacher's labels."""
        pseudo = self._label(self.teach(batch), batch)
        losses = self._supervised(self.run_student(batch.images_l), batch)
        views = self._strong_views(batch, pseudo)
        logits = self._run_divided(torch.cat([view.images for view in views]))
        for index, (view, scores) in enumerate(zip(views, logits.chunk(2))):
            # the mean over both views
            losses[f'loss_strong_{index}'] = self._confident(scores, view.pseudo) / 2
        self._note(batch.truth_u, pseudo, views[0], self.reliable(views[0].pseudo))
        return losses

    def _run_divided(self, images: Tensor) -> Tensor:
        """Logits of both views of each image, first views first, with complementary channels."""
        levels = self.student.extract_feat(images)
        masks: dict[int, Tensor] = {}
        divided: list[Tensor | Pooling] = []
        for level in levels:
            if isinstance(level, Pooling):  # SegNet's indices are no features
                divided.append(level)
                continue
            channels = level.shape[1]
            # levels of one width lose the same channels, as published
            if channels not in masks:
                masks[channels] = complementary_masks(
                    len(images) // 2, channels, self.unsupervised['dropout']).to(
                        level.device, level.dtype, non_blocking=True)
            divided.append(level * masks[channels][:, :, None, None])
        return decode(self.student, divided, images.shape[2:],
                      find_classifier(self.student, self.classifier), auxiliary=False).logits


def complementary_masks(number: int, channels: int, share: float) -> Tensor:
    """Factors of the channels of two views of each image: what one drops, the other doubles.

    Section 3.3 of `UniMatch V2 <https://arxiv.org/abs/2410.10777>`_.

    Args:
        number (int): Images N.
        channels (int): Channels K.
        share (float): Share of the images whose channels are divided, 0..1, rounded up to whole
            images; the others keep all channels as they are.

    Returns:
        Tensor: (2 N, K), those of the first views before those of the second ones. The two of an
        image add up to 2.

    Example:
        >>> masks = complementary_masks(4, 6, share=0.5)
        >>> (masks[:4] + masks[4:]).unique().tolist()
        [2.0]
    """
    first = 2 * torch.bernoulli(torch.full((number, channels), 0.5))
    whole = torch.randperm(number)[:int(number * (1 - share))]
    first[whole] = 1
    return torch.cat([first, 2 - first])
