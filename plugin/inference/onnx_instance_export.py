"""A detector as an ONNX graph, after a comparison with PyTorch on real images."""
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config

from plugin.models.onnx import (
    InstanceFacts,
    instance_facts_of,
    instances_to_onnx,
    predicting_detector,
    raw_images,
)
from plugin.utils import UserError
from plugin.utils.console import warn

from .detector import Detector
from .inputs import Inputs
from .onnx_detector import OnnxDetector
from .onnx_images import given_images, paths_of, spread, test_images, test_set
from .onnx_instance_comparison import (
    AP_LOSS,
    MARGIN,
    NEEDED_IOU,
    InstanceRow,
    Precision,
    average_precision,
    compare_instances,
)

CALIBRATION = 32
NO_CALIBRATION = ('int8 takes its ranges from the images of the train set of {}, which are not '
                  'there ({}); leave out --int8, or bring them')


class ExportedDetector(Detector):
    """A detector that is exported."""

    @property
    def remembered(self) -> float | None:
        """The threshold that counted best on the validation set."""
        return self._remembered()

    @property
    def counts(self) -> dict[str, list] | None:
        """What was counted on the validation set, as lists."""
        if self._counts is None:
            return None
        return {key: value.tolist() for key, value in self._counts.as_dict().items()}

    def prepared(self, path: Path, raw: bool) -> np.ndarray:
        """An image as its graph takes it."""
        sample = self._pipeline(dict(img=self.read(path), img_id=0))
        batch = self._model.data_preprocessor(
            dict(inputs=[sample['inputs']], data_samples=[sample['data_samples']]))
        height, width = sample['data_samples'].img_shape[:2]
        image = batch['inputs'][:, :, :height, :width]
        return (raw_images(image, self._model.data_preprocessor) if raw else image).numpy()


def make_instances(cfg: Config, name: str, source: str, *, precision: str, preprocessing: bool,
                   images: Inputs | None, number: int, turns: int, scored: int
                   ) -> tuple[bytes, InstanceFacts, list[InstanceRow], ExportedDetector]:
    """Trace a detector and compare it; see :func:`~plugin.inference.export`.

    Args:
        cfg (mmengine.Config): Its config.
        name (str): The config in messages.
        source (str): Its checkpoint.
        precision (str): ``float32``, ``float16`` or ``int8``.
        preprocessing (bool): Take images as OpenCV reads them.
        images (str | Path | Sequence, optional): What to compare on.
        number (int): Of images to compare on.
        turns (int): Of each time.
        scored (int): Labelled images of the test set on which AP is compared; 0 for none.

    Returns:
        tuple: Content of the file, its facts, the comparison, and the detector.

    Raises:
        UserError: If the graph differs, or the detector has no form as a graph.
    """
    model = ExportedDetector(cfg, source)
    predicting_detector(model.model)
    with model.in_scope():
        paths = (given_images(images, number) if images
                 else test_images(cfg, model.datasets, number))
    facts = instance_facts_of(
        model.model, threshold=model.remembered, counts=model.counts, config=Path(name).name,
        checkpoint=Path(source).name, classes=model.classes, palette=model.palette,
        preprocessing=preprocessing, precision=precision)
    graph = instances_to_onnx(model.model, preprocessing=preprocessing,
                              half=precision == 'float16', metadata=facts.to_metadata())
    if precision == 'int8':
        from plugin.models.onnx.quantise import quantise_backbone
        graph = quantise_backbone(graph, _calibration(cfg, name, model, preprocessing),
                                  facts.to_metadata())
    content: bytes = graph.SerializeToString()
    given = OnnxDetector(cfg, 'the graph', content=content, score_thr=model.score_thr)
    rows = compare_instances(model, given, [model.read(path) for path in paths], turns,
                             MARGIN[precision])
    if not sum(row.instances for row in rows):
        warn('no instance was found on the images that were compared, which says little: give '
             'others by --pictures')
    scores = _precision(cfg, model, given, scored) if scored else None
    _print(rows, scores, facts)
    _check(rows, scores, precision)
    return content, facts, rows, model


def _precision(cfg: Config, model: ExportedDetector, given: Detector,
               scored: int) -> Precision | None:
    with model.in_scope():
        try:
            dataset = test_set(cfg, model.datasets)
        except UserError:
            dataset = None
        scores = average_precision(model, given, dataset, scored) if dataset else None
    if scores is None:
        warn(f'AP was not compared: the test set of {cfg.filename} is not there, or has no '
             'instances')
    return scores


def _calibration(cfg: Config, name: str, model: ExportedDetector,
                 raw: bool) -> Iterator[np.ndarray]:
    with model.in_scope():
        try:
            # a data set without images may fail in any way while it is built
            paths = paths_of(model.datasets.build(cfg.train_dataloader['dataset']))
        except Exception as error:
            raise UserError(NO_CALIBRATION.format(name, error)) from error
    if not paths:
        raise UserError(NO_CALIBRATION.format(name, 'it is empty'))
    return (model.prepared(paths[place], raw) for place in spread(len(paths), CALIBRATION))


def _print(rows: list[InstanceRow], scores: Precision | None, facts: InstanceFacts) -> None:
    from rich.console import Console
    from rich.table import Table
    print(f'{facts.network}, {facts.precision}, times of one image on '
          f'{torch.get_num_threads()} CPU thread(s):')
    table = Table()
    for name in ('size', 'images', 'instances', 'same instances', 'mean IoU of masks',
                 'largest difference of scores', 'PyTorch', 'onnxruntime'):
        table.add_column(name, justify='right')
    for row in rows:
        table.add_row(row.size, str(row.images), str(row.instances), f'{row.same} images',
                      f'{row.iou:.4f}', f'{row.score:.2g}', f'{row.pytorch * 1e3:.1f} ms',
                      f'{row.onnx * 1e3:.1f} ms')
    # a file or a pipe has no width of its own
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    if scores is not None:
        print(f'mask AP on {scores.images} images of the test set: {scores.pytorch:.2f} by '
              f'PyTorch, {scores.onnx:.2f} by onnxruntime')


def _check(rows: list[InstanceRow], scores: Precision | None, precision: str) -> None:
    cure = ('predict with PyTorch, and report the config' if precision == 'float32'
            else f'export without --{"fp16" if precision == "float16" else "int8"}')
    # of 8 bits, the precision is what matters
    if precision != 'int8' or scores is None:
        images, same = (sum(getattr(row, key) for row in rows) for key in ('images', 'same'))
        if same < images:
            raise UserError(f'only {same} of {images} images have the instances that PyTorch finds '
                            f'there: nothing was written; {cure}')
        worst = min(row.iou for row in rows)
        if worst < NEEDED_IOU:
            raise UserError(f'masks have a mean IoU of {worst:.4f} with those of PyTorch, '
                            f'{NEEDED_IOU} is needed: nothing was written; {cure}')
    if scores is not None and scores.onnx < scores.pytorch - AP_LOSS[precision]:
        raise UserError(f'mask AP falls from {scores.pytorch:.2f} to {scores.onnx:.2f} on '
                        f'{scores.images} images, {AP_LOSS[precision]} is the most: nothing was '
                        f'written; {cure}')
