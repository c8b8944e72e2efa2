"""Prediction by an exported network."""
import zlib
from pathlib import Path

from mmengine.config import Config
from mmengine.model import BaseModel

from plugin.models.onnx import OnnxNetwork, check_facts, predicting_network, run_by

from .predictor import build_model
from .segmenter import Segmenter


class OnnxSegmenter(Segmenter):
    """The class of each pixel, by a file that :func:`~plugin.inference.export` wrote.

    Images are prepared, cut into tiles and brought back to their size as by
    :class:`~plugin.inference.segmenter.Segmenter`; onnxruntime computes the logits.

    Args:
        cfg (mmengine.Config): The config that was exported.
        checkpoint (str): The file.
        device (str): Where onnxruntime computes, e.g. ``cuda:1``. Defaults to ``cpu``.
        settings: As of ``Segmenter``.

    Raises:
        UserError: If the file is no graph of this config.
    """

    def _torch_device(self) -> str:
        return 'cpu'  # what is around the graph

    def _weights(self) -> int:
        # those of the graph; PyTorch's are not used
        return self._checksum

    def _load(self, cfg: Config, checkpoint: str) -> tuple[BaseModel, dict]:
        network = OnnxNetwork(checkpoint, self.runs_on)
        self._checksum = zlib.crc32(Path(checkpoint).read_bytes())
        facts, model = network.facts, build_model(cfg, self.models)
        check_facts(facts, model, Path(checkpoint).name, str(cfg.filename))
        run_by(network, predicting_network(model), model.data_preprocessor)
        meta = dict(dataset_meta=dict(classes=facts.classes, palette=facts.palette))
        return model, dict(meta=meta)
