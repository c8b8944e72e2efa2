"""Exported networks in onnxruntime."""
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.model import BaseDataPreprocessor, BaseModel
from mmengine.structures import InstanceData
from torch import Tensor, nn

from plugin.utils import UserError

from ..roi_heads.mask_nms_heads import last_of, suppressing
from .export import INPUT, MISSING, OUTPUT
from .facts import GraphFacts, InstanceFacts
from .instances import LEAST, OUTPUTS, predicting_detector

# how far the normalisation of 8 bits, undone, may be from whole numbers
NEAR = 0.05


class OnnxGraph:
    """An exported file in onnxruntime.

    Args:
        source (str | Path | bytes): The file, or its content.
        device (str): ``cpu``, or ``cuda`` with or without a number. Defaults to ``cpu``.
        threads (int, optional): Of a CPU. Defaults to PyTorch's number.

    Attributes:
        facts (GraphFacts): What the file says of itself.

    Raises:
        ImportError: If onnxruntime is not installed.
        FileNotFoundError: If there is no such file.
        UserError: If it is no graph of this kind, or onnxruntime cannot use the device.
    """

    outputs: Sequence[str]

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
        found = [output.name for output in self._session.get_outputs()]
        if metadata and found != list(self.outputs):
            raise UserError(f'{name} answers {", ".join(found)}, not {", ".join(self.outputs)}: '
                            'give the config from which it was exported')
        self.facts = self._facts(metadata, name)

    def _facts(self, metadata: Mapping[str, str], name: str) -> GraphFacts:
        return GraphFacts.from_metadata(metadata, name)

    def _run(self, image: Tensor, **more: np.ndarray) -> list[Tensor]:
        array = np.ascontiguousarray(image.detach().cpu().numpy())
        found = self._session.run(list(self.outputs), {INPUT: array, **more})
        return [torch.from_numpy(one) for one in found]


class OnnxNetwork(OnnxGraph):
    """An exported network that answers like the ``encode_decode`` of its segmentor; see there."""

    outputs = (OUTPUT, )

    def __call__(self, image: Tensor) -> Tensor:
        """Logits (N, C, H, W), float32, of what the graph takes; see ``LogitsOf``."""
        return self._run(image)[0]


class OnnxInstances(OnnxGraph):
    """An exported detector that answers like :class:`~plugin.models.onnx.InstancesOf`."""

    outputs = OUTPUTS
    facts: InstanceFacts

    def __call__(self, image: Tensor, least_score: float = 0.0) -> InstanceData:
        """Boxes, scores, labels and small masks of what the graph takes, an image."""
        least = np.array(least_score, np.float32)
        boxes, scores, labels, masks = self._run(image, **{LEAST: least})
        return InstanceData(bboxes=boxes, scores=scores, labels=labels, masks=masks)

    def _facts(self, metadata: Mapping[str, str], name: str) -> InstanceFacts:
        return InstanceFacts.from_metadata(metadata, name)


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


def detect_by(network: OnnxInstances, model: BaseModel,
              least_score: Callable[[], float] = float) -> None:
    """Let a graph answer in the place of a detector's layers.

    Boxes and masks come to the size of the original image as without. The layers that take time
    and memory are dropped.

    Args:
        network (OnnxInstances): The graph.
        model (BaseModel): Of the same config; what ``predict`` of its detector does is replaced.
        least_score (callable): Tells what instances have to score. Defaults to 0.
    """
    detector, preprocessor = predicting_detector(model), model.data_preprocessor
    mask_head = last_of(detector.roi_head.mask_head)
    number = 1 if mask_head.class_agnostic else mask_head.num_classes
    suppression = getattr(detector.roi_head, 'mask_suppression', None)
    predict_by_feat = mask_head.predict_by_feat
    if suppression:
        predict_by_feat = suppressing(predict_by_feat, detector.test_cfg.rcnn.max_per_img,
                                      suppression[1])

    def found_in(image: Tensor, sample: DetDataSample, rescale: bool) -> InstanceData:
        # the graph pads by itself
        image = image[None, :, :sample.img_shape[0], :sample.img_shape[1]]
        raw = network.facts.preprocessing
        # by its mask, also what is not sure suppresses what lies over several
        least = 0.0 if suppression else least_score()
        found = network(raw_images(image, preprocessor) if raw else image, least)
        found = found.to(image.device)
        masks = found.pop('masks')[:, None].expand(-1, number, -1, -1)
        with warnings.catch_warnings():
            # of a tensor that is copied by way of another one
            warnings.filterwarnings('ignore', 'To copy construct from a tensor')
            return predict_by_feat(
                (masks, ), [found], [sample.metainfo], detector.test_cfg.rcnn, rescale=rescale,
                activate_map=True)[0]

    def predict(batch_inputs: Tensor, batch_data_samples: list[DetDataSample],
                rescale: bool = True) -> list[DetDataSample]:
        results = [found_in(image, sample, rescale)
                   for image, sample in zip(batch_inputs, batch_data_samples)]
        return detector.add_pred_to_datasample(batch_data_samples, results)

    detector.predict = predict
    detector.backbone = nn.Identity()


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
