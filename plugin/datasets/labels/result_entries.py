"""COCO results, the predictions of a model, sorted by their images."""
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plugin.utils import UserError
from plugin.utils.text import brief

from .image_files import fault_of_file_name, image_size

# what the values of a result are
KINDS: dict[str, tuple[type, ...]] = dict(
    category_id=(int, float, str), score=(int, float), file_name=(str, type(None)),
    image_id=(int, float, str, type(None)))


def measured(images: Path, results: Mapping[Any, list[dict]]) -> list[dict]:
    """Entries as a COCO file has them for images that results name."""
    nameless = [key for key in results if not isinstance(key, str)]
    if nameless:
        raise UserError(f'the results for image {nameless[0]} have no file_name: give the COCO '
                        'file they are about by --data')
    sizes = {name: image_size(images / name) for name in results}
    return [dict(id=None, file_name=name, height=size.height, width=size.width)
            for name, size in sizes.items()]


def by_image(source: Path, images: Path, results: Sequence[Any],
              score_thr: float) -> dict[Any, list[dict]]:
    """Results by the name of their image, or its id where they do not name it."""
    found: dict[Any, list[dict]] = {}
    for place, entry in enumerate(results):
        lacking = [key for key in ('category_id', 'segmentation', 'score')
                   if not isinstance(entry, dict) or key not in entry]
        if lacking:
            raise UserError(f'entry {place} of {source} lacks {", ".join(lacking)}: give '
                            'COCO results with masks')
        odd = [key for key, kinds in KINDS.items() if not isinstance(entry.get(key), kinds)]
        if odd or entry.get('file_name') and fault_of_file_name(entry['file_name']):
            key = odd[0] if odd else 'file_name'
            raise UserError(f'entry {place} of {source} has the {key} {brief(entry[key])}: give '
                            'COCO results with masks')
        entries = found.setdefault(_image_of(images, entry), [])
        if entry['score'] >= score_thr:
            entries.append(entry)
    return found


def _image_of(images: Path, entry: dict) -> Any:
    """Name of the image of a result, relative to the folder of images, or its id."""
    name = entry.get('file_name')
    if name is None:
        return entry.get('image_id')
    if not os.path.isabs(name) and os.path.isfile(images / name):
        return name
    # tools/predict.py writes the path that it was given
    inside = Path(os.path.relpath(name, images))
    if '..' in inside.parts or not os.path.isfile(images / inside):
        return name
    return inside.as_posix()
