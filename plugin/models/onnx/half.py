"""Graphs in half precision."""
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .export import MISSING
from .order import in_order

if TYPE_CHECKING:
    import onnx

# types of ONNX
SINGLE, HALF = 1, 10


def in_half(graph: 'onnx.ModelProto', kept: Sequence[str] = ()) -> 'onnx.ModelProto':
    """Compute in half precision, but for what onnxruntime has no half operator for.

    Args:
        graph (onnx.ModelProto): Of :func:`trace`.
        kept (Sequence[str]): Names of further nodes that stay in single precision.

    Raises:
        ImportError: If onnxruntime is not installed.
    """
    try:
        from onnxruntime.transformers.float16 import convert_float_to_float16
    except ImportError as error:
        raise ImportError(MISSING.format('onnxruntime', error)) from error
    with warnings.catch_warnings():
        # weights below the smallest half are rounded up to it
        warnings.simplefilter('ignore')
        model: onnx.ModelProto = convert_float_to_float16(graph, keep_io_types=True,
                                                          node_block_list=list(kept))
    _leave_out_detours(model.graph, set(kept))
    # the converter appends the casts of the input behind the nodes that read them
    in_order(model.graph)
    return model


def _leave_out_detours(graph: 'onnx.GraphProto', kept: set[str]) -> None:
    """Let nodes in single precision read each other without a detour by half precision."""
    from onnx import helper

    def casts_to(kind: int) -> list['onnx.NodeProto']:
        return [node for node in graph.node if node.op_type == 'Cast'
                and helper.get_attribute_value(node.attribute[0]) == kind]

    single = {name for node in graph.node if node.name in kept for name in node.output}
    single.update(value.name for value in graph.input
                  if value.type.tensor_type.elem_type == SINGLE)
    rounded = {node.output[0]: node.input[0] for node in casts_to(HALF)
               if node.input[0] in single}
    direct = {node.output[0]: rounded[node.input[0]] for node in casts_to(SINGLE)
              if node.input[0] in rounded}
    results = {value.name for value in graph.output}
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name in direct:
                node.input[place] = direct[name]
    for node in casts_to(SINGLE):
        if node.output[0] in results and node.output[0] in direct:
            node.input[0] = direct[node.output[0]]
