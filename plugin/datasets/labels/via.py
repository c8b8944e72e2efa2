"""Labels of the VGG Image Annotator (VIA 1 and 2, JSON): projects and exported annotations."""
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from plugin.utils import UserError
from plugin.utils.text import brief, word

from .coco_builder import CocoBuilder
from .image_finder import ImageFinder
from .image_folders import Folders
from .label_files import ReadOptions, label_files, read_label_json
from .labelled_images import LabelledImage, read_images
from .plain_values import listed, number
from .regions import IGNORE, is_region
from .shapes import Shape, box_ring, ellipse_ring

COCO = ('left out', 'it is a COCO file, perhaps an export of VIA: give the project of VIA, or '
        'read it by `pasture convert coco` (python tools/data/coco_to_coco.py)')
OTHER = ('note', 'it is no project and no export of VIA, and is passed over')
DAMAGED = ('left out', 'it is no project and no export of VIA: move it away')
KINDS = ('polygon', 'rect', 'circle', 'ellipse')


def read(sources: Sequence[Path], builder: CocoBuilder, options: ReadOptions) -> None:
    """Read all VIA files of folders and their sub-folders.

    Polygons, rectangles, circles and ellipses are taken. The class is the value of the only region
    attribute, or of the one named by ``options.attribute``; without any, ``options.name`` names
    all.

    Raises:
        FileNotFoundError: If there is no file.
        UserError: If nothing says which attribute is the class.
    """
    finder = ImageFinder()
    for path in label_files(sources, '.json', options.skip):
        content = read_label_json(path, path.name, builder)
        if content is None:
            continue
        entries = _entries(content)
        if not entries:
            is_coco = isinstance(content, dict) and isinstance(content.get('annotations'), list)
            is_other = not _is_via(content) and path not in sources
            builder.report(path.name, *COCO if is_coco else OTHER if is_other else DAMAGED)
        attribute = options.attribute or _only_attribute(entries, path, options.name)
        below = options.search or [path.parent]
        folders = Folders([builder.root, path.parent, path.parent / 'images'], below=below)
        read_images([_labelled(entry, attribute, path.name, finder, folders, options.name, builder)
                     for entry in entries], builder)


def _entries(content: Any) -> list[dict]:
    """The images of a project or an export, none if it is neither."""
    if isinstance(content, dict):
        content = content.get('_via_img_metadata', content)
    entries = list(content.values()) if isinstance(content, dict) else content
    good = isinstance(entries, list) and all(
        isinstance(entry, dict) and isinstance(entry.get('filename'), str)
        and isinstance(entry.get('regions') or [], (dict, list)) for entry in entries)
    return entries if good else []


def _is_via(content: Any) -> bool:
    """Whether anything in a file is what VIA writes."""
    if isinstance(content, dict):
        if any(isinstance(key, str) and key.startswith('_via') for key in content):
            return True
        content = list(content.values())
    return isinstance(content, list) and any(
        isinstance(entry, dict) and {'filename', 'regions'} <= {*entry} for entry in content)


def _regions(entry: dict) -> list[Any]:
    # VIA 1 numbers them: {"0": {...}, "1": {...}}
    regions = entry.get('regions') or []
    return list(regions.values()) if isinstance(regions, dict) else list(regions)


def _only_attribute(entries: list[dict], path: Path, name: str | None) -> str | None:
    """The attribute that must mean the class, as there is no other.

    Raises:
        UserError: If there are several, or none and no name for all.
    """
    regions = [region for entry in entries for region in _regions(entry)]
    known = sorted({key for region in regions if isinstance(region, dict)
                    and isinstance(region.get('region_attributes'), dict)
                    for key in region['region_attributes']})
    if len(known) == 1:
        return known[0]
    if name is not None or not regions:
        return None
    if known:
        raise UserError(f'the regions of {path} have the attributes {", ".join(known)}: name the '
                        'one that is the class by --attribute')
    raise UserError(f'the regions of {path} have no attribute that could be their class: name '
                    'them all by --as')


def _labelled(entry: dict, attribute: str | None, file: str, finder: ImageFinder,
              folders: Folders, name: str | None, builder: CocoBuilder) -> LabelledImage:
    source = f'{file}: {entry["filename"]}'
    return LabelledImage(source, finder.find(entry['filename'], folders),
                         partial(_read_entry, entry, attribute, source, name, builder))


def _read_entry(entry: dict, attribute: str | None, source: str, name: str | None,
                builder: CocoBuilder, found: Path) -> None:
    """Read one image and its regions."""
    if entry.get('regions') is None:
        builder.report(source, 'left out', 'it has no list of regions: export it again')
        return
    image = builder.image(source, found)
    if image is None:
        return
    shapes = []
    for place, region in enumerate(_regions(entry), start=1):
        shape = _shape(region, attribute, name, f'region {place}')
        if shape.fault and not shape.outline:
            builder.report(source, 'dropped', shape.fault, shape.name)
        else:
            shapes.append(shape)
    builder.add(image, shapes)


def _shape(region: Any, attribute: str | None, name: str | None, title: str) -> Shape:
    """A region of VIA, with a fault if it is no outline, or of no class."""
    try:
        outline = _outline(region)
    except ValueError as error:
        return Shape('', _points(region), None, title, fault=str(error))
    try:
        # without an attribute all have the name, or there is no region
        label = IGNORE if _is_ignored(region) else (
            name or '' if attribute is None else _label(region, attribute))
    except ValueError as error:
        return Shape('', outline, None, title, fault=str(error))
    return Shape(label, outline, None, title)


def _points(region: Any) -> list[float]:
    """What is known of the place of a region that is no outline: x y x y ..., perhaps nothing."""
    shape: Any = region.get('shape_attributes') if isinstance(region, dict) else None
    if not isinstance(shape, dict):
        return []
    try:
        pairs = zip(listed(shape['all_points_x']), listed(shape['all_points_y']), strict=True)
        return [number(value) for pair in pairs for value in pair]
    except (KeyError, OverflowError, TypeError, ValueError):
        return []


def _is_ignored(region: dict) -> bool:
    """Whether any attribute of a region is ``ignore``, or a ticked box of that name."""
    attributes = region.get('region_attributes')
    for value in attributes.values() if isinstance(attributes, dict) else ():
        ticked = [key for key, is_ticked in value.items() if is_ticked] if isinstance(
            value, dict) else [value]
        if any(map(is_region, ticked)):
            return True
    return False


def _label(region: dict, attribute: str) -> str:
    attributes = region.get('region_attributes')
    value = attributes.get(attribute) if isinstance(attributes, dict) else None
    if isinstance(value, dict):
        # a group of check boxes
        ticked = [key for key, is_ticked in value.items() if is_ticked]
        if len(ticked) != 1:
            raise UserError(f'{len(ticked)} boxes of its attribute {attribute!r} are ticked, not '
                            'one: tick the class')
        return ticked[0]
    if not isinstance(value, str) or not value.strip():
        raise UserError(f'its attribute {attribute!r} is {brief(value)} and names no class: fill '
                        'it in')
    return value


def _outline(region: Any) -> list[float]:
    """Polygon of a region.

    Raises:
        UserError: If it has none; says why.
    """
    shape: Any = region.get('shape_attributes') if isinstance(region, dict) else None
    if not isinstance(shape, dict):
        raise UserError('it has no shape_attributes: draw it again')
    kind = shape.get('name')
    if kind not in KINDS:
        raise UserError(f'a {word(kind)} outlines nothing: draw a polygon')
    try:
        if kind == 'polygon':
            pairs = zip(listed(shape['all_points_x']), listed(shape['all_points_y']), strict=True)
            return [number(value) for pair in pairs for value in pair]
        if kind == 'rect':
            left, top, width, height = (number(shape[key]) for key in ('x', 'y', 'width', 'height'))
            return box_ring(left, top, left + width, top + height)
        x, y = number(shape['cx']), number(shape['cy'])
        if kind == 'circle':
            return ellipse_ring(x, y, number(shape['r']), number(shape['r']))
        # theta in radians came with VIA 2.0.5
        return ellipse_ring(x, y, number(shape['rx']), number(shape['ry']),
                            number(shape.get('theta') or 0))
    except (KeyError, OverflowError, TypeError) as error:
        raise UserError(f'its numbers are not those of a {kind} '
                        f'({type(error).__name__}: {error}): draw it again') from error

