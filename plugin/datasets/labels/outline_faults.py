"""What is wrong with the outlines of a COCO file."""
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from plugin.utils import UserError

from .polygons import is_near
from .run_lengths import check_rle
from .segmentations import (
    has_outline,
    is_fragment,
    is_ring,
    normal_form,
    without_fragments,
)

DRAW = 'draw the outline or remove the annotation'
# how a fault is told of its first place, and the cure; '' where the converter mends it
FAULTS: dict[str, tuple[str, str]] = {
    'outline-form': ('has its segmentation as {}', ''),
    'outline-missing': ('has an empty segmentation', DRAW),
    'outline-none': ('has a segmentation of which no outline can be made ({})', DRAW),
    'outline-part': ('has a part of which no outline can be made ({})',
                     'draw it again; `pasture convert coco` leaves that part out by name (python '
                     'tools/data/coco_to_coco.py)'),
    'outline-outside': ('has a coordinate that is no place near its image', 'correct the outline'),
    'outline-unfit': ('has run lengths of another size than its image',
                      'write the labels anew for this image'),
    'outline-fragment': ('has a part of fewer than 3 points beside its outline, which is left out',
                         ''),
}
NOTES = ('outline-fragment', )


def outline_faults(path: str, content: dict) -> Iterator[tuple[str, str, list[str], str, str]]:
    """Kind, text, places, cure and severity of each sort of fault.

    Args:
        path (str): The file, for the messages.
        content (dict): Its content, whose ids, names and sizes are good.
    """
    images = {str(image['id']): image for image in content['images']}
    places: dict[str, list[str]] = defaultdict(list)
    words: dict[str, str] = {}
    for one in content['annotations']:
        image = images.get(str(one['image_id']))
        if image is None:
            continue
        kind, word = outline_fault(one['segmentation'], int(image['height']), int(image['width']))
        if kind:
            words.setdefault(kind, word)
            places[kind].append(f'annotation {one["id"]} of {image["file_name"]}')
    for kind in FAULTS:
        if kind in places:
            text, cure = FAULTS[kind]
            severity = 'note' if kind in NOTES else 'error'
            yield (kind, f'{places[kind][0]} in {path} {text.format(words[kind])}', places[kind],
                   cure, severity)


def outline_fault(segmentation: Any, height: int, width: int) -> tuple[str, str]:
    """What is wrong with a segmentation.

    Args:
        segmentation (Any): As the file has it.
        height (int): H of the image in pixels.
        width (int): W of the image in pixels.

    Returns:
        tuple: Its sort, a key of ``FAULTS``, and a word about it; '' for none.
    """
    clean = without_fragments(segmentation)
    if not has_outline(clean):
        _, form = normal_form(segmentation, height, width)
        return ('outline-form', form) if form else _nothing(segmentation)
    if isinstance(clean, dict):
        try:
            check_rle(clean, height, width)
        except UserError:
            # mmdet would cut such runs into lines of another length without a word
            _, form = normal_form(segmentation, height, width)
            return ('outline-form', form) if form else ('outline-unfit', '')
        return '', ''
    if not all(map(is_near, clean)):
        return 'outline-outside', ''
    return ('outline-fragment', '') if clean is not segmentation else ('', '')


def _nothing(segmentation: Any) -> tuple[str, str]:
    """Of a segmentation that cannot be used, whether it is empty, or what else."""
    if segmentation in ([], {}, None, '') or segmentation == [[]]:
        return 'outline-missing', ''
    if not isinstance(segmentation, list):
        return 'outline-none', 'neither polygons nor an RLE that can be read'
    bad = next(place for place, part in enumerate(segmentation) if not is_ring(part))
    part = segmentation[bad]
    if is_fragment(part):
        why = f'part {bad + 1} has {len(part) // 2} points'
    elif isinstance(part, list) and len(part) % 2 and all(
            isinstance(value, (int, float)) for value in part):
        why = f'part {bad + 1} has {len(part)} numbers, an odd number'
    else:
        why = f'part {bad + 1} is no list of numbers'
    return 'outline-part' if any(map(is_ring, segmentation)) else 'outline-none', why
