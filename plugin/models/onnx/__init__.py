"""Semantic networks as ONNX graphs; needs onnx and onnxruntime, so that nothing else imports it."""
from .compare import Difference, compare_logits, median_seconds
from .export import LogitsOf, number_of_channels, predicting_network, to_onnx
from .facts import GraphFacts, check_facts, facts_of
from .rewrites import exportable
from .runtime import OnnxNetwork, raw_images, run_by

__all__ = ['Difference', 'GraphFacts', 'LogitsOf', 'OnnxNetwork', 'check_facts', 'compare_logits',
           'exportable', 'facts_of', 'median_seconds', 'number_of_channels', 'predicting_network',
           'raw_images', 'run_by', 'to_onnx']
