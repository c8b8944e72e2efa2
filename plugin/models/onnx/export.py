"""A semantic network as an ONNX graph of any size and batch."""
import inspect
import io
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from mmengine.model import BaseDataPreprocessor, BaseModel
from torch import Tensor, nn

from plugin.utils import UserError

from .rewrites import exportable

if TYPE_CHECKING:
    import onnx

MISSING = ("Failed to import {} ({}), which the export to ONNX needs: install it by "
           "pip install -e '.[onnx]'")
OPSET = 17
# no level of any network has the same size as another one, or as the batch
EXAMPLE = (2, 97, 131)
INPUT, OUTPUT = 'image', 'logits'


class FunctionOf(nn.Module):
    """A model as a function of images, which can be traced.

    Args:
        network (BaseModel): The layers.
        preprocessor (BaseDataPreprocessor, optional): That of the model, whose channel order, mean
            and standard deviation become part of the function. Defaults to None.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: BaseModel,
                 preprocessor: BaseDataPreprocessor | None = None) -> None:
        super().__init__()
        self.network = network
        self.normalises = preprocessor is not None and preprocessor._enable_normalize
        self.flips = preprocessor is not None and preprocessor._channel_conversion
        self.raw = preprocessor is not None
        if preprocessor is not None and self.normalises:
            self.register_buffer('mean', preprocessor.mean.clone())
            self.register_buffer('std', preprocessor.std.clone())

    def prepare(self, image: Tensor) -> Tensor:
        """Normalise raw images (N, H, W, channels) to (N, channels, H, W)."""
        image = image.permute(0, 3, 1, 2).float()
        if self.flips and image.shape[1] == 3:
            image = torch.cat([image[:, 2:], image[:, 1:2], image[:, :1]], 1)
        return (image - self.mean) / self.std if self.normalises else image


class LogitsOf(FunctionOf):
    """A segmentor, of :func:`predicting_network`, as a function from images to logits."""

    def forward(self, image: Tensor) -> Tensor:
        """Score every pixel.

        Args:
            image (Tensor): Normalised, (N, channels, H, W) float; with a preprocessor BGR or grey
                as OpenCV reads it, (N, H, W, channels) uint8.

        Returns:
            Tensor: (N, C, H, W), what the segmentor's ``encode_decode`` returns.
        """
        if self.raw:
            image = self.prepare(image)
        size = image.shape[2:]
        # a torch.Size is how a window of `slide` tells the heads its own size
        return self.network.encode_decode(
            image, [dict(img_shape=size, pad_shape=size, ori_shape=size)])


def predicting_network(model: BaseModel) -> BaseModel:
    """The plain segmentor that answers for a model; of a semi-supervised one e.g. its teacher.

    Raises:
        UserError: If it has no logits for each pixel.
    """
    network = getattr(model, 'predictor', model)
    if not hasattr(network, 'encode_decode'):
        raise UserError(f'{type(network).__name__} has no logits for each pixel, which the graph '
                        'returns: give the config of an EncoderDecoder')
    return network


def number_of_channels(network: BaseModel) -> int:
    """Channels of the images that a network takes: those of its first convolution."""
    first = next((module for module in network.backbone.modules()
                  if isinstance(module, nn.Conv2d)), None)
    return 3 if first is None else first.in_channels


def to_onnx(model: BaseModel, *, preprocessing: bool = False, half: bool = False,
            metadata: Mapping[str, str] | None = None) -> 'onnx.ModelProto':
    """Export the network that predicts.

    The input ``image`` and the output ``logits`` (N, C, H, W), float32, are those of
    :class:`LogitsOf`; N, H and W are free. Softmax, tiles and the way back to the size of the
    original image are left to whoever runs the graph.

    Args:
        model (nn.Module): A segmentor with its weights; it stays as it is.
        preprocessing (bool): Take raw images (N, H, W, channels), uint8. Defaults to False.
        half (bool): Compute in half precision; inputs and outputs stay float32 (or uint8).
            Defaults to False.
        metadata (Mapping, optional): Strings to keep in the file.

    Returns:
        onnx.ModelProto: The graph, checked.

    Raises:
        ImportError: If onnx (or, for ``half``, onnxruntime) is not installed.
        UserError: If the model has no logits for each pixel, or an operation without a
            counterpart in ONNX.
    """
    need_onnx()
    network = predicting_network(model)
    channels = number_of_channels(network)
    function = LogitsOf(exportable(network),
                        model.data_preprocessor if preprocessing else None).cpu().float().eval()
    axes = (1, 2) if preprocessing else (2, 3)
    free = {INPUT: {0: 'N', axes[0]: 'H', axes[1]: 'W'}, OUTPUT: {0: 'N', 2: 'H', 3: 'W'}}
    graph = trace(function, (example(*EXAMPLE, channels, preprocessing), ), free)
    if getattr(network, 'out_channels', None):
        # the number of classes is known, though the trace does not follow it through a resize
        graph.graph.output[0].type.tensor_type.shape.dim[1].dim_value = network.out_channels
    if half:
        from .half import in_half
        graph = in_half(graph)
    return finished(graph, metadata)


def example(number: int, height: int, width: int, channels: int, raw: bool) -> Tensor:
    """Images to trace with: normalised, or raw."""
    if raw:
        return torch.zeros(number, height, width, channels, dtype=torch.uint8)
    return torch.zeros(number, channels, height, width)


def trace(function: FunctionOf, inputs: tuple[Tensor, ...],
          free: Mapping[str, Mapping[int, str]]) -> 'onnx.ModelProto':
    """Trace a function.

    Args:
        function (FunctionOf): In evaluation mode.
        inputs (tuple[Tensor, ...]): What it takes.
        free (Mapping): Names of the axes that have any size, for each input, then each output.

    Raises:
        UserError: If there is an operation without a counterpart in ONNX.
    """
    import onnx
    names = list(free)
    settings: dict[str, Any] = dict(opset_version=OPSET, input_names=names[:len(inputs)],
                                    output_names=names[len(inputs):], dynamic_axes=free)
    known = inspect.signature(torch.onnx.export).parameters
    if 'dynamo' in known:
        # the exporter by tracing needs nothing but onnx, and is there in every PyTorch
        settings['dynamo'] = False
    if 'autograd_inlining' in known:
        # functions that say which operator they are must not be looked into
        settings['autograd_inlining'] = False
    content = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        # what a trace fixes is found by comparing the graph at other sizes
        warnings.simplefilter('ignore')
        try:
            # the exporter by tracing takes files, though its annotation forgets them
            torch.onnx.export(function, inputs, content, **settings)  # type: ignore[arg-type]
        except torch.onnx.errors.OnnxExporterError as error:
            raise UserError(f'{type(function.network).__name__} cannot be exported: '
                            f'{str(error).splitlines()[0]}; predict with PyTorch') from error
    return onnx.load_model_from_string(content.getvalue())


def finished(graph: 'onnx.ModelProto', metadata: Mapping[str, str] | None) -> 'onnx.ModelProto':
    """The graph with its metadata, checked."""
    import onnx
    onnx.helper.set_model_props(graph, dict(metadata or {}))
    onnx.checker.check_model(graph)
    return graph


def need_onnx() -> None:
    """Raise ``ImportError`` unless onnx is installed."""
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise ImportError(MISSING.format('onnx', error)) from error
