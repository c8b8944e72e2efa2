"""A trained model that turns images into label maps, without a data set."""
import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmseg.registry import DATASETS, MODELS
from mmseg.structures import SegDataSample

from plugin.models.postprocess import probabilities
from plugin.models.segmentors import TTASegmentor
from plugin.utils import UserError

from .images import Image
from .predictor import Predictor, Prepared
from .tta import VIEWS, views_of

DROPPED = ('the logits are dropped row by row, so that there are no probabilities: load the model '
           'with keep_logits=True')


class Segmenter(Predictor[np.ndarray]):
    """The class of each pixel: an image in, class ids ``(H, W)``, int64, out.

    :func:`~plugin.inference.load_model` makes one from names and paths.

    Args:
        cfg (mmengine.Config): Config of a segmentor, and its test pipeline.
        checkpoint (str): Its trained weights.
        device (str): Where to compute, e.g. ``cuda:1``. Defaults to ``cpu``.
        tile (int, optional): Side of the tiles in pixels into which an image is cut, with the
            other settings of the config's ``test_cfg``. Defaults to the mode of the config.
        overlap (int, optional): Pixels that neighbouring tiles share.
        keep_logits (bool): Whether :meth:`probabilities` will be asked for. Without, large images
            in tiles take little memory. Defaults to False.
        tta (bool): Whether to average over the views of the config's ``tta_pipeline``.
            Defaults to False.

    Attributes:
        classes (list[str]): Names of the C classes.
        palette (list[tuple[int, int, int]]): Their colours, RGB.

    Raises:
        UserError: If the checkpoint does not fit the model, the overlap does not fit the tiles,
            there is no test pipeline, or the views are made by something else than ``TTAViews``.

    Example:
        >>> from plugin.inference import load_model
        >>> segmenter = load_model('fcn8s_barn', 'best.pth')
        >>> labels = segmenter('barn.jpg')
        >>> labels.dtype
        dtype('int64')
        >>> segmenter.probabilities('barn.jpg').shape == (len(segmenter.classes), *labels.shape)
        True
        >>> for one in segmenter(['barn.jpg', 'barn.jpg']):
        ...     print(one.shape == labels.shape)
        True
        True
    """

    scope, models, datasets = 'mmseg', MODELS, DATASETS

    def __init__(self, cfg: Config, checkpoint: str, *, device: str = 'cpu',
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
        self._tiled = settings.get('mode') == 'tile'
        self._tta, self._given_views = tta, cfg.get('tta_pipeline')
        super().__init__(cfg, checkpoint, device=device)
        self._averaged = TTASegmentor(self._model) if tta else None

    def identity(self) -> dict[str, Any]:
        """What tells the results of this model from those of another one, as JSON holds it."""
        return dict(super().identity(), tta=self._tta)

    def probabilities(self, image: Image) -> np.ndarray:
        """Predict the probability of each class at each pixel.

        Args:
            image (str | Path | np.ndarray | PIL.Image.Image): An image.

        Returns:
            np.ndarray: ``(C, H, W)``, float32, as of :meth:`labels_and_probabilities`.

        Raises:
            UserError: If the model was made without ``keep_logits`` and drops what they are
                computed from.
        """
        return self._probabilities(self._result(self.array(image))).cpu().numpy()

    def labels_and_probabilities(self, image: Image) -> tuple[np.ndarray, np.ndarray]:
        """Predict both at once, the probabilities as they are written to files.

        Args:
            image (str | Path | np.ndarray | PIL.Image.Image): An image.

        Returns:
            tuple[np.ndarray, np.ndarray]: Class ids ``(H, W)``, and probabilities ``(C, H, W)``,
            float16; those after the CRF where the config has one. A model with one output
            channel has two classes, the second of which is its foreground.

        Raises:
            UserError: As of :meth:`probabilities`.
        """
        return self._both(self._result(self.array(image)))

    def labels_and_probabilities_of(self, prepared: Sequence[Prepared]
                                  ) -> list[tuple[np.ndarray, np.ndarray]]:
        """:meth:`labels_and_probabilities` of images of :meth:`prepare`."""
        return [self._both(sample) for sample in self._samples(prepared)]

    def _both(self, sample: SegDataSample) -> tuple[np.ndarray, np.ndarray]:
        return self._labels(sample), self._probabilities(sample).half().cpu().numpy()

    def _predict(self, image: np.ndarray) -> np.ndarray:
        return self._labels(self._result(image))

    def _answer(self, sample: SegDataSample, prepared: Prepared) -> np.ndarray:
        return self._labels(sample)

    def _prepares_itself(self) -> bool:
        return self._tta

    def _result(self, image: np.ndarray) -> SegDataSample:
        if self._averaged is None:
            return super()._result(image)
        views = self._pipeline(dict(img=image, img_id=0))
        with torch.no_grad():
            # each view is a batch of one image
            return self._averaged.test_step(
                {key: [[value] for value in values] for key, values in views.items()})[0]

    def _least_memory(self) -> int | None:
        # the image, its labels (int64), and its logits (float32)
        return None if self._tiled else 11 + 4 * len(self.classes) * (self._torch_device() == 'cpu')

    def _steps(self, steps: list[dict]) -> list[dict]:
        if not self._tta:
            return steps
        made = views_of(self._given_views, steps)
        if made[0]['type'] != VIEWS:
            raise UserError(f'--tta: tta_pipeline begins with {made[0]["type"]}, which takes '
                            "labels; set it to [dict(type='TTAViews', pipeline=test_pipeline)]")
        return made

    @staticmethod
    def _labels(sample: SegDataSample) -> np.ndarray:
        labels = sample.pred_sem_seg.data.squeeze(0).cpu().numpy()
        # those of a single channel are floats
        return labels.astype(np.int64, copy=False)

    @staticmethod
    def _probabilities(sample: SegDataSample) -> torch.Tensor:
        if 'seg_logits' not in sample:
            raise UserError(DROPPED)
        return probabilities(sample.seg_logits.data.float())

    def _number_of_classes(self) -> int:
        return self._model.num_classes
