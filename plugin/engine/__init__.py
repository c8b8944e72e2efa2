"""What happens over time."""
from . import hooks  # noqa: F401
from .atomic_backend import AtomicBackend
from .checkpoint_sources import register_sources
from .loops import BothNetworksValLoop, ResumableTrainLoop
from .trackers import MLflowTracker, TensorboardTracker, WandbTracker

register_sources()
__all__ = ['AtomicBackend', 'BothNetworksValLoop', 'MLflowTracker', 'ResumableTrainLoop',
           'TensorboardTracker', 'WandbTracker']
