"""Errors, whole files, configs, devices and messages: what several packages share."""
from .errors import UserError
from .io import atomic_path, write_atomically, write_checkpoint
from .text import first_few

__all__ = ['UserError', 'atomic_path', 'first_few', 'write_atomically', 'write_checkpoint']
