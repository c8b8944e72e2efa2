"""The images on which an exported graph is compared with PyTorch."""
import importlib.util
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.registry import Registry
from torch.utils.data import Dataset

from plugin.models.onnx.export import MISSING
from plugin.utils import UserError

from .inputs import Inputs, find_inputs

NO_IMAGES = ('the images of the test set of {} are not there ({}); the export is compared on '
             'images, so give some by --pictures')


def need_packages() -> None:
    """Raise ``ImportError`` unless what exports and compares is installed."""
    for name in ('onnx', 'onnxruntime'):
        if importlib.util.find_spec(name) is None:
            raise ImportError(MISSING.format(name, 'it is not installed'))


def test_set(cfg: Config, datasets: Registry) -> Dataset | None:
    """The test set of a config; None if it has none.

    Raises:
        UserError: If its files are not there.
    """
    node = cfg.get('test_dataloader') or cfg.get('val_dataloader')
    try:
        # a data set without images may fail in any way while it is built
        return datasets.build(node['dataset']) if node else None
    except Exception as error:
        raise UserError(NO_IMAGES.format(cfg.filename, error)) from error


def test_images(cfg: Config, datasets: Registry, number: int) -> list[Path]:
    """Some images of the test set, from its beginning to its end.

    Args:
        cfg (mmengine.Config): The config.
        datasets (Registry): Where its data sets are registered.
        number (int): How many at most.

    Raises:
        UserError: If there are none.
    """
    dataset = test_set(cfg, datasets)
    paths = paths_of(dataset) if dataset is not None else []
    if not paths:
        raise UserError(NO_IMAGES.format(cfg.filename, 'it is empty'))
    return [paths[place] for place in spread(len(paths), number)]


def paths_of(dataset: Dataset) -> list[Path]:
    """The images of a data set, also of one in wrappers."""
    from plugin.datasets.leaves import leaf_datasets
    return [Path(leaf.get_data_info(index)['img_path']) for leaf in leaf_datasets(dataset)
            for index in range(len(leaf))]


def spread(total: int, number: int) -> list[int]:
    """At most ``number`` of the places 0 to ``total - 1``, from the first to the last."""
    return np.linspace(0, total - 1, min(number, total)).round().astype(int).tolist()


def given_images(given: Inputs, number: int) -> list[Path]:
    """The first images of what was given.

    Raises:
        FileNotFoundError: If it names nothing.
        UserError: If it names no image.
    """
    # a folder of results that is none leaves nothing out
    paths = [item.path for item in find_inputs(given, 'outputs') if not item.is_video][:number]
    if not paths:
        words = [given] if isinstance(given, (str, Path)) else given
        raise UserError(f'--pictures {" ".join(map(str, words))} names no image; give some')
    return paths
