"""The order of the steps of a training method."""
from .cps import CPS
from .cutmix_seg import CutMixSeg
from .mean_teacher import MeanTeacher
from .teacher_student import TeacherStudentSegmentor
from .u2pl import U2PL
from .unimatch import UniMatch

__all__ = ['CPS', 'CutMixSeg', 'MeanTeacher', 'TeacherStudentSegmentor', 'U2PL', 'UniMatch']
