"""A trained model that outlines each instance of an image, without a data set."""
import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.structures import InstanceData

from plugin.datasets.doctor.caps import detection_cap
from plugin.evaluation.count_intervals import HINT, CountCalibration, CountIntervals
from plugin.evaluation.count_threshold import DEFAULT_THRESHOLD, best_threshold
from plugin.models.postprocess import Detection, check_tiling, join_tiles, tile_grid
from plugin.utils import UserError
from plugin.utils.config import network_config

from .instances import Instances
from .predictor import Predictor, Prepared

NO_OUTLINES = ('{} finds boxes, but outlines nothing; use a config with masks, '
               'e.g. configs/mask-rcnn_r50_cattle.py')


class Detector(Predictor[Instances]):
    """The instances of an image, e.g. its animals: an image in, a list of them out.

    :func:`~plugin.inference.load_model` makes one from names and paths.

    Args:
        cfg (mmengine.Config): Config of a detector with masks, and its test pipeline.
        checkpoint (str): Its trained weights.
        device (str): Where to compute, e.g. ``cuda:1``. Defaults to ``cpu``.
        score_thr (float, optional): Lowest score of an instance. Defaults to the threshold that
            counted best on the validation set, as the checkpoint remembers it, or 0.5.
        tile (int, optional): Side of the tiles in pixels into which an image is cut.
            Defaults to whole images.
        overlap (int): Pixels that neighbouring tiles share.

    Attributes:
        classes (list[str]): Names of the C classes.
        score_thr (float): Lowest score of an instance.
        reason (str): Where it comes from.
        least_score (float): What scores less is dropped by the config before.
        cap (tuple, optional): The key of the config that limits the instances of an image, and how
            many there are at most.

    Raises:
        UserError: If the checkpoint does not fit the model, the model has no masks, the overlap
            does not fit the tiles, or there is no test pipeline.

    Example:
        >>> from plugin.inference import load_model
        >>> detector = load_model('mask-rcnn_mnv2_barn', 'best.pth')
        >>> cows = detector('barn.jpg')
        >>> all(cow.score >= detector.score_thr and cow.name in detector.classes for cow in cows)
        True
        >>> len(cows.to_coco(image_id=7)) == len(cows)
        True
        >>> cows.to_labelme('barn.jpg')['imagePath']
        'barn.jpg'
    """

    scope, models, datasets = 'mmdet', MODELS, DATASETS

    def __init__(self, cfg: Config, checkpoint: str, *, device: str = 'cpu',
                 score_thr: float | None = None, tile: int | None = None,
                 overlap: int = 128) -> None:
        if tile is not None:
            check_tiling(tile, overlap)
        super().__init__(cfg, checkpoint, device=device)
        self._tile, self._overlap = tile, overlap
        self.cap, self._is_full = detection_cap(cfg), False
        self.least_score = least_score(cfg)
        self._chosen = self._remembered()
        self.score_thr, self.reason = _threshold(self._chosen, score_thr)
        self._counts = self._calibration()
        self._intervals: dict[float, CountIntervals] = {}
        # models without RoIs have their masks where only a prediction shows them
        black = self.array(np.zeros((64, 64, 3), np.uint8))
        if not self._model.with_mask and 'masks' not in self._found(black):
            raise UserError(NO_OUTLINES.format(cfg.filename))

    def identity(self) -> dict[str, Any]:
        """What tells the results of this model from those of another one, as JSON holds it."""
        return dict(super().identity(), tile=self._tile, overlap=self._overlap,
                    score_thr=self.score_thr)

    @contextlib.contextmanager
    def at_threshold(self, score_thr: float) -> Iterator[None]:
        """Let instances have another lowest score while the block lasts."""
        before, self.score_thr = self.score_thr, score_thr
        try:
            yield
        finally:
            self.score_thr = before

    def answers(self, batch: dict) -> list:
        """The data samples that the model returns for a batch of a data set."""
        with torch.no_grad():
            return self._model.test_step(batch)

    def _remembered(self) -> float | None:
        """The threshold that counted best on the validation set."""
        return best_threshold(self.checkpoint)

    def count_intervals(self, threshold: float | None = None) -> CountIntervals:
        """Intervals for the counts at a threshold, from the validation of the checkpoint.

        Args:
            threshold (float, optional): Lowest score that counts. Defaults to ``score_thr``.

        Returns:
            CountIntervals: Their ``reason`` says why there are none.
        """
        if self._counts is None:
            return CountIntervals.none(f'the checkpoint keeps no counts of a validation: {HINT}')
        if self._tile is not None:
            return CountIntervals.none('images in tiles are counted in another way than those of '
                                       'the validation')
        threshold = self.score_thr if threshold is None else threshold
        if threshold not in self._intervals:
            self._intervals[threshold] = self._counts.intervals(threshold, self._chosen)
        return self._intervals[threshold]

    def _calibration(self) -> CountCalibration | None:
        """What was counted on the validation set."""
        return CountCalibration.of_checkpoint(self.checkpoint)

    def _least_memory(self) -> int | None:
        # the image, and its overlay
        return None if self._tile is not None else 6

    def _predict(self, image: np.ndarray) -> Instances:
        height, width = image.shape[:2]
        self._is_full = False
        if self._tile is None:
            return self._instances(self._detect(self._found(image)), height, width)
        tiles = tile_grid(height, width, self._tile, self._overlap)
        found = join_tiles(tiles, [
            self._detect(self._found(np.ascontiguousarray(image[top:bottom, left:right])),
                         left, top)
            for left, top, right, bottom in tiles])
        return self._instances(found, height, width)

    def _samples(self, prepared: Sequence[Prepared]) -> list:
        # an image in tiles has no sample of its own
        return list(prepared) if self._prepares_itself() else super()._samples(prepared)

    def _answer(self, sample: Any, prepared: Prepared) -> Instances:
        if isinstance(prepared, np.ndarray):
            return self._predict(prepared)
        self._is_full = False
        height, width = prepared['data_samples'].ori_shape[:2]
        return self._instances(self._detect(sample.get('pred_instances', {})), height, width)

    def _prepares_itself(self) -> bool:
        return self._tile is not None

    def _instances(self, found: list[Detection], height: int, width: int) -> Instances:
        """Those of an image, the surest first. One whose outline has no pixel is none."""
        instances = Instances(sorted(found, key=lambda one: -one.score), self.classes, height,
                              width)
        instances.interval = self.count_intervals().of(len(instances))
        instances.is_full = self._is_full
        return instances

    def _detect(self, found: InstanceData, left: int = 0, top: int = 0) -> list[Detection]:
        sure = found.scores >= self.score_thr
        labels, scores, masks = (found[name][sure].cpu().numpy()
                                 for name in ('labels', 'scores', 'masks'))
        # of a tile, what lies in one is limited
        self._is_full |= self.cap is not None and len(scores) >= self.cap[1]
        instances = (Detection.from_mask(label, score, mask, left, top)
                     for label, score, mask in zip(labels, scores, masks, strict=True))
        return [instance for instance in instances if instance is not None]

    def _found(self, image: np.ndarray) -> InstanceData:
        """What the model says; an empty dictionary if it predicts something else."""
        return self._result(image).get('pred_instances', {})

    def _number_of_classes(self) -> int | None:
        heads = (module for name, module in self._model.named_modules()
                 if re.search(r'(bbox|mask|panoptic)_head(\.0)?$', name))
        numbers = (getattr(head, 'num_classes', None) for head in heads)
        return next((number for number in numbers if number is not None), None)


def least_score(cfg: Config) -> float:
    """The score below which the config itself drops what the model finds."""
    settings = network_config(cfg.model).get('test_cfg') or {}
    return (settings.get('rcnn') or settings).get('score_thr', 0.0)


def _threshold(best: float | None, given: float | None) -> tuple[float, str]:
    """The lowest score of an instance, and where it comes from."""
    if given is not None:
        return given, 'as given by --score-thr'
    if best is not None:
        return best, 'it counted best on the validation set, as the checkpoint remembers'
    return DEFAULT_THRESHOLD, ('the default, as the checkpoint remembers none; '
                               '--score-thr sets another')
