"""A config becomes a training, a test, K folds, a comparison or a sheet; runs become a report."""
from .browse import Sheet, browse
from .calibrate import calibrate
from .compare.run import compare
from .compare.runs import ComparisonError
from .ending import Trained, report
from .kfold.run import FoldError, kfold
from .resume import resume_command
from .test import test
from .train import TrainingInterrupted, train

__all__ = ['ComparisonError', 'FoldError', 'Sheet', 'Trained', 'TrainingInterrupted', 'browse',
           'calibrate', 'compare', 'kfold', 'report', 'resume_command', 'test', 'train']
