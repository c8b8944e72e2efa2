"""Videos of animals that walk through a barn, with the outline and the number of each."""
from .clip import Clip, Frame
from .folder import make_videos
from .spec import VideoSpec

__all__ = ['Clip', 'Frame', 'VideoSpec', 'make_videos']
