"""What three rooms share."""
from .io import atomic_path, write_atomically

__all__ = ['atomic_path', 'write_atomically']
