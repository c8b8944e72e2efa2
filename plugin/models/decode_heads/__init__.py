"""Decode heads: one published decoder a file."""
from .fcn_skip_head import FCNSkipHead

__all__ = ['FCNSkipHead']
