"""Division of a COCO file into parts that share no group of images and are alike in animals."""
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from plugin.utils import UserError, first_few

from .balanced_parts import assign_named


class PartSummary(NamedTuple):
    """What a part holds.

    Attributes:
        images (int): Number of images.
        animals (int): Number of annotations that are not marked as crowds.
        empty (int): Images without annotation.
        groups (int): Groups of images that stay together.
    """

    images: int
    animals: int
    empty: int
    groups: int


def part_shares(val: float | None = None, test: float | None = None,
                folds: int | None = None) -> dict[str, float]:
    """Shares of the images by the names of the parts.

    Args:
        val (float, optional): Share for validation, between 0 and 1.
        test (float, optional): Share for the test, between 0 and 1.
        folds (int, optional): Number of equal folds instead.

    Returns:
        dict[str, float]: ``train`` and what was asked for, without ``train`` where that is all,
        or ``fold0``, ``fold1``, ...; they add up to 1.

    Raises:
        UserError: If a share or their sum leaves nothing to a part, or nothing is asked for.
    """
    asked = {name: share for name, share in (('val', val), ('test', test)) if share is not None}
    if folds is not None:
        if asked:
            raise UserError('folds are equal parts without val and test: give either --folds, '
                            'or --val and --test')
        if folds < 2:
            raise UserError(f'folds={folds} divides nothing: give 2 or more')
        return {f'fold{k}': 1 / folds for k in range(folds)}
    if not asked:
        raise UserError('no part is asked for: give --val 0.2, --test 0.1 or --folds 5')
    for name, share in asked.items():
        if not 0 < share < 1:
            raise UserError(f'{name}={share} is no share of the images: give a number '
                            'between 0 and 1, for example 0.2')
    rest = 1 - sum(asked.values())
    if rest < -1e-9:
        raise UserError(f'val={val} and test={test} are more than all: give shares that add up to '
                        'less than 1, or to 1 where the training images are in another file')
    return asked if rest < 1e-9 else {'train': rest, **asked}


def names_of_groups(file_names: Sequence[str], pattern: str) -> list[str | None]:
    """Find the name of the camera, farm or video in each file name.

    Args:
        file_names (Sequence[str]): N file names.
        pattern (str): Regular expression, searched for anywhere in the file name.

    Returns:
        list[str | None]: First group of each match, or the whole match if the pattern has no
        group; None where nothing, or only the empty string, is found.

    Raises:
        UserError: If it is no regular expression, or finds nothing in any file name.
    """
    try:
        search = re.compile(pattern)
    except re.error as error:
        raise UserError(f'"{pattern}" is no regular expression ({error}): '
                        r'write for example "^(cam\d+)_"') from error
    matches = [search.search(name) for name in file_names]
    groups = [match and (match[1] if search.groups else match[0]) or None for match in matches]
    if not any(groups):
        raise UserError(f'"{pattern}" finds no name in any file name ({first_few(file_names)}): '
                        r'write for example "^(cam\d+)_" for cam3_0001.jpg')
    return groups


def join_labels(*labellings: Sequence[Any]) -> np.ndarray:
    """Number the groups of images that any of the labellings puts together.

    Args:
        *labellings (Sequence): Each gives N images a label; images of one label belong
            together, None belongs to nobody.

    Returns:
        np.ndarray: (N, ) int, numbers from 0 of the groups: if a goes with b by one labelling
        and b with c by another, all three have one number.
    """
    number = len(labellings[0])
    labels: dict[tuple[int, Any], int] = {}
    pairs = [(place, number + labels.setdefault((which, label), len(labels)))
             for which, labelling in enumerate(labellings)
             for place, label in enumerate(labelling) if label is not None]
    rows, columns = np.array(pairs, int).reshape(-1, 2).T
    total = number + len(labels)
    graph = coo_array((np.ones(len(pairs), bool), (rows, columns)), shape=(total, total))
    groups = connected_components(graph, directed=False)[1][:number]
    return np.unique(groups, return_inverse=True)[1].reshape(-1)


def image_features(content: Mapping[str, Any]) -> np.ndarray:
    """Count what is to be alike in all parts.

    Args:
        content (Mapping): A checked COCO file of N images and C categories.

    Returns:
        np.ndarray: (N, F) float. The columns are 1 for the image; its animals; its animals of
        each category if C > 1; and a one-hot code of how many it holds, in doubling steps: 0, 1,
        2, 3-4, 5-8, ...
    """
    places = {image['id']: place for place, image in enumerate(content['images'])}
    animals = [ann for ann in content['annotations'] if not ann.get('iscrowd')]
    categories = {label: k for k, label in enumerate(sorted(
        {ann.get('category_id') for ann in animals}, key=str))}
    counts = np.zeros((len(places), max(1, len(categories))))
    for ann in animals:
        counts[places[ann['image_id']], categories[ann.get('category_id')]] += 1
    total = counts.sum(1)
    step = np.where(total > 0, 1 + np.ceil(np.log2(np.maximum(total, 1))), 0).astype(int)
    columns = [np.ones((len(total), 1)), total[:, None], np.eye(step.max() + 1)[step]]
    if counts.shape[1] > 1:
        columns.insert(2, counts)
    return np.concatenate(columns, axis=1)


def assign_images(content: Mapping[str, Any], shares: Sequence[float], groups: Sequence[int],
                  seed: int = 0) -> np.ndarray:
    """Give each image to a part, groups undivided.

    Args:
        content (Mapping): A checked COCO file of N images, in any order.
        shares (Sequence[float]): P shares that add up to 1.
        groups (Sequence[int]): N numbers of groups.
        seed (int): Another seed, another assignment.

    Returns:
        np.ndarray: (N, ) int, the part of each image; the same for any order of images.

    Raises:
        UserError: If there are fewer groups than parts.
    """
    names = [image['file_name'] for image in content['images']]
    return assign_named(names, image_features(content), shares, groups, seed)


def take_images(content: Mapping[str, Any],
                chosen: Sequence[bool] | np.ndarray) -> dict[str, Any]:
    """Part of a COCO file: the chosen images, their annotations, and everything else.

    Args:
        content (Mapping): A checked COCO file of N images.
        chosen (Sequence[bool] | np.ndarray): N values.

    Returns:
        dict: The entries are those of ``content``, in their order.
    """
    images = [image for image, taken in zip(content['images'], chosen) if taken]
    ids = {image['id'] for image in images}
    annotations = [ann for ann in content['annotations'] if ann['image_id'] in ids]
    return {**content, 'images': images, 'annotations': annotations}


def summarise(content: Mapping[str, Any], groups: Sequence[int]) -> PartSummary:
    """Count what a part holds.

    Args:
        content (Mapping): A checked COCO file of N images.
        groups (Sequence[int]): N numbers of groups.

    Returns:
        PartSummary: The counts.
    """
    animals = sum(not ann.get('iscrowd') for ann in content['annotations'])
    filled = {ann['image_id'] for ann in content['annotations']}
    images = len(content['images'])
    return PartSummary(images, animals, images - len(filled), len(set(groups)))
