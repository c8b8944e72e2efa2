"""The names and colours of a model's classes."""
import copy
from collections.abc import Sequence

import numpy as np
from mmengine.config import Config
from mmengine.registry import Registry

from plugin.utils import UserError


def classes_and_palette(cfg: Config, meta: dict, number: int | None, datasets: Registry
                        ) -> tuple[list[str], list[tuple[int, ...]]]:
    """Names and colours: those of the training, else those of the config's data set."""
    known = meta.get('dataset_meta') or {}
    if not known.get('classes'):
        node = cfg.get('test_dataloader') or {}
        while 'dataset' in node or 'datasets' in node:
            node = (node.get('datasets') or [node.get('dataset')])[0]
        kind = datasets.get(node.get('type', ''))
        metainfo = copy.deepcopy(node.get('metainfo')) or {}
        # a data set may complete what the config says, e.g. by the background
        known = kind._load_metainfo(metainfo) if kind else metainfo
    classes = list(known.get('classes') or [f'class {index}' for index in range(number or 0)])
    if not classes:
        raise UserError(f'the classes of {cfg.filename} are known neither from the checkpoint '
                        'nor from its test set; name them in metainfo=dict(classes=(...))')
    if len(classes) != (number or len(classes)):
        raise UserError(f'the model predicts {number} classes, but {len(classes)} are named: '
                        f'{", ".join(classes[:5])}...; use the config it was trained with')
    return classes, _colours(known.get('palette'), len(classes))


def _colours(palette: Sequence[Sequence[int]] | None, number: int) -> list[tuple[int, ...]]:
    if not palette:
        # the same arbitrary colours in every run
        palette = np.random.default_rng(42).integers(0, 256, (number, 3)).tolist()
    return [tuple(int(value) for value in colour) for colour in palette]
