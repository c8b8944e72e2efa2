"""Hooks: checks of data and weights, checkpoints, early stopping, teachers, summaries."""
from .averages import AveragesHook
from .channels_last import ChannelsLastHook
from .check_data import CheckDataHook
from .count_threshold import CountThresholdHook
from .early_stopping import ResumableEarlyStoppingHook
from .fitting_checkpoint import FittingCheckpointHook
from .folded_norms import FoldedNormsHook
from .live_line import LiveLineHook
from .mask_teacher import MaskTeacherHook
from .missing_weights import MissingWeightsHook
from .named_results import NamedResultsHook
from .published_names import PublishedNamesHook
from .resumed_config import ResumedConfigHook
from .run_summary import RunSummaryHook
from .safe_checkpoint import SafeCheckpointHook
from .teacher_student import TeacherStudentHook
from .training_watch import TrainingWatchHook
from .u2pl import U2PLHook
from .val_loss import ValidationLossHook

__all__ = ['AveragesHook', 'ChannelsLastHook', 'CheckDataHook', 'CountThresholdHook',
           'FittingCheckpointHook', 'FoldedNormsHook', 'LiveLineHook', 'MaskTeacherHook',
           'MissingWeightsHook', 'NamedResultsHook', 'PublishedNamesHook',
           'ResumableEarlyStoppingHook', 'ResumedConfigHook', 'RunSummaryHook',
           'SafeCheckpointHook', 'TeacherStudentHook', 'TrainingWatchHook', 'U2PLHook',
           'ValidationLossHook']
