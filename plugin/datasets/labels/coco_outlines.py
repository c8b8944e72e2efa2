"""The annotations of COCO files of any tool, as shapes."""
from typing import Any

from plugin.utils import UserError
from plugin.utils.numbers import is_number
from plugin.utils.text import brief

from .polygons import readable, to_rle
from .regions import KEY, is_marked, is_region
from .run_lengths import check_rle
from .segmentations import is_fragment, is_ring, normal_form
from .shapes import Report, Shape, box_ring

KNOWN = ('id', 'image_id', 'category_id', 'bbox', 'area', 'segmentation', 'iscrowd', 'ignore',
         KEY)
CROWDS = {'1': True, 'true': True, '0': False, 'false': False, '': False, 'none': False}


def id_key(value: Any) -> Any:
    """An id as it can be compared: ``"7"`` and ``7.0`` are 7; None if it is none."""
    if isinstance(value, str):
        text = value.strip()
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else text
    if is_number(value):
        return int(value) if float(value).is_integer() else value
    return None


def read_annotation(one: dict, label: str, size: tuple[int, int], name: str, group: Any,
                    single: bool, report: Report) -> list[Shape]:
    """The shapes of an annotation, one a polygon, or one with run lengths.

    Args:
        one (dict): The annotation.
        label (str): Its class; ``ignore`` for a region.
        size (tuple[int, int]): H, W of its image in pixels.
        name (str): How messages call it.
        group (Any): What its shapes have in common.
        single (bool): Take a crowd as one instance.
        report (callable): Is told name, action and reason of everything that is changed.

    Returns:
        list[Shape]: Where there is no outline, one with a fault and its box, or none, which is
        reported.
    """
    segmentation, form = normal_form(one.get('segmentation'), *size)
    if form:
        report(name, 'mended', f'its segmentation is {form}: read as what it means')
    crowd = _crowd(one, name, report) and not is_region(label)
    if crowd and single:
        report(name, 'mended', 'it is marked iscrowd: taken as one animal')
        crowd = False
    if is_marked(one) and not is_region(label):
        report(name, 'mended', 'it is marked ignore: taken as a crowd, which is not learned')
        crowd = True
    extra = {key: value for key, value in one.items() if key not in KNOWN}
    outlines: list[Any] = []
    if isinstance(segmentation, dict):
        try:
            check_rle(segmentation, *size)
            outlines = [segmentation]
        except UserError as error:
            return _faulty(one, label, name, str(error), report)
    elif isinstance(segmentation, list):
        outlines = _rings(segmentation, name, report)
    if not outlines:
        box = one.get('bbox')
        return _faulty(one, label, name, 'it has no outline' + (
            f', only the box {brief(box)}' if box else '') + ': draw it', report)
    _tell_of_box(one, name, report)
    several = len(outlines) > 1
    return [Shape(label, outline, group, f'{name} part {number}' if several else name, crowd,
                  extra) for number, outline in enumerate(outlines, start=1)]


def _faulty(one: dict, label: str, name: str, fault: str, report: Report) -> list[Shape]:
    """The box of an annotation without outline, whose area is to be ignored."""
    box = one.get('bbox')
    if not isinstance(box, list) or len(box) != 4 or not all(map(is_number, box)):
        report(name, 'dropped', fault)
        return []
    left, top, width, height = map(float, box)
    return [Shape(label, box_ring(left, top, left + width, top + height), None, name, fault=fault)]


def joined_fault(shapes: list[Shape], fault: str, name: str,
                 size: tuple[int, int]) -> list[Shape]:
    """The shapes of an annotation that cannot be taken, as one; none if there are none.

    Args:
        shapes (list[Shape]): Of :func:`read_annotation`.
        fault (str): What is wrong, unless a shape says more.
        name (str): How messages call the annotation.
        size (tuple[int, int]): H, W of its image in pixels.
    """
    if not shapes or shapes[0].fault:
        return shapes
    outline = shapes[0].outline
    if len(shapes) > 1:
        # run lengths are never in several shapes
        rings = [one.outline for one in shapes if isinstance(one.outline, list)]
        try:
            outline = readable(to_rle(rings, *size))
        except UserError:
            outline = [value for ring in rings for value in ring]
    return [shapes[0]._replace(outline=outline, group=None, name=name, fault=fault)]


def _rings(segmentation: list, name: str, report: Report) -> list[list[float]]:
    """The parts that are polygons; the others are reported."""
    good = [part for part in segmentation if is_ring(part)]
    for number, part in enumerate(segmentation, start=1):
        if is_ring(part) or not good:
            continue
        points = f'has {len(part) // 2} points' if is_fragment(part) else (
            f'is {brief(part)} and no polygon')
        report(f'{name} part {number}', 'dropped', f'that part {points}; {len(good)} of its '
               f'{len(segmentation)} parts are good and stay')
    return good


def _crowd(one: dict, name: str, report: Report) -> bool:
    value = one.get('iscrowd', 0)
    crowd = CROWDS.get(str(value).strip().lower())
    if isinstance(value, (bool, int)) and value in (0, 1):
        return bool(value)
    report(name, 'mended', f'its iscrowd is {brief(value)}: taken as {int(bool(crowd))}')
    return bool(crowd)


def _tell_of_box(one: dict, name: str, report: Report) -> None:
    """Say what is computed from the outline, because the file has none or nonsense."""
    box, area = one.get('bbox'), one.get('area')
    bad = [key for key, is_good in (
        ('bbox', isinstance(box, list) and len(box) == 4 and all(map(is_number, box))),
        ('area', is_number(area))) if not is_good]
    if bad:
        report(name, 'mended', f'its {" and ".join(bad)} is missing or no number: computed from '
               'its outline')
