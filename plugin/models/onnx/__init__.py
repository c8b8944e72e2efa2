"""Networks as ONNX graphs; needs onnx and onnxruntime, so that nothing else imports it."""
from .compare import Difference, compare_logits, median_seconds
from .export import FunctionOf, LogitsOf, number_of_channels, predicting_network, to_onnx
from .facts import GraphFacts, InstanceFacts, check_facts, facts_of, instance_facts_of
from .instances import InstancesOf, instances_to_onnx, predicting_detector
from .rewrites import exportable
from .runtime import OnnxGraph, OnnxInstances, OnnxNetwork, detect_by, raw_images, run_by

__all__ = ['Difference', 'FunctionOf', 'GraphFacts', 'InstanceFacts', 'InstancesOf', 'LogitsOf',
           'OnnxGraph', 'OnnxInstances', 'OnnxNetwork', 'check_facts', 'compare_logits',
           'detect_by', 'exportable', 'facts_of', 'instance_facts_of', 'instances_to_onnx',
           'median_seconds', 'number_of_channels', 'predicting_detector', 'predicting_network',
           'raw_images', 'run_by', 'to_onnx']
