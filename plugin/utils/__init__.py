"""What three rooms share."""
from .io import atomic_path, write_atomically, write_checkpoint
from .text import first_few

__all__ = ['atomic_path', 'first_few', 'write_atomically', 'write_checkpoint']
