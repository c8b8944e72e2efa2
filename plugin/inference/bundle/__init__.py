"""A folder that predicts without PyTorch: the network, what it needs to know, and one program.

``predict.py`` of this package is that program. It is copied as it is, so that it imports nothing
of Pasture; tests compare what it writes with what ``tools/predict.py`` writes.
"""
from .folder import Licences, write_bundle
from .preparation import check_bundle, preparation

__all__ = ['Licences', 'check_bundle', 'preparation', 'write_bundle']
