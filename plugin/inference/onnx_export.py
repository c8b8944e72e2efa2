"""The export of a semantic model as ONNX, after a comparison with PyTorch on real images."""
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import Registry
from torch import Tensor

from plugin.engine.checkpoints.files import check_target
from plugin.models.onnx import GraphFacts, OnnxNetwork, facts_of, predicting_network, to_onnx
from plugin.models.onnx.export import MISSING
from plugin.utils import UserError, write_atomically
from plugin.utils.config import existing_checkpoint, is_detection, load_config

from .inputs import Inputs, find_inputs
from .onnx_comparison import NEEDED, Row, compare
from .segmenter import Segmenter

DETECTORS = ('{} finds animals, and detectors are not exported: what suppresses boxes in mmcv has '
             'no ONNX form; use tools/predict.py without --onnx, or export a semantic model of the '
             'same data such as configs/fcn8s_r50_cattle.py')
NO_IMAGES = ('the images of the test set of {} are not there ({}); the export is compared on '
             'images, so give some by --pictures')


class Graph(NamedTuple):
    """An exported file; printed, it is one sentence.

    Attributes:
        path (Path): The file.
        size (int): Its bytes.
        facts (GraphFacts): What it says of itself.
        rows (list[Row]): How far it is from PyTorch.
    """

    path: Path
    size: int
    facts: GraphFacts
    rows: list[Row]

    def __str__(self) -> str:
        return (f'{self.path}: {self.size / 2**20:.1f} MiB, {self.facts.network}, '
                f'{len(self.facts.classes)} classes')


def export(config: str | Path | Config, checkpoint: str | Path, *, out: str | Path | None = None,
           half: bool = False, preprocessing: bool = False, images: Inputs | None = None,
           number: int = 4, turns: int = 5, overwrite: bool = False,
           options: Sequence[str] = ()) -> Graph:
    """Export a semantic model, compare the graph with PyTorch, and write it if both agree.

    A table of the comparison is printed. At least 99.9% of the pixels must get the class that
    PyTorch gives them, in float32, or in float64 where its own rounding changes more than that.

    Args:
        config (str | Path | mmengine.Config): A config, as of :func:`~plugin.inference.load_model`.
        checkpoint (str | Path): The trained weights.
        out (str | Path, optional): The file. Defaults to the checkpoint with ``.onnx`` at its end.
        half (bool): Compute in half precision; the input and the logits stay float32.
            Defaults to False.
        preprocessing (bool): Take images as OpenCV reads them, and normalise in the graph.
            Defaults to False.
        images (str | Path | Sequence[str | Path], optional): Images, folders or globs to compare
            on. Defaults to some of the config's test set.
        number (int): Of the images to compare on. Defaults to 4.
        turns (int): Predictions whose median time is shown. Defaults to 5.
        overwrite (bool): Replace the file if it exists. Defaults to False.
        options (Sequence[str]): ``key=value``, values of the config to set.

    Returns:
        Graph: The file; :func:`~plugin.inference.load_model` takes it as a checkpoint.

    Raises:
        ImportError: If ``onnx`` or ``onnxruntime`` is not installed.
        OSError: If the checkpoint is not there, or the file must not be written.
        UserError: If the config is that of a detector, there is no image, or the graph differs.

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
    if is_detection(cfg):
        raise UserError(DETECTORS.format(name))
    source = existing_checkpoint(str(checkpoint), cfg.get('work_dir'))
    local = '://' not in source
    # what was downloaded has no folder here
    target = Path(out or Path(source if local else Path(source).name).with_suffix('.onnx'))
    check_target(Path(source) if local else None, target, overwrite)
    need_packages()
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
    write_atomically(target, content)
    return Graph(target, len(content), facts, rows)


class Exported(Segmenter):
    """A model that is exported, and images on which it is compared."""

    @property
    def model(self) -> BaseModel:
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
    for name in ('onnx', 'onnxruntime'):
        if importlib.util.find_spec(name) is None:
            raise ImportError(MISSING.format(name, 'it is not installed'))


def test_images(cfg: Config, datasets: Registry, number: int) -> list[Path]:
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


def _images(cfg: Config, name: str, model: Exported, given: Inputs | None, number: int,
            preprocessing: bool) -> list[np.ndarray]:
    """Images as they enter the data preprocessor."""
    if given:
        # a folder of results that is none leaves nothing out
        found = find_inputs(given, 'outputs')
        paths = [item.path for item in found if not item.is_video][:number]
        if not paths:
            words = [given] if isinstance(given, (str, Path)) else given
            raise UserError(f'--pictures {" ".join(map(str, words))} names no image; give some')
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
