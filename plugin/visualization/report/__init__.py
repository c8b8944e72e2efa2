"""A report of one or more runs as a single HTML file: curves, scores, images and settings."""
from .page import render, write_report
from .runs import Run, read_run

__all__ = ['Run', 'read_run', 'render', 'write_report']
