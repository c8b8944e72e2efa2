"""A trained model that turns images into label maps, without a data set."""
import copy
from typing import Any

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmseg.registry import DATASETS, MODELS

from plugin.inference import tta
from plugin.models.segmentors import TTASegmentor
from plugin.utils import UserError

from .predictor import Predictor


class Segmenter(Predictor):
    """Label maps of images.

    Args:
        cfg (mmengine.Config): Config of a segmentor, and its test pipeline.
        checkpoint (str): Its trained weights.
        device (str): Where to compute, e.g. ``cuda:1``. Defaults to ``cpu``.
        tile (int, optional): Side of the tiles in pixels into which an image is cut, with the
            other settings of the config's ``test_cfg``. Defaults to the mode of the config.
        overlap (int, optional): Pixels that neighbouring tiles share.
        keep_logits (bool): Whether :meth:`labels_and_probabilities` will be asked for. Without,
            large images in tiles take little memory. Defaults to False.
        tta (bool): Whether to average over the views of the config's ``tta_pipeline``.
            Defaults to False.

    Raises:
        UserError: If the checkpoint does not fit the model, the overlap does not fit the tiles,
            there is no test pipeline, or the views are made by something else than ``TTAViews``.
    """

    scope, models, datasets = 'mmseg', MODELS, DATASETS

    def __init__(self, cfg, checkpoint: str, *, device: str = 'cpu',
                 tile: int | None = None, overlap: int | None = None, keep_logits: bool = False,
                 tta: bool = False) -> None:
        cfg = copy.deepcopy(cfg)
        # semi-supervised methods hold the network in a segmentor of their own
        model = cfg.model.get('segmentor', cfg.model)
        settings = dict(model.get('test_cfg') or {})
        if tile is not None:
            settings.update(mode='tile', crop_size=(tile, tile))
            settings.pop('stride', None)
        if overlap is not None:
            settings.update(overlap=(overlap, overlap))
        if settings.get('mode') == 'tile':
            settings['keep_logits'] = keep_logits or tta or bool(settings.get('crf'))
        if settings:
            model.test_cfg = ConfigDict(settings)
        self._tta, self._given_views = tta, cfg.get('tta_pipeline')
        super().__init__(cfg, checkpoint, device)
        self._averaged = TTASegmentor(self._model) if tta else None

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Predict the class of each pixel.

        Args:
            image (np.ndarray): BGR ``(H, W, 3)`` or grey ``(H, W)``, uint8.

        Returns:
            np.ndarray: Class ids, ``(H, W)``.
        """
        return self._labels(self._result(image))

    def labels_and_probabilities(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predict the probability of each class at each pixel.

        Args:
            image (np.ndarray): BGR ``(H, W, 3)`` or grey ``(H, W)``, uint8.

        Returns:
            tuple[np.ndarray, np.ndarray]: Class ids ``(H, W)``, and probabilities ``(C, H, W)``,
            float16; those after the CRF where the config has one. A model with one output
            channel has two classes, the second of which is its foreground.
        """
        sample = self._result(image)
        scores = sample.seg_logits.data.float()
        # mmseg leaves the sigmoid of a single channel
        shares = scores.softmax(0) if len(scores) > 1 else torch.cat([1 - scores, scores])
        return self._labels(sample), shares.half().cpu().numpy()

    def _result(self, image: np.ndarray) -> Any:
        if self._averaged is None:
            return super()._result(image)
        views = self._pipeline(dict(img=image, img_id=0))
        with torch.no_grad():
            # each view is a batch of one image
            return self._averaged.test_step(
                {key: [[value] for value in values] for key, values in views.items()})[0]

    def _steps(self, steps: list[dict]) -> list[dict]:
        if not self._tta:
            return steps
        made = tta.views_of(self._given_views, steps)
        if made[0]['type'] != tta.VIEWS:
            raise UserError(f'--tta: tta_pipeline begins with {made[0]["type"]}, which takes '
                             "labels; set it to [dict(type='TTAViews', pipeline=test_pipeline)]")
        return made

    @staticmethod
    def _labels(sample) -> np.ndarray:
        labels = sample.pred_sem_seg.data.squeeze(0).cpu().numpy()
        # those of a single channel are floats
        return labels.astype(np.int64, copy=False)

    def _number_of_classes(self) -> int:
        return self._model.num_classes
