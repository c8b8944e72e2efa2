"""Prediction by an exported network, and what the export itself needs of a model."""
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import mmcv
import numpy as np
import torch
from torch import Tensor, nn

from plugin.models.onnx import OnnxNetwork, check_facts, predicting_network, run_by
from plugin.utils import UserError

from .predictor import build_model
from .segmenter import Segmenter

NO_IMAGES = ('the images of the test set of {} are not there ({}); the export is compared on '
               'images, so give some by --pictures')


class OnnxSegmenter(Segmenter):
    """Label maps of images, by a file that ``tools/export_onnx.py`` wrote.

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

    def __init__(self, cfg, checkpoint: str, *, device: str = 'cpu', **settings) -> None:
        self._runs_on = device
        super().__init__(cfg, checkpoint, **settings)

    def _load(self, cfg, checkpoint: str) -> tuple[nn.Module, dict]:
        network = OnnxNetwork(checkpoint, self._runs_on)
        facts, model = network.facts, build_model(cfg, self.models)
        check_facts(facts, model, Path(checkpoint).name, str(cfg.filename))
        run_by(network, predicting_network(model), model.data_preprocessor)
        meta = dict(dataset_meta=dict(classes=facts.classes, palette=facts.palette))
        return model, dict(meta=meta)


class Exported(Segmenter):
    """A model that is exported, and images on which it is compared."""

    @property
    def model(self) -> nn.Module:
        """The model, with its weights."""
        return self._model

    def prepared(self, image: np.ndarray) -> np.ndarray:
        """An image as it enters the data preprocessor.

        Where the config predicts in windows or tiles, the middle of the image, of the size of
        one of them: the network never sees more.

        Args:
            image (np.ndarray): As of :meth:`read`.

        Returns:
            np.ndarray: (H, W, channels).
        """
        inputs: Tensor = self._pipeline(dict(img=image, img_id=0))['inputs']
        settings = predicting_network(self._model).test_cfg or {}
        if settings.get('mode') in ('slide', 'tile'):
            sides = settings['crop_size']
            sides = (sides, sides) if isinstance(sides, int) else sides
            cut = [max(extent - side, 0) // 2 for extent, side in zip(inputs.shape[1:], sides)]
            inputs = inputs[:, cut[0]:cut[0] + sides[0], cut[1]:cut[1] + sides[1]]
        return np.ascontiguousarray(inputs.permute(1, 2, 0).numpy())


def need_packages() -> None:
    """Raise ``ImportError`` unless what exports and compares is installed."""
    from plugin.models.onnx.export import MISSING
    for name in ('onnx', 'onnxruntime'):
        if importlib.util.find_spec(name) is None:
            raise ImportError(MISSING.format(name, 'it is not installed'))


def test_images(cfg, datasets, number: int) -> list[Path]:
    """Some images of the test set, from its beginning to its end.

    Args:
        cfg (mmengine.Config): The config.
        datasets (Registry): Where its data sets are registered.
        number (int): How many at most.

    Raises:
        UserError: If there are none.
    """
    from plugin.datasets.leaves import leaf_datasets
    node = cfg.get('test_dataloader') or cfg.get('val_dataloader')
    try:
        # a data set without images may fail in any way while it is built
        leaves = list(leaf_datasets(datasets.build(node['dataset']))) if node else []
    except Exception as error:
        raise UserError(NO_IMAGES.format(cfg.filename, error)) from error
    paths = [Path(leaf.get_data_info(index)['img_path']) for leaf in leaves
             for index in range(len(leaf))]
    if not paths:
        raise UserError(NO_IMAGES.format(cfg.filename, 'it is empty'))
    places = np.linspace(0, len(paths) - 1, min(number, len(paths))).round().astype(int)
    return [paths[place] for place in places]


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An image (H, W, channels) at ``(height, width)``."""
    # OpenCV drops the axis of a single channel
    return mmcv.imresize(image, size[::-1]).reshape(*size, -1)


def stacked(images: Sequence[np.ndarray]) -> Tensor:
    """Images of one size as a batch, (N, H, W, channels)."""
    return torch.from_numpy(np.stack(images))
