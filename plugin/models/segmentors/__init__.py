"""The order of the steps of a training method."""
from .cps import CPS
from .cutmix_seg import CutMixSeg
from .encoder_decoder import CascadeEncoderDecoder, EncoderDecoder, PredictionSteps
from .mean_teacher import MeanTeacher
from .multi_scale_encoder_decoder import MultiScaleEncoderDecoder
from .teacher_student import TeacherStudentSegmentor
from .tta_segmentor import TTASegmentor
from .u2pl import U2PL
from .unimatch import UniMatch
from .unpadded import UnpaddedEncoderDecoder

__all__ = ['CPS', 'CascadeEncoderDecoder', 'CutMixSeg', 'EncoderDecoder', 'MeanTeacher',
           'MultiScaleEncoderDecoder', 'PredictionSteps', 'TTASegmentor',
           'TeacherStudentSegmentor', 'U2PL', 'UniMatch', 'UnpaddedEncoderDecoder']
