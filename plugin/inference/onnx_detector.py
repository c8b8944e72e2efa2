"""Instances by an exported detector."""
import zlib
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import BaseModel

from plugin.evaluation.count_intervals import CountCalibration
from plugin.models.onnx import OnnxInstances, check_facts, detect_by
from plugin.utils.counts import KEPT_COUNTS

from .detector import Detector
from .predictor import build_model


class OnnxDetector(Detector):
    """The instances of an image, by a file that :func:`~plugin.inference.export` wrote.

    Images are prepared, cut into tiles and joined as by
    :class:`~plugin.inference.detector.Detector`, and masks come to the size of the image by the
    same code; onnxruntime computes what lies between.

    Args:
        cfg (mmengine.Config): The config that was exported.
        checkpoint (str): The file.
        device (str): Where onnxruntime computes, e.g. ``cuda:1``. Defaults to ``cpu``.
        content (bytes, optional): The content of the file, if it is not on the disk.
        settings: As of ``Detector``.

    Raises:
        UserError: If the file is no graph of this config.
    """

    def __init__(self, cfg: Config, checkpoint: str, *, device: str = 'cpu',
                 content: bytes | None = None, **settings: Any) -> None:
        self._content = content
        super().__init__(cfg, checkpoint, device=device, **settings)

    def _torch_device(self) -> str:
        return 'cpu'  # what is around the graph

    def _weights(self) -> int:
        # those of the graph; PyTorch's are not used
        return self._checksum

    def _load(self, cfg: Config, checkpoint: str) -> tuple[BaseModel, dict]:
        network = OnnxInstances(self._content or checkpoint, self.runs_on)
        self._checksum = zlib.crc32(self._content or Path(checkpoint).read_bytes())
        self._facts, model = network.facts, build_model(cfg, self.models)
        check_facts(self._facts, model, Path(checkpoint).name, str(cfg.filename))
        # masks of what is not sure enough need not be computed
        detect_by(network, model, lambda: self.score_thr)
        meta = dict(dataset_meta=dict(classes=self._facts.classes, palette=self._facts.palette))
        return model, dict(meta=meta)

    def _calibration(self) -> CountCalibration | None:
        if self._facts.counts is None:
            return None
        kept = {key: torch.tensor(value) for key, value in self._facts.counts.items()}
        hub = dict(runtime_info={KEPT_COUNTS: kept})
        return CountCalibration.of_checkpoint(dict(message_hub=hub))

    def _remembered(self) -> float | None:
        return self._facts.threshold
