"""Counting each animal of a video once: sources of frames, zones, the work, and what it writes."""
from .frame import SourceError
from .run import Tracked, track
from .sources import find_sources
from .zones import Ways, read_ways

__all__ = ['SourceError', 'Tracked', 'Ways', 'find_sources', 'read_ways', 'track']
