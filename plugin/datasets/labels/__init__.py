"""Files that people draw: LabelMe, VIA, CVAT, YOLO and COCO, read and written.

One file a format: ``labelme``, ``via``, ``cvat`` and ``yolo`` read labels into a ``CocoBuilder``
(``coco_builder``), ``coco_file`` reads COCO files for training, ``to_labelme`` writes LabelMe
files. ``shapes``, ``polygons`` and ``joining`` turn what was drawn into instances.
"""
from .coco_builder import LabelFinding
from .convert import FORMATS, Conversion, LabelsError, convert
from .to_labelme import LabelMeFiles, to_labelme

__all__ = ['FORMATS', 'Conversion', 'LabelFinding', 'LabelMeFiles', 'LabelsError', 'convert',
           'to_labelme']
