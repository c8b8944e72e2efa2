"""Segmentors: the order of the steps of prediction, and of each semi-supervised training method.

``EncoderDecoder`` adds tiles and a dense CRF to MMSegmentation's; U2PL, UniMatch and its
version 2, CPS, CutMix-Seg and Mean Teacher wrap any ``EncoderDecoder`` config.
"""
from .cps import CPS
from .cutmix_seg import CutMixSeg
from .encoder_decoder import CascadeEncoderDecoder, EncoderDecoder, PredictionSteps
from .mean_teacher import MeanTeacher
from .multi_scale_encoder_decoder import MultiScaleEncoderDecoder
from .teacher_student import TeacherStudentSegmentor
from .tta_segmentor import TTASegmentor
from .u2pl import U2PL
from .unimatch import UniMatch
from .unimatch_v2 import UniMatchV2
from .unpadded import UnpaddedEncoderDecoder

__all__ = ['CPS', 'CascadeEncoderDecoder', 'CutMixSeg', 'EncoderDecoder', 'MeanTeacher',
           'MultiScaleEncoderDecoder', 'PredictionSteps', 'TTASegmentor',
           'TeacherStudentSegmentor', 'U2PL', 'UniMatch', 'UniMatchV2', 'UnpaddedEncoderDecoder']
