"""The base class of semi-supervised methods: a student and, in most methods, its teacher."""
from typing import Any

import torch
from mmseg.models.segmentors.base import BaseSegmentor
from mmseg.registry import MODELS
from mmseg.utils import OptConfigType, OptSampleList, SampleList
from torch import Tensor

from ..semi import PseudoLabels, TeacherStudent, predict_pseudo_labels
from ..semi.networks import (
    Outputs,
    check_channels,
    find_classifier,
    run_network,
    supervised_losses,
    to_size,
)
from .encoder_decoder import EncoderDecoder
from .semi_batch import IGNORE, Mixed, SemiBatch, label_statistics, split_batch


class TeacherStudentSegmentor(TeacherStudent, BaseSegmentor):
    """A student that learns from labels and from a teacher, the moving average of itself.

    Each step is a method that a sub-class may replace; :meth:`semi_losses` is their order. A batch
    holds labelled images and unlabelled ones, which ``PackSemiInputs`` marks. The state of the
    training comes from a hook; see :class:`~plugin.models.semi.TeacherStudent`.

    A checkpoint of the segmentor alone, as supervised training leaves it, is loaded into student
    and teacher.

    Args:
        segmentor (dict): Config of any ``EncoderDecoder``, as for supervised training.
        unsupervised (dict, optional): Settings of the unsupervised loss, which each method
            documents. ``weight`` belongs to all.
        classifier (str, optional): Name of the convolution in the decode head that scores the
            classes. Defaults to None: ``conv_seg``, or ``score_fr`` of FCN.
        predict_on (str, optional): One of :attr:`networks`, that is validated, tested and
            exported. Defaults to the teacher where there is one.
        data_preprocessor (dict, optional): Defaults to that of ``segmentor``.
        init_cfg (dict, optional): See :class:`mmengine.model.BaseModule`.

    Attributes:
        networks (tuple[str, ...]): Names of the networks that can predict.
        statistics (dict[str, Tensor]): Numbers of the last step for the log.
        keep_images (bool): Whether the next steps set :attr:`images`.
        images (dict[str, Tensor]): First unlabelled image of the last step as the student
            saw it: ``image`` (3, H, W), ``entropy``, ``labels`` (255 where not reliable),
            ``argmax`` and ``valid``, each (H, W).

    Raises:
        UserError: If ``predict_on`` or a setting of ``unsupervised`` is unknown, no classifier is
            found, or it has one channel.
    """

    def __init__(self,
                 segmentor: dict,
                 *,
                 unsupervised: dict | None = None,
                 classifier: str | None = None,
                 predict_on: str | None = None,
                 data_preprocessor: OptConfigType = None,
                 init_cfg: OptConfigType = None) -> None:
        super().__init__(
            data_preprocessor=data_preprocessor or segmentor.get('data_preprocessor'),
            init_cfg=init_cfg)
        self.classifier = classifier
        student = MODELS.build(segmentor)
        find_classifier(student, classifier)
        check_channels(student)
        self._take_student(student, unsupervised, predict_on)

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch with labelled and unlabelled images.

        Args:
            inputs (Tensor): Normalised images, (N_l + N_u, 3, H, W).
            data_samples (list[SegDataSample]): Of all images.
        """
        batch = split_batch(inputs, data_samples)
        self.statistics = {}
        if self.warming_up or not batch.samples_u:
            return self.labelled_losses(batch)
        return self.semi_losses(batch)

    def semi_losses(self, batch: SemiBatch) -> dict[str, Tensor]:
        """Losses after the warm-up: the steps of a method whose student learns from a teacher."""
        scores = self.teach(batch)
        pseudo = predict_pseudo_labels(scores, batch.valid)
        mixed = self.mix(batch, pseudo, scores)
        del scores  # frees a tensor of C times the size of the images
        labels = self.reliable(mixed.pseudo)
        outputs = self.run_student(torch.cat([batch.images_l, mixed.images]))
        losses = supervised_losses(self.student, outputs, batch.samples_l)
        losses.update(self.unsupervised_losses(batch, mixed, labels, outputs))
        self._note(batch.truth_u, pseudo, mixed, labels)
        return losses

    def labelled_losses(self, batch: SemiBatch) -> dict[str, Tensor]:
        """Losses of the warm-up: those of supervised training."""
        return self.student.loss(batch.images_l, batch.samples_l)

    @torch.no_grad()
    def teach(self, batch: SemiBatch) -> Tensor:
        """Logits of the teacher for the unlabelled images as they are, (N_u, C, H, W)."""
        return self.upsample(self.run_teacher(batch.images_u).logits, batch.images_u)

    def mix(self, batch: SemiBatch, pseudo: PseudoLabels, scores: Tensor) -> Mixed:
        """Disturb the unlabelled images for the student; here they stay as they are.

        Args:
            batch (SemiBatch): The batch.
            pseudo (PseudoLabels): Of its unlabelled images.
            scores (Tensor): Of :meth:`teach`.
        """
        return Mixed(batch.images_u, pseudo, truth=batch.truth_u)

    def reliable(self, pseudo: PseudoLabels) -> Tensor:
        """Labels to learn from, (N_u, H, W) int64, 255 where none; here all valid ones."""
        return pseudo.labels

    def unsupervised_losses(self, batch: SemiBatch, mixed: Mixed, labels: Tensor,
                            outputs: Outputs) -> dict[str, Tensor]:
        """Losses on the unlabelled images, weighted; each method has its own.

        Args:
            batch (SemiBatch): The batch.
            mixed (Mixed): Its unlabelled images as the student saw them.
            labels (Tensor): Of :meth:`reliable`, (N_u, H, W).
            outputs (Outputs): The student's, of all images, labelled ones first.
        """
        raise NotImplementedError

    def run_student(self, images: Tensor, **kwargs: Any) -> Outputs:
        """One pass of the student; see :func:`~plugin.models.semi.networks.run_network`."""
        return self._run(self.student, images, **kwargs)

    @torch.no_grad()
    def run_teacher(self, images: Tensor) -> Outputs:
        """One pass of the teacher, which is in evaluation mode and learns nothing."""
        return self._run(self.teacher, images, auxiliary=False)

    def _run(self, network: EncoderDecoder, images: Tensor, **kwargs: Any) -> Outputs:
        return run_network(network, images, find_classifier(network, self.classifier), **kwargs)

    def upsample(self, logits: Tensor, images: Tensor) -> Tensor:
        """Logits (N, C, h, w) at the size of the images, as the decode head does it."""
        return to_size(logits, images.shape[2:], self.align_corners)

    @property
    def num_classes(self) -> int:
        """Number of classes C."""
        return self.student.decode_head.num_classes

    @property
    def align_corners(self) -> bool:
        """How the decode head enlarges its logits."""
        return self.student.decode_head.align_corners

    def smallest_pass(self, labelled: int, unlabelled: int, warm_up: bool) -> int:
        """The fewest images that a network in training mode sees at once.

        Args:
            labelled (int): Labelled images of a batch.
            unlabelled (int): Unlabelled ones.
            warm_up (bool): Whether the training begins with the labelled images alone.
        """
        return labelled if warm_up else labelled + unlabelled

    @property
    def predictor(self) -> EncoderDecoder:
        """The network that predicts, a plain ``EncoderDecoder``."""
        return getattr(self, self.predict_on)

    def predict(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampleList:
        """Predictions of :attr:`predictor`."""
        return self.predictor.predict(inputs, data_samples)

    def extract_feat(self, inputs: Tensor) -> Any:
        """Levels of :attr:`predictor`'s backbone."""
        return self.predictor.extract_feat(inputs)

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Logits of :attr:`predictor` at the size of the images."""
        return self.predictor.encode_decode(inputs, batch_img_metas)

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> Any:
        return self.predictor._forward(inputs, data_samples)

    def _note(self, truth: Tensor | None, pseudo: PseudoLabels, mixed: Mixed,
              labels: Tensor) -> None:
        """Set the numbers for the log, and the image if ``keep_images`` is set.

        Args:
            truth (Tensor, optional): Of the unlabelled images, (N_u, H, W).
            pseudo (PseudoLabels): As the teacher gave them.
            mixed (Mixed): The images as the student saw them.
            labels (Tensor): What the student learned of them, (N_u, H, W).
        """
        told = dict(pseudo=label_statistics(pseudo.labels, truth, self.num_classes),
                    reliable=label_statistics(labels, mixed.truth, self.num_classes))
        self.statistics['class_share'] = told['pseudo'][0]
        self.statistics['reliable_class_share'] = told['reliable'][0]
        self.statistics.update({f'{name}_accuracy': right for name, (_, right) in told.items()
                                if right is not None})
        kept = (labels != IGNORE).sum() / mixed.pseudo.valid.sum().clamp(min=1)
        self.statistics['reliable_share'] = kept
        self.images = {}
        if self.keep_images:
            self.images = dict(
                image=mixed.images[0].detach(), entropy=mixed.pseudo.entropy[0], labels=labels[0],
                argmax=mixed.pseudo.labels[0], valid=mixed.pseudo.valid[0])
