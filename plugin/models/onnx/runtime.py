"""Exported networks in onnxruntime."""
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from mmengine.model import BaseDataPreprocessor, BaseModel
from torch import Tensor, nn

from plugin.utils import UserError

from .export import INPUT, MISSING, OUTPUT
from .facts import GraphFacts

# how far the normalisation of 8 bits, undone, may be from whole numbers
NEAR = 0.05


class OnnxNetwork:
    """An exported network that answers like the ``encode_decode`` of its segmentor.

    Args:
        source (str | Path | bytes): The file, or its content.
        device (str): ``cpu``, or ``cuda`` with or without a number. Defaults to ``cpu``.
        threads (int, optional): Of a CPU. Defaults to PyTorch's number.

    Attributes:
        facts (GraphFacts): What the file says of itself.

    Raises:
        ImportError: If onnxruntime is not installed.
        FileNotFoundError: If there is no such file.
        UserError: If it is no graph of this project, or onnxruntime cannot use the device.
    """

    def __init__(self, source: str | Path | bytes, device: str = 'cpu',
                 threads: int | None = None) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(MISSING.format('onnxruntime', error)) from error
        name = 'the graph' if isinstance(source, bytes) else str(source)
        if not isinstance(source, bytes) and not Path(source).is_file():
            raise FileNotFoundError(f'{name} does not exist; export it by tools/export_onnx.py')
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or torch.get_num_threads()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                source if isinstance(source, bytes) else str(source), options,
                providers=_providers(onnxruntime, device))
        except Exception as error:  # its errors have no base class of their own
            if isinstance(error, ValueError):
                raise
            line = str(error).strip().splitlines()[0]
            raise UserError(f'{name} is no graph that onnxruntime can run: {line}') from error
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.facts = GraphFacts.from_metadata(metadata, name)

    def __call__(self, image: Tensor) -> Tensor:
        """Logits (N, C, H, W), float32, of what the graph takes; see ``LogitsOf``."""
        array = np.ascontiguousarray(image.detach().cpu().numpy())
        return torch.from_numpy(self._session.run([OUTPUT], {INPUT: array})[0])


def run_by(network: OnnxNetwork, segmentor: BaseModel,
           preprocessor: BaseDataPreprocessor) -> None:
    """Let a graph answer in the place of a segmentor's layers.

    Everything around the network stays PyTorch's: windows, tiles, CRF, the way back to the
    original size. The backbone is dropped, as nothing needs it.

    Args:
        network (OnnxNetwork): The graph.
        segmentor (BaseModel): An ``EncoderDecoder`` of the same config; its ``encode_decode`` is
            replaced.
        preprocessor (BaseDataPreprocessor): That of the model.
    """
    def encode_decode(inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        if network.facts.preprocessing:
            return network(raw_images(inputs, preprocessor)).to(inputs.device)
        return network(inputs).to(inputs.device)

    def tile_logits(tiles: Tensor) -> Tensor:
        margin = segmentor.decode_head.margin
        # the graph extends by a margin of its own: pooling has to meet the same pixels as without
        before = -margin % segmentor.decode_head.tile_step
        tiles = nn.functional.pad(tiles, (before, 0, before, 0))
        first = before + margin
        return encode_decode(tiles, [])[:, :, first:-margin, first:-margin]

    segmentor.encode_decode = encode_decode
    if getattr(segmentor.decode_head, 'margin', 0):
        segmentor._tile_logits = tile_logits
    segmentor.backbone = nn.Identity()


def raw_images(inputs: Tensor, preprocessor: BaseDataPreprocessor) -> Tensor:
    """The 8 bits of an image that was normalised.

    Args:
        inputs (Tensor): Normalised, (N, channels, H, W).
        preprocessor (BaseDataPreprocessor): What normalised them.

    Returns:
        Tensor: BGR or grey, (N, H, W, channels), uint8.

    Raises:
        UserError: If they were no whole numbers from 0 to 255.
    """
    if preprocessor._enable_normalize:
        inputs = inputs * preprocessor.std + preprocessor.mean
    whole = inputs.round().clamp(0, 255)
    if bool(((inputs - whole).abs() > NEAR).any()):
        raise UserError('the graph takes images of 8 bits, but the config pads or changes them '
                        'after that; export it without --with-preprocessing')
    if preprocessor._channel_conversion and inputs.shape[1] == 3:
        whole = whole.flip(1)
    return whole.to(torch.uint8).permute(0, 2, 3, 1)


def _providers(onnxruntime: ModuleType, device: str) -> list[str | tuple[str, dict[str, int]]]:
    if device == 'cpu':
        return ['CPUExecutionProvider']
    kind, _, number = device.partition(':')
    if kind != 'cuda' or 'CUDAExecutionProvider' not in onnxruntime.get_available_providers():
        raise UserError(f'--device {device} cannot be used by this onnxruntime; install '
                        'onnxruntime-gpu for cuda, or give --device cpu')
    return [('CUDAExecutionProvider', dict(device_id=int(number or 0))), 'CPUExecutionProvider']
