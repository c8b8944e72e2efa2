"""What happens over time."""
from . import hooks  # noqa: F401
from .atomic_backend import AtomicBackend
from .loops import ResumableTrainLoop

__all__ = ['AtomicBackend', 'ResumableTrainLoop']
