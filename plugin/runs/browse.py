"""What the augmentation of a config really feeds the network."""
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from plugin.engine.draws import seed_everything
from plugin.utils import UserError, atomic_path
from plugin.utils.config import is_detection, load_config, network_config
from plugin.visualization.images import grid, overlay
from plugin.visualization.instances import draw_instances
from plugin.visualization.regions import draw_regions

COLUMNS = 4
SUFFIXES = ('.png', '.jpg')


class Sheet(NamedTuple):
    """A sheet of samples.

    Attributes:
        path (Path): The image.
        shown (int): Samples in it.
        total (int): Samples of the data set.
    """

    path: Path
    shown: int
    total: int


def browse(config: str | Path | Config, *, out: str | Path | None = None, number: int = 16,
           split: str = 'train', seed: int = 0, options: Sequence[str] = ()) -> Sheet:
    """Draw samples as the network gets them, through the pipeline and the data preprocessor.

    Args:
        config (str | Path | Config): A file, the name of a config that comes with Pasture, or
            what was read from one.
        out (str | Path, optional): The image to write, ``.png`` or ``.jpg``. Defaults to
            ``outputs/browse_<config>_<split>.png``.
        number (int): Samples to show, at most. Defaults to 16.
        split (str): Which data loader of the config: ``train``, ``val`` or ``test``.
        seed (int): Of the choice and of the augmentation. Defaults to 0.
        options (Sequence[str]): Values to set in the config, as ``key.of.it=value``.

    Returns:
        Sheet: The image and how many samples it shows.

    Raises:
        FileNotFoundError: If the config or the data do not exist.
        UserError: If the config has no such split, or the split no samples.

    Example:
        >>> from plugin.runs import browse
        >>> sheet = browse('fcn8s_barn', number=4, out='samples.png')
        >>> sheet.path.name, sheet.shown
        ('samples.png', 4)
    """
    cfg = load_config(config, options)
    name = cfg.filename or 'config'
    path = Path(out or Path('outputs') / f'browse_{Path(name).stem}_{split}.png')
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f'{path} is neither {" nor ".join(SUFFIXES)}')
    loader = cfg.get(f'{split}_dataloader')
    if not loader:
        raise UserError(f'{name} has no {split}_dataloader')
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    dataset = _registry(cfg).DATASETS.build(loader.dataset)
    if len(dataset) == 0:
        raise UserError(f'the {split} set is empty; look at data_root and ann_file')
    seed_everything(seed)
    chosen = np.random.default_rng(seed).permutation(len(dataset))[:number]
    samples = [dataset[int(index)] for index in chosen]
    # a training pads the images of a batch to one size, a test takes them one by one
    training = split == 'train'
    size = loader.get('batch_size', 1) if training else 1
    cells = [(image, labelled(image, sample, dataset.metainfo))
             for start in range(0, len(samples), size)
             for image, sample in fed(cfg, samples[start:start + size], training)]
    # instances have a colour each, not a colour a class
    legend = None if is_detection(cfg) else list(
        zip(dataset.metainfo['classes'], dataset.metainfo['palette'], strict=True))
    with atomic_path(path) as temporary:
        Image.fromarray(_sheet(cells, legend)).save(temporary)
    return Sheet(path, len(cells), len(dataset))


def fed(cfg: Config, samples: Sequence[Mapping], training: bool) -> list[tuple[np.ndarray, Any]]:
    """What the network gets for a batch of samples, as images.

    Args:
        cfg (mmengine.Config): Config with the data preprocessor.
        samples (Sequence[Mapping]): Samples of the data set.
        training (bool): Whether the network would train on them.

    Returns:
        list[tuple]: RGB ``(H, W, 3)``, uint8, and the data sample that goes with it.

    Raises:
        UserError: If the config has no data preprocessor.
    """
    # a method with a teacher has the one of the network inside
    holders = (cfg.model, network_config(cfg.model), cfg)
    settings = next(filter(None, (holder.get('data_preprocessor') for holder in holders)), None)
    if settings is None:
        raise UserError(f'{cfg.filename} has no data_preprocessor; nothing can be fed')
    preprocessor = _registry(cfg).MODELS.build(settings)
    batch = preprocessor({key: [sample[key] for sample in samples]
                          for key in ('inputs', 'data_samples')}, training)
    inputs = torch.as_tensor(batch['inputs']).float()
    if settings.get('mean') is not None:
        inputs = inputs * preprocessor.std + preprocessor.mean
    images = inputs.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    if images.shape[3] == 1:  # grey
        images = images.repeat(3, axis=3)
    # OpenCV reads BGR; most preprocessors turn it round
    if not (settings.get('bgr_to_rgb') or settings.get('rgb_to_bgr')):
        images = images[..., ::-1]
    return list(zip(images.copy(), batch['data_samples'], strict=True))


def labelled(image: np.ndarray, sample: Any, metainfo: Mapping[str, Any]) -> np.ndarray:
    """The image with its labels in colour: of the classes, or of each instance.

    Args:
        image (np.ndarray): RGB ``(H, W, 3)``, uint8.
        sample (SegDataSample | DetDataSample): Its truth.
        metainfo (Mapping): Of the data set, with ``palette``.

    Returns:
        np.ndarray: RGB ``(H, W, 3)``, uint8.
    """
    if 'gt_sem_seg' in sample:
        return overlay(image, _fitting(sample.gt_sem_seg.data.squeeze(0).numpy(), image),
                       metainfo['palette'])
    if 'gt_instances' not in sample:
        return image  # of an unlabelled source
    masks = [_fitting(mask, image) for mask in sample.gt_instances.masks.to_ndarray()]
    ignored = sample.get('ignored_instances') or {}
    regions = ignored['masks'].to_ndarray() if 'masks' in ignored else ()
    return draw_instances(draw_regions(image, [_fitting(mask, image) for mask in regions]), masks)


def _sheet(cells: Sequence[tuple[np.ndarray, np.ndarray]], legend: Any) -> np.ndarray:
    """Pairs of an input and its labels in rows; RGB ``(H, W, 3)``, uint8."""
    columns = min(COLUMNS, len(cells))
    rows = [[image for cell in cells[start:start + columns] for image in cell]
            for start in range(0, len(cells), columns)]
    return grid(rows, titles=['input', 'labels'] * columns, legend=legend)


def _registry(cfg: Config) -> ModuleType:
    """The registries of the library that the config is for."""
    return importlib.import_module(f'{cfg.get("default_scope", "mmseg")}.registry')


def _fitting(labels: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Labels in the size of the image; a test resizes its prediction to the labels instead."""
    if labels.shape == image.shape[:2]:
        return labels
    return cv2.resize(labels.astype('int16'), image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
