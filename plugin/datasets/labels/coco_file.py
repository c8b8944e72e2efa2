"""A COCO file as it is read for training: checked first, then divided among its images."""
from collections.abc import Sequence
from typing import Any, NamedTuple

from plugin.utils import UserError

from .coco_faults import CocoError, CocoFault, find_faults
from .coco_remarks import grouping_categories
from .json_file import read_json
from .regions import with_regions
from .segmentations import without_fragments

# what the doctor tells of single outlines itself
OF_OUTLINES = ('outline-missing', 'outline-none', 'outline-part', 'outline-outside',
               'outline-unfit')


class CocoFile(NamedTuple):
    """The content of a COCO file.

    Attributes:
        path (str): Where it lies.
        images (list[dict]): Its entries of images, in their order.
        categories (dict[str, int]): Ids of the categories by their names.
        annotations (dict[int, list[dict]]): Annotations by the id of their image; every image has
            a list, perhaps an empty one. Parts of fewer than 3 points are left out.
        content (dict): What the file holds; regions to ignore as crowds, see ``regions``.
        notes (list[CocoFault]): What no reader stops at, and everybody should know.
    """

    path: str
    images: list[dict]
    categories: dict[str, int]
    annotations: dict[int, list[dict]]
    content: dict[str, Any]
    notes: list[CocoFault]


def read_coco(path: str, backend_args: dict | None = None, absent: str = '') -> CocoFile:
    """Read a COCO file of instances and stop at what would spoil a training.

    Whatever reads a COCO file goes this one way: the data sets, the metric, the doctor, the
    splitter and the converters accept the same files.

    Args:
        path (str): The JSON file.
        backend_args (dict, optional): Where MMEngine's file client finds it.
        absent (str): What is said where there is no file. Defaults to what helps in a config.

    Returns:
        CocoFile: Its content.

    Raises:
        FileNotFoundError: If there is no such file.
        CocoError: If it is no COCO file, holds no image, names a thing twice or a thing that
            is not there, or has an annotation without outline or with one that does not fit.
    """
    return _divided(path, _load(path, backend_args, absent), ())


def parse_coco(path: str, backend_args: dict | None = None) -> CocoFile:
    """Read a COCO file as :func:`read_coco` does, but let outlines pass that cannot be used."""
    return _divided(path, _load(path, backend_args), OF_OUTLINES)


def check_coco(path: str, content: Any, outlines: bool = True) -> None:
    """Stop at the content of a COCO file that :func:`read_coco` would not take.

    Args:
        path (str): The file, for the message.
        content (Any): What it holds.
        outlines (bool): Whether outlines are needed; without, boxes are enough. Defaults to True.

    Raises:
        CocoError: If a tool could not use it.
    """
    faults = find_faults(path, content, outlines)
    if any(one.severity == 'error' for one in faults):
        raise CocoError(faults)


def _load(path: str, backend_args: dict | None, absent: str = '') -> Any:
    return read_json(
        path, backend_args=backend_args, cure='save it as UTF-8, or write it anew with a '
        'converter of tools/data', absent=absent or f'annotation file {path} does not exist: make '
        'it with a converter of tools/data, or correct data_root and ann_file')


def _divided(path: str, content: Any, passing: Sequence[str]) -> CocoFile:
    faults = find_faults(path, content)
    if any(one.severity == 'error' and one.kind not in passing for one in faults):
        raise CocoError(faults)
    content = with_regions(content)
    images = [dict(image, height=int(image['height']), width=int(image['width']))
              for image in content['images']]
    annotations: dict[int, list[dict]] = {image['id']: [] for image in images}
    for one in content['annotations']:
        clean = without_fragments(one['segmentation'])
        if clean is not one['segmentation']:
            one = dict(one, segmentation=clean)
        annotations[one['image_id']].append(one)
    notes = [one for one in faults if one.severity != 'error']
    return CocoFile(path, images, {c['name']: c['id'] for c in content['categories']},
                    annotations, content, notes)


def told_notes(coco: CocoFile, skip: Sequence[str] = ()) -> list[CocoFault]:
    """What is to be told of a file; a category that groups others is a mere note if skipped."""
    return [one._replace(severity='note', cure='')
            if one.kind == 'category-groups' and {*one.places} <= {*skip} else one
            for one in coco.notes]


def category_ids(coco: CocoFile, classes: Sequence[str],
                 skip: Sequence[str] = ()) -> list[int]:
    """Ids of the classes in the file, in the order of the classes.

    Args:
        coco (CocoFile): The file.
        classes (Sequence[str]): The C classes of the config.
        skip (Sequence[str]): Categories of the file to leave out.

    Returns:
        list[int]: The category id of each class.

    Raises:
        UserError: If the file has other categories than the config has classes.
    """
    unknown = [name for name in coco.categories if name not in classes and name not in skip]
    absent = [name for name in classes if name not in coco.categories]
    empty = [name for name in unknown if name in grouping_categories(coco.content)]
    if empty and not absent and len(empty) == len(unknown):
        raise UserError(
            f'{coco.path} has the category {empty[0]}, which has no annotation and only groups the '
            f'others, and the config has the classes {_listed(classes)}: leave it out by '
            f'skip_categories={(*skip, *empty)!r} in the data set')
    if unknown or absent:
        raise UserError(
            f'{coco.path} has the categories {_listed(coco.categories)}, but the config the '
            f'classes {_listed(classes)}: set metainfo=dict(classes='
            f'{tuple(name for name in coco.categories if name not in skip)!r}) and '
            'num_classes with it, or leave categories out by skip_categories=(...)')
    return [coco.categories[name] for name in classes]


def _listed(names: Any) -> str:
    return '(' + ', '.join(names) + ')' if names else '(none)'
