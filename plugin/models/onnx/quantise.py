"""The backbone of a detector in 8 bits, by onnxruntime's static quantiser."""
import contextlib
import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .export import INPUT, MISSING, finished
from .order import in_order

if TYPE_CHECKING:
    import onnx

BACKBONE = '/backbone/'
# what gains by it; attention's softmax and norms would lose precision for little
QUANTISED = ['Clip', 'Conv', 'Gemm', 'MatMul', 'Relu']
# convolutions at the beginning that stay in float32: few channels, of which each counts
SPARED = 4


def quantise_backbone(graph: 'onnx.ModelProto', images: Iterable[np.ndarray],
                      metadata: Mapping[str, str] | None = None) -> 'onnx.ModelProto':
    """Quantise the backbone, with ranges that it has on images.

    Args:
        graph (onnx.ModelProto): Of :func:`~plugin.models.onnx.instances_to_onnx`; it stays as it
            is.
        images (Iterable[np.ndarray]): What the graph takes, one image at a time.
        metadata (Mapping, optional): Strings to keep in the file.

    Returns:
        onnx.ModelProto: The graph; the backbone in 8 bits, with ranges of weights for each channel,
        but for its first convolutions; the rest in float32.

    Raises:
        ImportError: If onnxruntime is not installed.
    """
    try:
        import onnx
        from onnxruntime import quantization
    except ImportError as error:
        raise ImportError(MISSING.format('onnxruntime', error)) from error

    class Reader(quantization.CalibrationDataReader):

        def __init__(self) -> None:
            self._images: Iterator[np.ndarray] = iter(images)

        def get_next(self) -> dict[str, np.ndarray] | None:
            image = next(self._images, None)
            return None if image is None else {INPUT: image}

    layers = [node for node in graph.graph.node if node.name.startswith(BACKBONE)]
    first = [node.name for node in layers if node.op_type == 'Conv'][:SPARED]
    names = [node.name for node in layers if node.name not in first]
    assert names, 'no node is named after the backbone'  # all would be quantised
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, 'float.onnx'), Path(folder, 'int8.onnx')
        source.write_bytes(graph.SerializeToString())
        with _quiet():
            quantization.quantize_static(
                str(source), str(target), Reader(), op_types_to_quantize=QUANTISED,
                nodes_to_quantize=names, per_channel=True,
                weight_type=quantization.QuantType.QInt8,
                activation_type=quantization.QuantType.QUInt8)
        small = onnx.load_model(str(target))
    in_order(small.graph)
    return finished(small, metadata)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without a warning for each layer that is not to be quantised."""
    import onnxruntime
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    onnxruntime.set_default_logger_severity(3)
    try:
        yield
    finally:
        logging.disable(before)
        onnxruntime.set_default_logger_severity(2)
