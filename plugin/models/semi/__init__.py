"""The steps of semi-supervised learning: pure functions, and state held in buffers."""
from .contrast import ContrastiveLoss
from .cross_entropy import cross_entropy_sum
from .ema import copy_weights, ema_decay, ema_update
from .entropy import entropy, masked_quantile, unreliable_share
from .losses import confident_loss, consistency_loss, lambda_u, unsupervised_loss
from .memory_bank import MemoryBank
from .mixing import (KINDS, Mix, apply_mix, check_mix_kind, classmix, cutmix, cutout,
                     draw_classmix, draw_cutmix, draw_cutout, mix_images, mix_pseudo_labels)
from .pseudo_labels import PseudoLabels, predict_pseudo_labels, reliable_labels
from .ranks import check_ranks, default_ranks
from .representation import RepresentationHead

__all__ = ['ContrastiveLoss', 'KINDS', 'MemoryBank', 'Mix', 'PseudoLabels', 'RepresentationHead',
           'apply_mix', 'check_mix_kind', 'check_ranks', 'classmix', 'confident_loss',
           'consistency_loss', 'copy_weights', 'cross_entropy_sum', 'cutmix', 'cutout',
           'default_ranks', 'draw_classmix', 'draw_cutmix', 'draw_cutout', 'ema_decay',
           'ema_update', 'entropy', 'lambda_u', 'masked_quantile', 'mix_images',
           'mix_pseudo_labels', 'predict_pseudo_labels', 'reliable_labels', 'unreliable_share',
           'unsupervised_loss']
