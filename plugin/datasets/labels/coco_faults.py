"""What can be wrong with a COCO file: one list of faults for every tool that reads one."""
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from plugin.utils import UserError, first_few
from plugin.utils.numbers import is_number
from plugin.utils.text import LONGEST_NAME, brief, is_name

from .coco_remarks import PARTS, remarks
from .image_files import fault_of_file_name
from .outline_faults import DRAW, outline_faults
from .polygons import FARTHEST

NEEDED = {
    'images': ('id', 'file_name', 'height', 'width'),
    'annotations': ('id', 'image_id', 'category_id', 'bbox', 'area', 'segmentation'),
    'categories': ('id', 'name'),
}
# what the converter can complete: from the image, from the outline, by counting
MENDABLE = {'images': {'height', 'width'}, 'annotations': {'id', 'bbox', 'area'},
            'categories': set()}


class CocoFault(NamedTuple):
    """Something that is wrong with a COCO file.

    Attributes:
        kind (str): Its sort, as ``coco-id-twice``; the doctor's code.
        text (str): What is the matter, told of the first place.
        places (list[str]): Where.
        cure (str): What helps.
        severity (str): ``error`` stops every reader; ``warning`` and ``note`` are told.
    """

    kind: str
    text: str
    places: list[str]
    cure: str
    severity: str = 'error'

    @property
    def sentence(self) -> str:
        """Fault, number of places and cure."""
        more = f' ({len(self.places)} such: {first_few(self.places)})'
        return self.text + (more if len(self.places) > 1 else '') + (
            f': {self.cure}' if self.cure else '')


class CocoError(UserError):
    """A COCO file that cannot be used as it is.

    Attributes:
        faults (list[CocoFault]): All that is wrong with it; the text is that of the first error.
    """

    def __init__(self, faults: Sequence[CocoFault]) -> None:
        self.faults = list(faults)
        super().__init__(next(one.sentence for one in faults if one.severity == 'error'))


def foreign_name(name: str) -> str:
    """How a file is named that no folder here can have; '' if one can."""
    if '\\' in name or re.match('[A-Za-z]:/', name):
        return 'as Windows does, with backslashes or a drive'
    # MMEngine would ask a server for it
    return 'by an address of the web' if '://' in name else ''


def mend_by_converter(path: str) -> str:
    """The cure for what the converter mends for certain."""
    return (f'`pasture convert coco {path} --out NEW.json` mends it '
            '(python tools/data/coco_to_coco.py)')


def find_faults(path: str, content: Any, outlines: bool = True) -> list[CocoFault]:
    """All that is wrong with the content of a COCO file, the gravest first.

    Args:
        path (str): The file, for the messages.
        content (Any): What it holds.
        outlines (bool): Whether outlines are needed; without, boxes are enough. Defaults to True.

    Returns:
        list[CocoFault]: Nothing for a file that every tool takes.
    """
    for stage in (_structure, _lacking):
        found = list(stage(path, content, outlines))
        if found:
            return found
    found = [*_values(path, content), *_references(path, content)]
    if not content['images']:
        found.append(CocoFault('coco-bare', f'{path} holds no image', [path],
                               'there is nothing to train or to test on'))
    if any(one.kind in ('coco-size', 'coco-name') for one in found):
        return found
    if outlines:
        found += [CocoFault(kind, text, places, cure or mend_by_converter(path), severity)
                  for kind, text, places, cure, severity in outline_faults(path, content)]
    return [*found, *(CocoFault(kind, text, places, cure.format(mend_by_converter(path)), severity)
                     for kind, text, places, cure, severity in remarks(path, content))]


def _structure(path: str, content: Any, outlines: bool) -> Iterator[CocoFault]:
    """Whether there are lists of entries, whose ids are numbers or texts."""
    for part in PARTS:
        if not isinstance(content, dict) or not isinstance(content.get(part), list):
            yield CocoFault('coco-none', f'{path} has no list of {part}: it is no COCO file of '
                            'instances', [path], 'a converter of tools/data writes one')
            return
    for part in PARTS:
        for place, entry in enumerate(content[part]):
            where = f'{part}[{place}]'
            if not isinstance(entry, dict):
                yield CocoFault('coco-entry', f'{where} of {path} is {brief(entry)} and no entry '
                                'of a COCO file', [where], mend_by_converter(path))
                return
            for key in ('id', 'image_id', 'category_id'):
                value = entry.get(key, '')
                if not isinstance(value, str) and not is_number(value):
                    yield CocoFault('coco-id', f'{where} of {path} has the {key} {brief(value)}',
                                    [where], 'give it a number')
                    return


def _lacking(path: str, content: dict, outlines: bool) -> Iterator[CocoFault]:
    """Entries that lack a key, one fault for each set of keys."""
    lacking: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for part in PARTS:
        needed = [key for key in NEEDED[part] if outlines or key != 'segmentation']
        for place, entry in enumerate(content[part]):
            absent = tuple(key for key in needed if key not in entry)
            if absent:
                lacking[part, absent].append(f'{part}[{place}]')
    for (part, absent), places in lacking.items():
        if set(absent) <= MENDABLE[part]:
            cure = mend_by_converter(path)
        elif 'segmentation' in absent:
            cure = f'boxes alone are no outlines; {DRAW}'
        else:
            cure = 'export it again from the tool that labelled'
        yield CocoFault('coco-lacks', f'{places[0]} of {path} lacks {", ".join(absent)}', places,
                        cure)


def _values(path: str, content: dict) -> Iterator[CocoFault]:
    """Names, sizes, boxes and marks that are none; one fault a sort."""
    found: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    mend = mend_by_converter(path)
    for place, image in enumerate(content['images']):
        name, size = image['file_name'], (image['width'], image['height'])
        fault = fault_of_file_name(name)
        shown = brief(name) if fault else name
        if not _is_whole(image['id']):
            found['coco-image-id'].append((
                shown, f'image {shown} of {path} has the id {brief(image["id"])}, which is no '
                'whole number', mend))
        if fault:
            found['coco-name'].append((f'images[{place}]', f'images[{place}] of {path} has the '
                                       f'file_name {brief(name)}, {fault}', 'correct it'))
        elif foreign_name(name):
            found['coco-file-name'].append((
                name, f'image {name} of {path} is named {foreign_name(name)}, and would not be '
                'found', f'write its path in the folder of images, with / and no backslash; {mend}'
            ))
        if not all(is_number(side, 1, FARTHEST) and float(side).is_integer() for side in size):
            found['coco-size'].append((
                shown, f'image {shown} of {path} has the width {brief(size[0])} and '
                f'the height {brief(size[1])}', f'write its size in pixels; {mend}'))
    for place, category in enumerate(content['categories']):
        if not is_name(category['name']):
            found['coco-category-name'].append((
                f'categories[{place}]', f'categories[{place}] of {path} has the name '
                f'{brief(category["name"])}', f'give a text of 1 to {LONGEST_NAME} letters'))
    for one in content['annotations']:
        box, area, crowd = one['bbox'], one['area'], one.get('iscrowd', 0)
        where = f'annotation {one["id"]}'
        if not isinstance(box, list) or len(box) != 4 or not all(
                is_number(value, -FARTHEST ** 2, FARTHEST ** 2) for value in (*box, area)):
            found['coco-box'].append((
                where, f'{where} of {path} has the bbox {brief(box)} and the area {brief(area)}',
                f'write [x, y, width, height] and the pixels; {mend}'))
        # the text "0" would be true
        if not isinstance(crowd, (bool, int)) or crowd not in (0, 1):
            found['coco-iscrowd'].append((
                where, f'{where} of {path} has the iscrowd {brief(crowd)}, which is neither 0 nor '
                '1', mend))
    for kind, faults in found.items():
        yield CocoFault(kind, faults[0][1], [fault[0] for fault in faults], faults[0][2])


def _is_whole(value: str | float) -> bool:
    """Whether an id is a whole number, or the text of one."""
    try:
        return float(value) == int(value)
    except ValueError:
        return False


def _references(path: str, content: dict) -> Iterator[CocoFault]:
    """Ids that occur twice, and annotations of what is not there."""
    for part, key, what in (
            ('images', 'id', 'image id'), ('images', 'file_name', 'file_name'),
            ('annotations', 'id', 'annotation id'), ('categories', 'id', 'category id'),
            ('categories', 'name', 'category')):
        values = [entry[key] for entry in content[part] if isinstance(
            entry[key], (str, int, float))]
        twice = [value for value, count in Counter(values).items() if count > 1]
        if twice:
            yield CocoFault('coco-twice', f'{path} has the {what} {brief(twice[0])} more than once',
                            [f'{what} {brief(value)}' for value in twice],
                            'every one must be its own; ' + mend_by_converter(path))
    for key, part in (('image_id', 'images'), ('category_id', 'categories')):
        known = {entry['id'] for entry in content[part]}
        lost = [one for one in content['annotations'] if one[key] not in known]
        if not lost:
            continue
        value, noun = lost[0][key], 'image' if part == 'images' else 'category'
        places = [f'annotation {one["id"]}' for one in lost]
        text = f'annotation {lost[0]["id"]} of {path} has the {key} {value!r}'
        if any(str(value) == str(other) for other in known):
            kinds = ('a text', 'numbers') if isinstance(value, str) else ('a number', 'texts')
            yield CocoFault('coco-text-id', f'{text}, {kinds[0]}, and the {part} have {kinds[1]}',
                            places, mend_by_converter(path))
        else:
            yield CocoFault('coco-orphan', f'{text}, and the file has no such {noun}', places,
                            f'remove it, or bring back the {noun}; `pasture convert coco` leaves '
                            'such annotations out by name (python tools/data/coco_to_coco.py)')
