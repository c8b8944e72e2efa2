"""A trained model on one's own images and videos, what it writes, and its export.

* :func:`load_model` makes a :class:`Segmenter` (the class of each pixel) or a :class:`Detector`
  (:class:`Instances`, a list of :class:`Instance`), which are called with images;
* :func:`predict` writes what they say of images, folders and videos into files;
* :func:`track` follows the animals of videos and cameras, and counts each once;
* :func:`refine` lets a dense CRF sharpen saved probabilities (needs ``pydensecrf2``);
* :func:`export` writes a semantic model as ONNX (needs ``onnx`` and ``onnxruntime``).
"""
from .detector import Detector
from .inferencer import PastureInferencer
from .inputs import find_inputs
from .instances import Instance, Instances
from .model import load_model
from .onnx_export import export
from .prediction import Predicted, predict
from .refinement import refine
from .segmenter import Segmenter
from .video import track

__all__ = ['Detector', 'Instance', 'Instances', 'PastureInferencer', 'Predicted', 'Segmenter',
           'export', 'find_inputs', 'load_model', 'predict', 'refine', 'track']
