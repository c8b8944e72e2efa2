"""What happens over time."""
from . import hooks  # noqa: F401
from .atomic_backend import AtomicBackend
from .loops import BothNetworksValLoop, ResumableTrainLoop

__all__ = ['AtomicBackend', 'BothNetworksValLoop', 'ResumableTrainLoop']
