"""Which outline of a frame is which animal of the frame before, and three ways to count them.

A :class:`Tracker` gives the outlines of each frame identities. A sum of identities is no count: it
grows with every track that is lost and begun anew. What a video says is therefore counted by one of

* :class:`Gate`, a line that animals cross, for passages;
* :class:`Pen`, what is seen at the same time, for animals that stay;
* :class:`Pass`, the tracks themselves, for one way past a camera that sees each animal once.

Nothing here knows of models or files: outlines and times go in, numbers come out.
"""
from .gate import Gate
from .outlines import Outline
from .passing import Pass
from .pen import Pen
from .records import Crossing
from .track import Track
from .tracker import Tracker

__all__ = ['Crossing', 'Gate', 'Outline', 'Pass', 'Pen', 'Track', 'Tracker']
