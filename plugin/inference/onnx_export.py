"""The export of a model as ONNX, after a comparison with PyTorch on real images."""
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from plugin.models.onnx import GraphFacts, OnnxNetwork, facts_of, predicting_network, to_onnx
from plugin.models.weights.files import check_target
from plugin.utils import UserError, write_atomically
from plugin.utils.config import existing_checkpoint, is_detection, load_config

from .bundle import Licences, check_bundle, write_bundle
from .inputs import Inputs
from .onnx_comparison import NEEDED, Row, compare
from .onnx_images import given_images, need_packages, test_images
from .onnx_instance_comparison import InstanceRow
from .predictor import Predictor
from .segmenter import Segmenter

INT8 = ('--int8 is for models of animals, of which it quantises the backbone, but {} is a semantic '
        'model; leave it out')


class Graph(NamedTuple):
    """An exported file; printed, it is one sentence.

    Attributes:
        path (Path): The file.
        size (int): Its bytes.
        facts (GraphFacts): What it says of itself.
        rows (list[Row] | list[InstanceRow]): How far it is from PyTorch.
    """

    path: Path
    size: int
    facts: GraphFacts
    rows: list[Row] | list[InstanceRow]

    def __str__(self) -> str:
        return (f'{self.path}: {self.size / 2**20:.1f} MiB, {self.facts.network}, '
                f'{len(self.facts.classes)} classes')


def export(config: str | Path | Config, checkpoint: str | Path, *, out: str | Path | None = None,
           half: bool = False, int8: bool = False, preprocessing: bool = False,
           images: Inputs | None = None, number: int = 4, turns: int = 5, scored: int = 32,
           bundle: str | Path | None = None, data_licence: str | None = None,
           weights_licence: str | None = None, overwrite: bool = False,
           options: Sequence[str] = ()) -> Graph:
    """Export a model, compare the graph with PyTorch, and write it if both agree.

    A table of the comparison is printed. Of a semantic model, at least 99.9% of the pixels must
    get the class that PyTorch gives them, in float32, or in float64 where its own rounding changes
    more than that. Of a detector with masks, the images and parts of them must have the same
    instances, with masks whose mean IoU is 0.99, and AP may fall by 0.1; with ``int8`` it may
    fall by 0.5.

    Args:
        config (str | Path | mmengine.Config): A config, as of :func:`~plugin.inference.load_model`.
        checkpoint (str | Path): The trained weights.
        out (str | Path, optional): The file. Defaults to the checkpoint with ``.onnx`` at its end.
        half (bool): Compute in half precision; the input and the outputs stay float32.
            Defaults to False.
        int8 (bool): Quantise the backbone of a detector, with ranges of images of the config's
            train set. Defaults to False.
        preprocessing (bool): Take images as OpenCV reads them, and normalise in the graph.
            Defaults to False; a bundle has it always.
        images (str | Path | Sequence[str | Path], optional): Images, folders or globs to compare
            on. Defaults to some of the config's test set.
        number (int): Of the images to compare on. Defaults to 4.
        turns (int): Predictions whose median time is shown. Defaults to 5.
        scored (int): Images of the config's test set on which the AP of a detector is compared;
            0 for none. Defaults to 32.
        bundle (str | Path, optional): Write a folder in the place of a file, which predicts without
            PyTorch, see :mod:`plugin.inference.bundle`.
        data_licence (str, optional): What the bundle says of the data of the training.
        weights_licence (str, optional): What it says of the weights.
        overwrite (bool): Replace the file if it exists. Defaults to False.
        options (Sequence[str]): ``key=value``, values of the config to set.

    Returns:
        Graph: The file; :func:`~plugin.inference.load_model` takes it as a checkpoint.

    Raises:
        ImportError: If ``onnx`` or ``onnxruntime`` is not installed.
        OSError: If the checkpoint is not there, or the file must not be written.
        UserError: If the model has no form as a graph, there is no image, or the graph differs.

    Example:
        >>> from plugin.inference import export
        >>> graph = export('fcn8s_barn', 'best.pth', images='images/', number=1, turns=1,
        ...                overwrite=True)  # doctest: +ELLIPSIS
        EncoderDecoder: ...
        >>> graph.path.name, min(row.agreement for row in graph.rows) >= 0.999
        ('best.onnx', True)
    """
    cfg = load_config(config, list(options))
    name = str(cfg.filename if isinstance(config, Config) else config)
    detection = is_detection(cfg)
    _check_settings(name, detection, out, half, int8, bundle)
    source = existing_checkpoint(str(checkpoint), cfg.get('work_dir'))
    local = '://' not in source
    # what was downloaded has no folder here
    target = (Path(bundle) / 'model.onnx' if bundle is not None
              else Path(out or Path(source if local else Path(source).name).with_suffix('.onnx')))
    check_target(Path(source) if local else None, target, overwrite)
    need_packages()
    if bundle is not None:
        check_bundle(cfg)
    settings: dict[str, Any] = dict(preprocessing=preprocessing or bundle is not None,
                                    images=images, number=number, turns=turns)
    made: tuple[bytes, GraphFacts, Any, Predictor]
    if detection:
        from .onnx_instance_export import make_instances
        precision = 'int8' if int8 else 'float16' if half else 'float32'
        made = make_instances(cfg, name, source, precision=precision, scored=scored, **settings)
    else:
        made = make_pixels(cfg, name, source, half=half, target=target, **settings)
    content, facts, rows, model = made
    if bundle is not None:
        write_bundle(Path(bundle), content, facts, model, cfg,
                     Licences(data_licence, weights_licence))
    else:
        write_atomically(target, content)
    return Graph(target, len(content), facts, rows)


def _check_settings(name: str, detection: bool, out: object, half: bool, int8: bool,
                    bundle: object) -> None:
    if int8 and not detection:
        raise UserError(INT8.format(name))
    if int8 and half:
        raise UserError('--int8 and --fp16 exclude each other: leave out one of them')
    if out is not None and bundle is not None:
        raise UserError(f'--out {out} is the file and --bundle {bundle} the folder to write: leave '
                        'out one of them')


def make_pixels(cfg: Config, name: str, source: str, *, half: bool, preprocessing: bool,
                images: Inputs | None, number: int, turns: int, target: Path
                ) -> tuple[bytes, GraphFacts, list[Row], 'Exported']:
    """Trace a semantic model and compare it; see :func:`export`.

    Returns:
        tuple: Content of the file, its facts, the comparison, and the model.
    """
    model = Exported(cfg, source)
    compared = _images(cfg, name, model, images, number, preprocessing)
    facts = facts_of(
        model.model, config=Path(name).name, checkpoint=Path(source).name, classes=model.classes,
        palette=model.palette, preprocessing=preprocessing, half=half)
    content: bytes = to_onnx(model.model, preprocessing=preprocessing, half=half,
                             metadata=facts.to_metadata()).SerializeToString()
    rows = compare(model.model, OnnxNetwork(content), compared, turns)
    _print(rows, facts)
    _check(rows, facts.precision, target)
    return content, facts, rows, model


class Exported(Segmenter):
    """A model that is exported, and images on which it is compared."""

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


def _images(cfg: Config, name: str, model: Exported, given: Inputs | None, number: int,
            preprocessing: bool) -> list[np.ndarray]:
    """Images as they enter the data preprocessor."""
    if given:
        paths = given_images(given, number)
    else:
        with model.in_scope():
            paths = test_images(cfg, model.datasets, number)
    images = [model.prepared(model.read(path)) for path in paths]
    if preprocessing and any(image.dtype != np.uint8 for image in images):
        raise UserError(f'the test pipeline of {name} makes floats of its images, but a '
                        'graph with preprocessing takes 8 bits; leave out --with-preprocessing')
    return images


def _print(rows: list[Row], facts: GraphFacts) -> None:
    from rich.console import Console
    from rich.table import Table
    print(f'{facts.network}, {facts.precision}, times of one image on '
          f'{torch.get_num_threads()} CPU thread(s):')
    table = Table()
    for name in ('size', 'images', 'largest difference', 'same class', 'PyTorch', 'onnxruntime'):
        table.add_column(name, justify='right')
    for row in rows:
        table.add_row(row.size, str(row.images), f'{row.largest:.2g}', f'{row.agreement:.4%}',
                      f'{row.pytorch * 1e3:.1f} ms', f'{row.onnx * 1e3:.1f} ms')
    # a file or a pipe has no width of its own
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _check(rows: list[Row], precision: str, out: Path) -> None:
    worst = min(row.agreement for row in rows)
    if worst < NEEDED:
        cure = ('export without --fp16' if precision == 'float16'
                else 'predict with PyTorch, and report the config')
        raise UserError(f'only {worst:.3%} of the pixels get the class that PyTorch gives them, '
                        f'{NEEDED:.1%} are needed: {out} was not written; {cure}')
