"""The annotations of COCO files of any tool, as shapes."""
from typing import Any

from plugin.utils import UserError
from plugin.utils.numbers import is_number
from plugin.utils.text import brief

from .run_lengths import check_rle
from .segmentations import is_fragment, is_ring, normal_form
from .shapes import Report, Shape

KNOWN = ('id', 'image_id', 'category_id', 'bbox', 'area', 'segmentation', 'iscrowd')
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
        label (str): Its class.
        size (tuple[int, int]): H, W of its image in pixels.
        name (str): How messages call it.
        group (Any): What its shapes have in common.
        single (bool): Take a crowd as one instance.
        report (callable): Is told name, action and reason of everything that is changed.

    Returns:
        list[Shape]: None if there is no outline, which is reported.
    """
    segmentation, form = normal_form(one.get('segmentation'), *size)
    if form:
        report(name, 'mended', f'its segmentation is {form}: read as what it means')
    crowd = _crowd(one, name, report)
    if crowd and single:
        report(name, 'mended', 'it is marked iscrowd: taken as one animal')
        crowd = False
    extra = {key: value for key, value in one.items() if key not in KNOWN}
    outlines: list[Any] = []
    if isinstance(segmentation, dict):
        try:
            check_rle(segmentation, *size)
            outlines = [segmentation]
        except UserError as error:
            report(name, 'dropped', str(error))
            return []
    elif isinstance(segmentation, list):
        outlines = _rings(segmentation, name, report)
    if not outlines:
        box = one.get('bbox')
        report(name, 'dropped', 'it has no outline' + (
            f', only the box {brief(box)}' if box else '') + ': draw it')
        return []
    _tell_of_box(one, name, report)
    several = len(outlines) > 1
    return [Shape(label, outline, group, f'{name} part {number}' if several else name, crowd,
                  extra) for number, outline in enumerate(outlines, start=1)]


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
