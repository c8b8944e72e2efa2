"""Published data sets laid out for training: VOC with SBD (``voc``), ISBI 2012 (``isbi``)."""
from .isbi import IsbiSet, prepare_isbi
from .voc import VocSet, prepare_voc

__all__ = ['IsbiSet', 'VocSet', 'prepare_isbi', 'prepare_voc']
