"""Lists and configs of folds."""
import ast
import json
import os
import pprint
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import Config

from plugin.datasets.splits.folds import FoldSet, fold_content
from plugin.utils import UserError, write_atomically

# the fold of each image by name, or the files of the folds that the data come with
Parts = dict[str, int] | list[list[str]]


class Source(NamedTuple):
    """What of a config is divided.

    Attributes:
        data (FoldSet): The images.
        own (list[tuple[str, str]]): Folds that the data come with: the files of each.
        semi (bool): They are the labelled part of a semi-supervised training.
    """

    data: FoldSet
    own: list[tuple[str, str]]
    semi: bool


class Fold(NamedTuple):
    """One fold.

    Attributes:
        config (Path): Its config.
        work_dir (Path): The folder of its training.
        sizes (tuple[int, int]): Images to train on, and to validate.
    """

    config: Path
    work_dir: Path
    sizes: tuple[int, int]


def write_folds(cfg: Config, base: str | None, source: Source, parts: Parts,
                work_dir: Path) -> list[Fold]:
    """Write lists and configs of all folds; the same parts, the same files.

    Args:
        cfg (mmengine.Config): The config of the training.
        base (str, optional): Its file; without one, the config is written too.
        source (Source): What is divided.
        parts (dict[str, int] | list[list[str]]): The fold of each image, or the files of folds
            that the data come with.
        work_dir (Path): The files are written into ``folds`` of this.

    Returns:
        list[Fold]: The K folds.
    """
    folder = (work_dir / 'folds').absolute()
    if base is None:
        base = str(folder / 'base.py')
        write_atomically(base, cfg.pretty_text)
    if isinstance(parts, dict):
        lists = [_write_lists(source.data, parts, fold, folder)
                 for fold in range(max(parts.values()) + 1)]
        prefix = source.data.folders
    else:
        lists, prefix = [(files, (_size(files[0]), _size(files[1]))) for files in parts], None
    folds = []
    for fold, (files, sizes) in enumerate(lists):
        path = folder / f'fold{fold}.py'
        write_config(cfg, base, source.semi, files, prefix, path)
        folds.append(Fold(path, work_dir / f'fold{fold}', sizes))
    return folds


def _write_lists(data: FoldSet, parts: dict[str, int], fold: int,
                 folder: Path) -> tuple[list[str], tuple[int, int]]:
    """Write what a fold trains on and validates; returns the files and their numbers of images."""
    suffix = '.txt' if data.content is None else '.json'
    files = [str(folder / f'fold{fold}_{side}{suffix}') for side in ('train', 'val')]
    held_out = np.array([parts[name] == fold for name in data.names])
    for file, chosen in zip(files, (~held_out, held_out)):
        content = fold_content(data, chosen)
        write_atomically(file, content if isinstance(content, str) else json.dumps(content))
    return files, (int((~held_out).sum()), int(held_out.sum()))


def _size(path: str) -> int:
    text = Path(path).read_text(encoding='utf-8-sig')
    if path.endswith('.json'):
        return len(json.loads(text)['images'])
    return sum(bool(line.strip()) for line in text.splitlines())


def write_config(cfg: Config, base: str, semi: bool, files: Sequence[str],
                 prefix: dict[str, str] | None, path: Path) -> None:
    """Write the config of a fold: the base, with other lists.

    Args:
        cfg (mmengine.Config): The base as it was read.
        base (str): Its file.
        semi (bool): Only the labelled source of a ``SemiDataset`` has other lists.
        files (Sequence[str]): What to train on, and what to validate.
        prefix (dict, optional): The folders of the images in the lists.
        path (Path): The file to write.

    Raises:
        UserError: If the config holds what cannot be written as text.
    """
    train = cfg.train_dataloader.dataset
    labeled = _with_files(train.labeled if semi else train, files[0], prefix)
    val = _with_files(cfg.val_dataloader.dataset, files[1], prefix)
    values: dict[str, Any] = dict(
        train_dataloader=dict(dataset=dict(labeled=labeled) if semi else labeled),
        val_dataloader=dict(dataset=val))
    if cfg.get('test_dataloader') and not has_third_part(cfg):
        # what was the validation set is trained on now
        values['test_dataloader'] = dict(dataset=val)
        if cfg.get('test_evaluator'):
            values['test_evaluator'] = _evaluator(cfg.test_evaluator, files[1], val)
    values['val_evaluator'] = _evaluator(cfg.val_evaluator, files[1], val)
    text = f'# Written by tools/kfold.py: {Path(base).name} on one fold.\n'
    text += f'_base_ = {os.path.abspath(base)!r}\n'
    for name, value in values.items():
        shown = pprint.pformat(value, width=99, sort_dicts=False)
        if not _is_plain(value, shown):
            raise UserError(f'{name} of {base} holds more than plain values, which no config of '
                            'a fold can repeat: write them as text')
        text += f'{name} = {shown}\n'
    write_atomically(path, text)


def _is_plain(value: Any, shown: str) -> bool:
    """Whether a text stands for a value."""
    try:
        return bool(ast.literal_eval(shown) == value)
    except (SyntaxError, ValueError):
        return False


def has_third_part(cfg: Config) -> bool:
    """Whether the config tests on other images than it validates on."""
    def images(loader: Any) -> list[Any]:
        return [loader.dataset.get(name) for name in ('ann_file', 'data_prefix', 'data_root')]

    return bool(cfg.get('test_dataloader')
                and images(cfg.test_dataloader) != images(cfg.val_dataloader))


def written_keys(cfg: Config, semi: bool) -> tuple[str, ...]:
    """What the configs of the folds say themselves, so that train.py need not be told."""
    third = () if has_third_part(cfg) else ('test_dataloader.dataset', 'test_evaluator')
    return (f'train_dataloader.dataset{".labeled" if semi else ""}', 'val_dataloader.dataset',
            'val_evaluator', *third)


def _with_files(node: Any, file: str, prefix: dict[str, str] | None) -> dict[str, Any]:
    """The config of a data set with another list, in place of that of the base."""
    changed = dict(ann_file=file) if prefix is None else dict(
        ann_file=file, data_prefix={**node.get('data_prefix', {}), **prefix})
    # a published count belongs to the list that is replaced
    kept = {name: value for name, value in node.to_dict().items() if name != 'list_count'}
    return {'_delete_': True, **kept, **changed}


def _evaluator(evaluator: Any, file: str, val: dict[str, Any]) -> Any:
    """The metrics, which may read the truth from a file, and are to score each class."""
    several = isinstance(evaluator, (list, tuple))
    classes = (val.get('metainfo') or {}).get('classes') or ()
    changed = []
    for metric in evaluator if several else [evaluator]:
        more: dict[str, Any] = dict(ann_file=file) if metric.get('ann_file') else {}
        if metric.get('type', '').endswith('CocoMetric') and len(classes) > 1:
            more['classwise'] = True
        changed.append({**metric.to_dict(), **more})
    return changed if several else {'_delete_': True, **changed[0]}
