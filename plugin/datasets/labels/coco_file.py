"""A COCO file as it is read for training: checked first, then divided among its images."""
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from plugin.utils import UserError, first_few
from plugin.utils.numbers import is_number
from plugin.utils.text import LONGEST_NAME, brief, is_name

from .image_files import fault_of_file_name
from .json_file import read_json
from .polygons import FARTHEST, is_near
from .run_lengths import check_rle

PARTS = ('images', 'annotations', 'categories')
DRAW = 'draw the outline or remove the annotation'
NEEDED = {
    'images': ('id', 'file_name', 'height', 'width'),
    'annotations': ('id', 'image_id', 'category_id', 'bbox', 'area', 'segmentation'),
    'categories': ('id', 'name'),
}


class CocoFile(NamedTuple):
    """The content of a COCO file.

    Attributes:
        path (str): Where it lies.
        images (list[dict]): Its entries of images, in their order.
        categories (dict[str, int]): Ids of the categories by their names.
        annotations (dict[int, list[dict]]): Annotations by the id of their image;
            every image has a list, perhaps an empty one.
    """

    path: str
    images: list[dict]
    categories: dict[str, int]
    annotations: dict[int, list[dict]]


def read_coco(path: str, backend_args: dict | None = None) -> CocoFile:
    """Read a COCO file of instances and stop at what would spoil a training.

    Args:
        path (str): The JSON file.
        backend_args (dict, optional): Where MMEngine's file client finds it.

    Returns:
        CocoFile: Its content.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If it is no COCO file, holds no image, names a thing twice or a thing that
            is not there, or has an annotation without outline or with one that does not fit.
    """
    coco = parse_coco(path, backend_args)
    bare = bare_annotations(coco)
    if bare:
        raise UserError(f'{first_few(bare)} in {coco.path} has an empty segmentation: {DRAW}')
    far = [f'annotation {annotation["id"]} of {image["file_name"]}' for image in coco.images
           for annotation in coco.annotations[image['id']]
           if isinstance(annotation['segmentation'], list)
           and not all(map(is_near, annotation['segmentation']))]
    if far:
        raise UserError(f'{first_few(far)} in {coco.path} has a coordinate that is no place near '
                        'its image: correct the outline')
    unfit = [f'annotation {annotation["id"]} of {image["file_name"]}' for image in coco.images
             for annotation in coco.annotations[image['id']]
             if not _fits(annotation['segmentation'], image['height'], image['width'])]
    if unfit:
        # mmdet would cut such runs into lines of another length without a word
        raise UserError(f'{first_few(unfit)} in {coco.path} has run lengths of another size than '
                        'its image: write the labels anew for this image')
    return coco


def parse_coco(path: str, backend_args: dict | None = None) -> CocoFile:
    """Read a COCO file as :func:`read_coco` does, but let annotations without outline pass."""
    content = read_json(
        path, backend_args=backend_args, cure='write it anew with a converter of tools/data',
        absent=f'annotation file {path} does not exist: make it with a converter of tools/data, '
        'or correct data_root and ann_file')
    _check_structure(path, content)
    images = [dict(image, height=int(image['height']), width=int(image['width']))
              for image in content['images']]
    categories = content['categories']
    _check_unique(path, 'image id', [image['id'] for image in images])
    _check_unique(path, 'file_name', [image['file_name'] for image in images])
    _check_unique(path, 'annotation id', [ann['id'] for ann in content['annotations']])
    _check_unique(path, 'category id', [category['id'] for category in categories])
    _check_unique(path, 'category', [category['name'] for category in categories])
    annotations: dict[int, list[dict]] = {image['id']: [] for image in images}
    known = {category['id'] for category in categories}
    for annotation in content['annotations']:
        if annotation['image_id'] not in annotations or annotation['category_id'] not in known:
            raise UserError(
                f'annotation {annotation["id"]} of {path} belongs to image '
                f'{annotation["image_id"]} and category {annotation["category_id"]}, and the file '
                'does not have both: remove it, or write the file anew')
        annotations[annotation['image_id']].append(annotation)
    return CocoFile(path, images, {c['name']: c['id'] for c in categories}, annotations)


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
    if unknown or absent:
        raise UserError(
            f'{coco.path} has the categories {_listed(coco.categories)}, but the config the '
            f'classes {_listed(classes)}: set metainfo=dict(classes='
            f'{tuple(name for name in coco.categories if name not in skip)!r}) and '
            'num_classes with it, or leave categories out by skip_categories=(...)')
    return [coco.categories[name] for name in classes]


def _listed(names: Any) -> str:
    return '(' + ', '.join(names) + ')' if names else '(none)'


def _check_structure(path: str, content: Any) -> None:
    """Stop at what is no COCO file of instances."""
    for part in PARTS:
        if not isinstance(content, dict) or not isinstance(content.get(part), list):
            raise UserError(f'{path} has no list of {part}: it is no COCO file of instances; '
                            'a converter of tools/data writes one')
        for place, entry in enumerate(content[part]):
            lacking = [key for key in NEEDED[part]
                       if not isinstance(entry, dict) or key not in entry]
            if lacking:
                raise UserError(f'{part}[{place}] of {path} lacks {", ".join(lacking)}: '
                                'write the file anew with a converter of tools/data')
    _check_names(path, content)
    for image in content['images']:
        size = (image['width'], image['height'])
        if not all(is_number(side, 1, FARTHEST) and float(side).is_integer()
                   for side in size):
            raise UserError(f'image {image["file_name"]} of {path} has the width {brief(size[0])} '
                            f'and the height {brief(size[1])}: write its size in pixels')
    for annotation in content['annotations']:
        box, area = annotation['bbox'], annotation['area']
        if not isinstance(box, list) or len(box) != 4 or not all(
                is_number(value, -FARTHEST ** 2, FARTHEST ** 2) for value in (*box, area)):
            raise UserError(
                f'annotation {annotation["id"]} of {path} has the bbox {brief(box)} and the area '
                f'{brief(area)}: write [x, y, width, height] and the pixels')
    if not content['images']:
        raise UserError(f'{path} holds no image: there is nothing to train or to test on')


def _check_names(path: str, content: dict) -> None:
    """Stop at ids and names that are no numbers and texts."""
    check_ids(path, content)
    for place, image in enumerate(content['images']):
        fault = fault_of_file_name(image['file_name'])
        if fault:
            raise UserError(f'images[{place}] of {path} has the file_name '
                            f'{brief(image["file_name"])}, {fault}: correct it')
    for place, category in enumerate(content['categories']):
        if not is_name(category['name']):
            raise UserError(f'categories[{place}] of {path} has the name '
                            f'{brief(category["name"])}: give a text of 1 to {LONGEST_NAME} '
                            'letters')


def check_ids(path: str, content: Any) -> None:
    """Stop unless a COCO file has lists of entries, whose ids are numbers or texts.

    Args:
        path (str): The file, for the message.
        content (Any): What it holds; a list or an id may be missing.

    Raises:
        UserError: If it is none.
    """
    parts = {part: content.get(part, []) for part in PARTS} if isinstance(content, dict) else {}
    if not parts or not all(isinstance(entries, list) for entries in parts.values()):
        raise UserError(f'{path} is no COCO file: its images, annotations and categories are no '
                        'lists')
    for part, entries in parts.items():
        for place, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise UserError(f'{part}[{place}] of {path} is {brief(entry)} and no entry of a '
                                'COCO file: write the file anew')
            for key in ('id', 'image_id', 'category_id'):
                if not isinstance(entry.get(key, ''), str) and not is_number(entry[key]):
                    raise UserError(f'{part}[{place}] of {path} has the {key} '
                                    f'{brief(entry[key])}: give it a number')


def _check_unique(path: str, what: str, values: Sequence) -> None:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise UserError(f'{path} has the {what} {brief(twice[0])} more than once: '
                        'every one must be its own')


def bare_annotations(coco: CocoFile) -> list[str]:
    """The annotations from which no mask can be made, by their names."""
    return [f'annotation {annotation["id"]} of {image["file_name"]}' for image in coco.images
            for annotation in coco.annotations[image['id']]
            if not has_outline(annotation['segmentation'])]


def _fits(segmentation: Any, height: int, width: int) -> bool:
    """Whether run lengths are those of an image of H x W pixels; polygons fit any."""
    if isinstance(segmentation, dict):
        try:
            check_rle(segmentation, height, width)
        except UserError:
            return False
    return True


def has_outline(segmentation: Any) -> bool:
    """Whether a COCO segmentation is one from which a mask can be made.

    Args:
        segmentation (list | dict): Polygons of 3 points and more, or an RLE.

    Returns:
        bool: False for an empty list, a polygon of fewer than 3 points or an odd number of
        coordinates or something else than numbers, an RLE without counts or size.
    """
    if isinstance(segmentation, dict):
        counts, size = segmentation.get('counts'), segmentation.get('size')
        return (isinstance(counts, (str, bytes, list)) and len(counts) > 0
                and isinstance(size, (list, tuple)) and len(size) == 2)
    return (isinstance(segmentation, list) and len(segmentation) > 0
            and all(isinstance(part, list) and len(part) >= 6 and len(part) % 2 == 0
                    and {*map(type, part)} <= {int, float} for part in segmentation))
