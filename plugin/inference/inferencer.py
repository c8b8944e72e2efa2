"""The way in which OpenMMLab's programs call a model: an inferencer of MMEngine's registry."""
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import INFERENCERS

from .inputs import Inputs
from .model import load_model
from .prediction import Predicted, predict


@INFERENCERS.register_module()
class PastureInferencer:
    """:func:`~plugin.inference.load_model` and :func:`~plugin.inference.predict` as one object.

    ``INFERENCERS.build(dict(type='PastureInferencer', model=..., weights=...))`` makes one. It has
    no steps of its own, so that its results are those of ``tools/predict.py``.

    Args:
        model (str | Path | mmengine.Config): The config.
        weights (str | Path): The checkpoint.
        device (str, optional): Where to compute. Defaults to a GPU if there is one.
        settings (Any): Others of ``load_model``.

    Example:
        >>> from plugin.inference.inferencer import PastureInferencer
        >>> inferencer = PastureInferencer('fcn8s_barn', 'best.pth', device='cpu')
        >>> print(inferencer('barn.jpg', out_dir='results'))
        1 of 1 inputs segmented; results in results
    """

    def __init__(self, model: str | Path | Config, weights: str | Path,
                 device: str | None = None, **settings: Any) -> None:
        self.model = load_model(model, weights, device=device, **settings)

    def __call__(self, inputs: Inputs, out_dir: str | Path = 'outputs',
                 **settings: Any) -> Predicted:
        """Predict images and videos.

        Args:
            inputs (str | Path | Sequence[str | Path]): Images, videos, folders and globs.
            out_dir (str | Path): Folder of the results. Defaults to ``outputs``.
            settings (Any): Others of ``predict``.
        """
        return predict(self.model, inputs, out_dir, **settings)
