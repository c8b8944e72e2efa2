"""The steps of semi-supervised segmentation, for the training methods in ``models.segmentors``.

Pseudo-labels and their entropy, mixing of images, losses, the moving average of a teacher, and the
contrastive loss of U2PL with its memory bank. Functions change no argument except the teacher that
they are asked to update; what must survive a restart is held in buffers.
"""
from .class_thresholds import ClassThresholds
from .contrast import ContrastiveLoss
from .cross_entropy import cross_entropy_sum
from .ema import copy_weights, ema_decay, ema_update
from .entropy import entropy, masked_quantile, unreliable_share
from .losses import (confident_loss, consistency_loss, kept_share, lambda_u,
                     unsupervised_loss)
from .memory_bank import MemoryBank
from .mixing import (KINDS, Mix, apply_mix, check_mix_kind, classmix, cutmix, cutout,
                     mix_images, mix_pseudo_labels, sample_classmix, sample_cutmix, sample_cutout,
                     sample_flipped_cutmix)
from .pseudo_labels import PseudoLabels, predict_pseudo_labels, reliable_labels
from .ranks import check_ranks, default_ranks
from .representation import RepresentationHead
from .teacher_average import TeacherAverage
from .teacher_student import TeacherStudent

__all__ = ['ClassThresholds', 'ContrastiveLoss', 'KINDS', 'MemoryBank', 'Mix', 'PseudoLabels',
           'RepresentationHead', 'TeacherAverage', 'TeacherStudent', 'apply_mix', 'check_mix_kind',
           'check_ranks', 'classmix', 'confident_loss', 'consistency_loss', 'copy_weights',
           'cross_entropy_sum', 'cutmix', 'cutout', 'default_ranks', 'ema_decay', 'ema_update',
           'entropy', 'kept_share', 'lambda_u', 'masked_quantile', 'mix_images',
           'mix_pseudo_labels', 'predict_pseudo_labels', 'reliable_labels', 'sample_classmix',
           'sample_cutmix', 'sample_cutout', 'sample_flipped_cutmix', 'unreliable_share',
           'unsupervised_loss']
