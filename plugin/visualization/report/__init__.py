"""A report of runs, as one HTML file."""
from .page import render, write_report
from .runs import Run, read_run

__all__ = ['Run', 'read_run', 'render', 'write_report']
