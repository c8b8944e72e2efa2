"""A config becomes a training, a test, K folds or a sheet of samples; runs become a report."""
from .browse import Sheet, browse
from .ending import Trained, report
from .kfold.run import FoldError, kfold
from .resume import resume_command
from .test import test
from .train import TrainingInterrupted, train

__all__ = ['FoldError', 'Sheet', 'Trained', 'TrainingInterrupted', 'browse', 'kfold', 'report',
           'resume_command', 'test', 'train']
