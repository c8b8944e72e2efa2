"""Hooks: what happens at certain moments of a run."""
from .channels_last import ChannelsLastHook
from .check_data import CheckDataHook
from .count_threshold import CountThresholdHook
from .missing_weights import MissingWeightsHook
from .published_names import PublishedNamesHook
from .run_summary import RunSummaryHook
from .safe_checkpoint import SafeCheckpointHook
from .teacher_student import TeacherStudentHook
from .u2pl import U2PLHook

__all__ = ['ChannelsLastHook', 'CheckDataHook', 'CountThresholdHook', 'MissingWeightsHook',
           'PublishedNamesHook', 'RunSummaryHook', 'SafeCheckpointHook', 'TeacherStudentHook',
           'U2PLHook']
