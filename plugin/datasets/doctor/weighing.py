"""Weights that balance the classes of a training set in the loss."""
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope

from plugin.models.losses.class_weights import class_weights
from plugin.utils import UserError, write_atomically
from plugin.utils.config import load_config

from .class_counts import count_classes

DIGITS = 4  # of a weight


class ClassWeights(NamedTuple):
    """How often classes occur, and what they weigh.

    Attributes:
        weights (dict[str, float]): Weight of each of the C classes, in the order of the ids.
        pixels (np.ndarray): (N, C) pixels of each class in each of the N images.
    """

    weights: dict[str, float]
    pixels: np.ndarray


def weigh_classes(config: str | Path | Config, *, options: Sequence[str] = (), mode: str = 'median',
                  out: str | Path | None = None, overwrite: bool = False,
                  jobs: int = 1) -> ClassWeights:
    """Compute weights that balance the classes of the training set of a config.

    Args:
        config (str | Path | mmengine.Config): The config of a semantic training.
        options (Sequence[str]): Values to set in it, ``key=value`` each.
        mode (str): ``median`` or ``inverse``; see
            :func:`~plugin.models.losses.class_weights.class_weights`. Defaults to 'median'.
        out (str | Path, optional): A JSON file to write, which ``loss_decode.class_weight`` takes.
        overwrite (bool): Replace an older file.
        jobs (int): Threads that read label maps.

    Returns:
        ClassWeights: The weights, with four digits.

    Raises:
        OSError: If ``out`` must not be replaced, or a file is missing.
        UserError: If the config has no label maps to train on, or one is malformed.
    """
    if out is not None and Path(out).exists() and not overwrite:
        raise FileExistsError(f'{out} exists already: choose another name, or replace it '
                              'with --overwrite')
    cfg = load_config(config, options)
    if not cfg.get('train_dataloader'):
        raise UserError(f'{cfg.filename if isinstance(config, Config) else config} has no '
                        'train_dataloader')
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmseg'):
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        pixels, sizes = count_classes(dataset, jobs)
    weights = [float(f'{weight:.{DIGITS}g}') for weight in class_weights(pixels, sizes, mode)]
    if out is not None:
        write_atomically(out, json.dumps(weights) + '\n')
    return ClassWeights(dict(zip(dataset.metainfo['classes'], weights, strict=True)), pixels)
