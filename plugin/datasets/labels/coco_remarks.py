"""What every reader of a COCO file takes, and everybody should know of it."""
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

PARTS = ('images', 'annotations', 'categories')
# a share of crowds from here on is no accident; COCO itself has one in a hundred
MANY = 0.05


def grouping_categories(content: dict) -> list[str]:
    """Categories without annotation that only group others, as Roboflow's category 0."""
    used = {str(one.get('category_id')) for one in content['annotations']}
    parents = {entry.get('supercategory') for entry in content['categories']
               if entry.get('supercategory') != entry.get('name')
               and isinstance(entry.get('supercategory'), str)}
    return [entry['name'] for entry in content['categories']
            if isinstance(entry['name'], str) and entry['name'] in parents
            and str(entry['id']) not in used]


def bare_classes(content: Any) -> tuple[list[str], tuple[str, ...]]:
    """What a file without a config teaches: categories to skip, and the others.

    Args:
        content (Any): A COCO file, checked or not.
    """
    parts: dict[str, list[dict]] = {part: [one for one in content.get(part) or []
                                           if isinstance(one, dict)] for part in PARTS}
    good = all('id' in one and 'name' in one for one in parts['categories'])
    skip = grouping_categories(parts) if good else []
    names = tuple(str(one.get('name')) for one in parts['categories'])
    return skip, tuple(name for name in names if name not in skip)


def remarks(path: str, content: dict) -> Iterator[tuple[str, str, list[str], str, str]]:
    """What no reader stops at: kind, text, places, cure and severity of each sort.

    In a cure, ``{}`` stands for what the converter does.

    Args:
        path (str): The file, for the messages.
        content (dict): Its content, whose entries have their keys.
    """
    if not all(isinstance(entry['name'], str) for entry in content['categories']):
        return
    empty = grouping_categories(content)
    if empty:
        yield ('category-groups', f'the category {empty[0]} of {path} has no annotation '
                        'and only groups the others', empty, f'skip_categories=({empty[0]!r}, ) '
                        'in the data set leaves it out; {}', 'warning')
    cases: dict[str, list[str]] = defaultdict(list)
    for entry in content['categories']:
        cases[entry['name'].strip().casefold()].append(entry['name'])
    for names in cases.values():
        if len(names) > 1:
            yield ('category-case', f'the categories {" and ".join(names)} of {path} '
                            'differ in case or spaces alone', names, '{}',
                            'warning')
    crowds = [f'annotation {one["id"]}' for one in content['annotations'] if one.get('iscrowd')]
    if crowds:
        number = len(content['annotations'])
        yield (
            'outline-crowd', f'{len(crowds)} of {number} annotations of {path} are marked iscrowd '
            'and are neither learned nor counted', crowds, 'if each is one animal, as CVAT and '
            f'others write brush masks: `pasture convert coco {path} --crowds single --out '
            'NEW.json` (python tools/data/coco_to_coco.py)',
            'warning' if len(crowds) >= MANY * number else 'note')
