"""Crowds out of outlined instances: pasted into images, with the masks that remain visible.

``pasting`` cuts instances out, varies them and pastes them; ``generator`` writes sets of such
images; the transform ``PasteInstances`` does the same while a model is trained.
"""
from .generator import Crowds, make_crowds
from .pasting import CutOut, Pasted, cut_out, paste, vary

__all__ = ['Crowds', 'CutOut', 'Pasted', 'cut_out', 'make_crowds', 'paste', 'vary']
