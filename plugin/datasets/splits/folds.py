"""The labelled images of a config, to be divided into folds."""
import copy
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from plugin.utils import UserError, first_few

from ..doctor.class_counts import count_classes
from ..labels.coco_file import check_coco
from ..labels.image_files import IMAGE_SUFFIXES
from ..labels.json_file import read_json
from ..labels.regions import with_regions
from .balanced_parts import assign_named
from .coco_split import image_features, take_images

# what two data sets may differ in and still be divided together
OWN = ('ann_file', 'data_prefix', 'data_root', 'filter_cfg', 'indices', 'list_count', 'pipeline',
       'test_mode')
FOLD = re.compile(r'fold\d+(?!.*fold\d)')


class FoldPart(NamedTuple):
    """The N images of one data set of a config.

    Attributes:
        dataset (BaseDataset): The data set, without its pipeline.
        names (list[str]): As its list or COCO file names them, below the folder of images.
        paths (list[str]): The files.
        folders (dict[str, str]): Its ``data_prefix``, with whole paths.
        content (dict | None): The COCO file; None for a data set of label maps.
    """

    dataset: BaseDataset
    names: list[str]
    paths: list[str]
    folders: dict[str, str]
    content: dict | None


class FoldSet(NamedTuple):
    """The N images of one data set or two, as one data set has them.

    Attributes:
        names (list[str]): Below the folders that both have in common.
        paths (list[str]): The files.
        folders (dict[str, str]): The ``data_prefix`` for these names.
        content (dict | None): One COCO file of all.
        parts (list[FoldPart]): Where they come from.
        rows (list[int]): Of each image, its place in the parts one after the other.
    """

    names: list[str]
    paths: list[str]
    folders: dict[str, str]
    content: dict | None
    parts: list[FoldPart]
    rows: list[int]


def read_part(node: Mapping[str, Any], where: str) -> FoldPart:
    """List the images of a data set.

    Args:
        node (Mapping): Its config, of mmseg or mmdet, with a list, a folder or a COCO file.
        where (str): Its key in the config, for messages.

    Raises:
        FileNotFoundError: If a file is missing.
        UserError: If the data set wraps others, takes a part of its file only, or has no labels.
    """
    if 'dataset' in node or 'datasets' in node:
        raise UserError(f'{where} is a {node.get("type")}, which holds other data sets: folds are '
                        'made of one; name it there')
    if node.get('indices') is not None:
        raise UserError(f'{where}.indices takes some images only: write a list of them as '
                        'ann_file instead')
    coco = str(node.get('ann_file', '')).endswith('.json')
    settings = dict(copy.deepcopy(node), pipeline=[], serialize_data=False, lazy_init=coco)
    dataset = DATASETS.build(settings)
    folders = {key: os.path.abspath(folder) for key, folder in dataset.data_prefix.items()
               if folder is not None}
    key = next((key for key in ('img_path', 'img') if key in folders), None)
    if key is None:
        raise UserError(f'{where}.data_prefix names no folder of images: set img_path or img')
    if coco:
        content = read_json(dataset.ann_file, absent=f'annotation file {dataset.ann_file} does not '
                            'exist: see data/README.md')
        # the data set itself says whether it needs outlines
        check_coco(dataset.ann_file, content, outlines=False)
        content = with_regions(content)
        names = [image['file_name'] for image in content['images']]
        return FoldPart(dataset, names, [os.path.join(folders[key], name) for name in names],
                        folders, content)
    if 'seg_map_path' not in folders:
        raise UserError(f'{where} has no labels: folds are made of labelled images')
    paths = [dataset.get_data_info(place)['img_path'] for place in range(len(dataset))]
    suffixes = (dataset.img_suffix, ) if dataset.img_suffix else IMAGE_SUFFIXES
    names = [_name(path, folders[key], suffixes, where) for path in paths]
    return FoldPart(dataset, names, paths, folders, None)


def _name(path: str, folder: str, suffixes: Sequence[str], where: str) -> str:
    """The name of an image as a list has it."""
    name = Path(os.path.relpath(path, folder)).as_posix()
    suffix = next((one for one in suffixes if name.lower().endswith(one.lower())), '')
    name = name[:len(name) - len(suffix)]
    if name.startswith('../') or name != name.strip() or not name.isprintable():
        raise UserError(f'{where} has the image {path!r}, which no list of names in {folder} '
                        'can hold: rename or move it')
    return name


def join_parts(parts: Sequence[FoldPart], nodes: Sequence[Mapping[str, Any]]) -> FoldSet:
    """Make one data set of one or two.

    An image that is in both counts once. The folders of the joint set are those that both have
    in common, so that ``images/train`` and ``images/val`` become ``images``.

    Args:
        parts (Sequence[FoldPart]): The data sets.
        nodes (Sequence[Mapping]): Their configs.

    Raises:
        UserError: If they differ in more than their files, or have no folder in common.
    """
    first = nodes[0]
    for node in nodes[1:]:
        other = sorted(key for key in {*first, *node} if key not in OWN
                       and first.get(key) != node.get(key))
        if other or [part.content is None for part in parts].count(True) not in (0, len(parts)):
            raise UserError('the training and the validation set differ in '
                            f'{first_few(other or ["ann_file"])}: divide the first alone, with '
                            '--data train')
    if any(part.folders.keys() != parts[0].folders.keys() for part in parts):
        raise UserError('the training and the validation set have other folders in data_prefix: '
                        'divide the first alone, with --data train')
    folders = {key: os.path.commonpath([part.folders[key] for part in parts])
               for key in parts[0].folders}
    names, paths = [], []
    for part in parts:
        below = {Path(os.path.relpath(part.folders[key], folders[key])).as_posix()
                 for key in folders}
        if len(below) > 1:
            raise UserError(f'images and labels lie in {first_few(sorted(below))} below the '
                            'folders that both sets share, and not in folders of one name: '
                            'divide the training set alone, with --data train')
        names += [(Path(*below) / name).as_posix() for name in part.names]
        paths += part.paths
    places = {os.path.realpath(path): row for row, path in reversed(list(enumerate(paths)))}
    rows = sorted(places.values())
    contents = [part.content for part in parts if part.content is not None]
    content = _join_content(parts, contents, names, set(rows)) if contents else None
    return FoldSet([names[row] for row in rows], [paths[row] for row in rows], folders, content,
                   list(parts), rows)


def _join_content(parts: Sequence[FoldPart], contents: Sequence[dict], names: Sequence[str],
                  rows: set[int]) -> dict:
    """One COCO file of several: the first one's categories, images and annotations numbered."""
    categories = {one['name']: one['id'] for one in contents[0]['categories']}
    images: list[dict] = []
    annotations: list[dict] = []
    start = 0
    for part, content in zip(parts, contents, strict=True):
        labels = {one['id']: one['name'] for one in content['categories']}
        foreign = sorted(set(labels.values()) ^ set(categories))
        if foreign:
            raise UserError(f'{part.dataset.ann_file} and {parts[0].dataset.ann_file} differ in '
                            f'the categories {first_few(foreign)}: divide one, with --data train')
        numbers = {}
        for row, image in enumerate(content['images'], start=start):
            if row in rows:
                numbers[image['id']] = len(images) + 1
                images.append({**image, 'id': len(images) + 1, 'file_name': names[row]})
        for ann in content['annotations']:
            if ann['image_id'] in numbers:
                annotations.append({
                    **ann, 'id': len(annotations) + 1, 'image_id': numbers[ann['image_id']],
                    'category_id': categories[labels[ann['category_id']]]})
        start += len(content['images'])
    return {**contents[0], 'images': images, 'annotations': annotations}


def divide(data: FoldSet, folds: int, groups: Sequence[int], seed: int, jobs: int) -> np.ndarray:
    """Give each image to a fold: groups undivided, classes alike in all folds.

    Args:
        data (FoldSet): N images.
        folds (int): Number of folds K, 2 or more.
        groups (Sequence[int]): N numbers of groups.
        seed (int): Another seed, other folds.
        jobs (int): Threads that read label maps.

    Returns:
        np.ndarray: (N, ) int, 0 to K - 1; each fold has an image.

    Raises:
        UserError: If there are fewer groups than folds, or a label map is malformed.
    """
    if data.content is not None:
        features = image_features(data.content)
    else:
        pixels = np.concatenate([count_classes(part.dataset, jobs)[0] for part in data.parts])
        pixels = pixels[data.rows]
        areas = pixels / np.maximum(pixels.sum(1, keepdims=True), 1)
        features = np.concatenate([np.ones((len(pixels), 1)), pixels > 0, areas], axis=1)
    return assign_named(data.names, features, [1 / folds] * folds, groups, seed)


def fold_content(data: FoldSet, chosen: np.ndarray) -> Any:
    """What the file of some of the images holds: a COCO file, or the lines of a list.

    Args:
        data (FoldSet): N images.
        chosen (np.ndarray): (N, ) bool.

    Returns:
        dict | str: For a file ``.json``, or ``.txt``.
    """
    if data.content is not None:
        return take_images(data.content, chosen)
    return ''.join(f'{name}\n' for name, taken in zip(data.names, chosen) if taken)


def own_folds(train: str, val: str) -> list[tuple[str, str]]:
    """Folds that the data come with: ``fold0/train.txt``, ``fold1_val.json`` and the like.

    Args:
        train (str): The list or COCO file of the training set.
        val (str): That of the validation set.

    Returns:
        list[tuple[str, str]]: Both files of each fold, from fold 0; empty if there are no folds.
    """
    numbers = [FOLD.search(path) for path in (train, val)]
    if len({number and number[0] for number in numbers}) > 1 or numbers[0] is None:
        return []
    found: list[tuple[str, str]] = []
    while True:
        train, val = (FOLD.sub(f'fold{len(found)}', path) for path in (train, val))
        if not os.path.isfile(train) or not os.path.isfile(val):
            return found if len(found) > 1 else []
        found.append((train, val))
