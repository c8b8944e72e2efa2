"""A trained model that turns pictures into label maps, without a data set."""
import numpy as np
from _predictor import Predictor
from mmseg.registry import DATASETS, MODELS


class Segmenter(Predictor):
    """Label maps of pictures. For its arguments see :class:`Predictor`."""

    scope, models, datasets = 'mmseg', MODELS, DATASETS

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Predict the class of each pixel.

        Args:
            image (np.ndarray): BGR ``(H, W, 3)`` or grey ``(H, W)``, uint8.

        Returns:
            np.ndarray: Class ids, ``(H, W)``.
        """
        return self._result(image).pred_sem_seg.data.squeeze(0).cpu().numpy()

    def _number_of_classes(self) -> int:
        return self._model.num_classes
