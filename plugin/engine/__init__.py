"""Hooks, loops, precision, checkpoints, trackers, random draws: what happens during a run."""
from . import hooks  # noqa: F401
from .checkpoints.atomic_backend import AtomicBackend
from .checkpoints.sources import register_sources
from .loops import BothNetworksValLoop, ResumableTrainLoop
from .precision import BFloat16OptimWrapper
from .trackers import MLflowTracker, TensorboardTracker, WandbTracker

register_sources()
__all__ = ['AtomicBackend', 'BFloat16OptimWrapper', 'BothNetworksValLoop', 'MLflowTracker',
           'ResumableTrainLoop', 'TensorboardTracker', 'WandbTracker']
