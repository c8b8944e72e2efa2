"""Turn labels of the VGG Image Annotator (VIA 1 and 2, JSON) into one COCO file.

    python tools/data/via_to_coco.py via_project.json --images images --out data.json

Both saved projects and exported annotations are read. Polygons, rectangles, circles and ellipses
are taken. The class is the value of the only region attribute, or of the one named by
--attribute; without any, --as names all.
"""
import argparse
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

sys.path.insert(0, str(Path(__file__).parent))
from _convert import convert, label_files, parser_for, show  # noqa: E402

KINDS = ('polygon', 'rect', 'circle', 'ellipse')


def read(args: argparse.Namespace, builder: Any) -> None:
    """Read all VIA files of the sources."""
    from plugin.datasets.labels.json_file import read_json
    from plugin.datasets.labels.image_files import ImageFinder
    finder = ImageFinder()
    for path in label_files(args.sources, '.json', skip=[args.out]):
        content = read_json(path, path.name, builder)
        if content is None:
            continue
        entries = _entries(content)
        if not entries:
            builder.report(path.name, 'left out', 'it is no project and no export of VIA: move it '
                           'away')
        attribute = args.attribute or _only_attribute(entries, path, args.name)
        folders = [builder.root, path.parent]
        for entry in show(entries, path.name):
            _read_entry(entry, attribute, path.name, finder, folders, args.name, builder)


def _entries(content: Any) -> List[dict]:
    """The images of a project or an export, none if it is neither."""
    if isinstance(content, dict):
        content = content.get('_via_img_metadata', content)
    entries = list(content.values()) if isinstance(content, dict) else content
    good = isinstance(entries, list) and all(
        isinstance(entry, dict) and isinstance(entry.get('filename'), str)
        and isinstance(entry.get('regions') or [], (dict, list)) for entry in entries)
    return entries if good else []


def _regions(entry: dict) -> List[Any]:
    # VIA 1 numbers them: {"0": {...}, "1": {...}}
    regions = entry.get('regions') or []
    return list(regions.values()) if isinstance(regions, dict) else list(regions)


def _only_attribute(entries: List[dict], path: Path, name: Optional[str]) -> Optional[str]:
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


def _read_entry(entry: dict, attribute: Optional[str], file: str, finder: Any, folders: List[Path],
                name: Optional[str], builder: Any) -> None:
    """Read one image and its regions."""
    from plugin.datasets.labels.shapes import Shape
    source = f'{file}: {entry["filename"]}'
    found = finder.find(entry['filename'], folders)
    if found is None:
        builder.report(source, 'left out', 'there is no such image: bring it back, or give its '
                       'folder by --images')
        return
    image = builder.image(source, found)
    if image is None:
        return
    shapes = []
    for place, region in enumerate(_regions(entry), start=1):
        try:
            outline = _outline(region)
            label = name if attribute is None else _label(region, attribute)
        except ValueError as error:
            builder.report(source, 'dropped', str(error), f'region {place}')
            continue
        shapes.append(Shape(label, outline, None, f'region {place}'))
    builder.add(image, shapes)


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
        raise UserError(f'its attribute {attribute!r} is {value!r} and names no class: fill it '
                         'in')
    return value


def _outline(region: Any) -> List[float]:
    """Polygon of a region.

    Raises:
        UserError: If it has none; says why.
    """
    from plugin.datasets.labels.shapes import box_ring, ellipse_ring
    shape: Dict[str, Any] = region.get('shape_attributes') if isinstance(region, dict) else None
    if not isinstance(shape, dict):
        raise UserError('it has no shape_attributes: draw it again')
    kind = shape.get('name')
    if kind not in KINDS:
        raise UserError(f'a {kind} outlines nothing: draw a polygon')
    try:
        if kind == 'polygon':
            pairs = zip(shape['all_points_x'], shape['all_points_y'], strict=True)
            return [float(value) for pair in pairs for value in pair]
        if kind == 'rect':
            left, top, wide, tall = (float(shape[key]) for key in ('x', 'y', 'width', 'height'))
            return box_ring(left, top, left + wide, top + tall)
        x, y = float(shape['cx']), float(shape['cy'])
        if kind == 'circle':
            return ellipse_ring(x, y, float(shape['r']), float(shape['r']))
        # theta in radians came with VIA 2.0.5
        return ellipse_ring(x, y, float(shape['rx']), float(shape['ry']),
                            float(shape.get('theta') or 0))
    except (KeyError, OverflowError, TypeError) as error:
        raise UserError(f'its numbers are not those of a {kind} '
                         f'({type(error).__name__}: {error}): draw it again') from error


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = parser_for(__doc__, 'VIA files, or folders of them')
    parser.add_argument('--attribute', help='the region attribute that names the class')
    return convert(parser.parse_args(argv), read)


if __name__ == '__main__':
    sys.exit(main())
