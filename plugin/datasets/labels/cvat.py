"""Exports of CVAT ("CVAT for images 1.1", XML)."""
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plugin.utils import UserError

from .coco_builder import CocoBuilder
from .encodings import decode_text
from .image_finder import ImageFinder
from .image_folders import Folders
from .label_files import ReadOptions, label_files
from .labelled_images import LabelledImage, read_images
from .plain_values import decimals
from .polygons import crop_to_rle
from .shapes import Shape, box_ring, ellipse_ring, turned

DECLARATION = re.compile(rb'(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*'
                         rb'["\']([A-Za-z][\w.:-]*)["\'][^>]*\?>')
CORNER = re.compile('x[tb][lr][12]?')
NO_OUTLINES = ('polyline', 'points', 'cuboid', 'skeleton', 'tag')


def read(sources: Sequence[Path], builder: CocoBuilder, options: ReadOptions) -> None:
    """Read all XML files of folders and their sub-folders.

    Polygons, boxes, ellipses and masks are taken; those of one ``group_id`` in an image are one
    instance. Images are found by their names in the XML, in the builder's folder or beside the XML.

    Raises:
        FileNotFoundError: If there is no file.
    """
    for path in label_files(sources, '.xml', options.skip):
        elements = _images(path, builder)
        below = options.search or [path.parent]
        folders = Folders([builder.root, path.parent, path.parent / 'images'], below=below)
        finder = ImageFinder(element.get('subset', '') for element in elements)
        read_images([_labelled(element, path.name, finder, folders, builder)
                     for element in elements], builder)


def _images(path: Path, builder: CocoBuilder) -> list[ET.Element]:
    """The images of an XML file; none of a file that is damaged, which is reported."""
    try:
        root = _parse(path, builder)
    except ET.ParseError as error:
        line, column = error.position
        builder.report(path.name, 'left out', f'line {line}, column {column + 1}: {error}: the '
                       'file is damaged, export it again')
        return []
    except (LookupError, ValueError) as error:
        builder.report(path.name, 'left out', f'its encoding cannot be read ({error}): export it '
                       'again')
        return []
    except OSError as error:
        builder.report(path.name, 'left out', f'it cannot be read ({error.strerror})')
        return []
    if root.find('track') is not None:
        builder.report(path.name, 'left out', 'it holds tracks of a video: export it again as '
                       '"CVAT for images 1.1"')
        return []
    images = root.findall('image')
    if not images:
        builder.report(path.name, 'left out', 'it has no images: export it again as "CVAT for '
                       'images 1.1"')
    elif len(images) < (number := sum(1 for _ in root.iter('image'))):
        builder.report(path.name, 'left out', f'{number - len(images)} images lie inside of other '
                       'elements: export it again as "CVAT for images 1.1"')
    return images


def _parse(path: Path, builder: CocoBuilder) -> ET.Element:
    """The root of an XML file in the encoding that it declares, UTF-8, or certainly GB2312."""
    data = path.read_bytes()
    declared = DECLARATION.match(data)
    if declared:
        codec = declared[1].decode('ascii')
        try:
            # the parser itself knows few encodings, none of several bytes but UTF-8 and UTF-16
            return ET.fromstring(data[declared.end():].decode(codec))
        except UnicodeDecodeError as error:
            raise ValueError(f'byte {declared.end() + error.start} is no {codec}') from error
    text, encoding = decode_text(data)
    if encoding == 'GB2312':
        builder.report(path.name, 'note', 'it is no UTF-8 and is read as GB2312: save it as UTF-8')
    return ET.fromstring(data if encoding.startswith('utf-16') else text)


def _labelled(element: ET.Element, file: str, finder: ImageFinder, folders: Folders,
              builder: CocoBuilder) -> LabelledImage:
    name, subset = element.get('name', ''), element.get('subset', '')
    source = f'{file}: {subset}/{name}' if subset else f'{file}: {name}'
    return LabelledImage(source, finder.find(name, folders, subset),
                         partial(_read_image, element, source, builder))


def _read_image(image: ET.Element, source: str, builder: CocoBuilder, found: Path) -> None:
    """Read one image and its shapes."""
    size = image.get('height', ''), image.get('width', '')
    try:
        written = int(size[0]), int(size[1])
    except ValueError:
        written = None
        if any(size):
            builder.report(source, 'note', f'its size {size[1]}x{size[0]} is none, so that it is '
                           'not compared with that of the image')
    entry = builder.image(source, found, written)
    if entry is None:
        return
    shapes = []
    for place, element in enumerate(image, start=1):
        name = f'{element.tag} {place}'
        try:
            outline, lost = _outline(element, entry.height, entry.width)
        except ValueError as error:
            place_of = _points(element)
            if place_of:
                shapes.append(Shape(element.get('label') or '', place_of, None, name,
                                    fault=str(error)))
            else:
                builder.report(source, 'dropped', str(error), name)
            continue
        if lost:
            builder.report(source, 'mended', f'{lost} of its pixels lie outside the image: '
                           'clipped', name)
        # CVAT writes 0 for "in no group"
        group = element.get('group_id') or '0'
        # the builder reports a label that is none
        label: Any = element.get('label')
        shapes.append(Shape(label, outline, None if group == '0' else group, name))
    builder.add(entry, shapes)


def _outline(element: ET.Element, height: int, width: int) -> tuple[list[float] | dict, int]:
    """Polygon or RLE of a shape, and how many pixels of a mask lie outside the image.

    Raises:
        UserError: If it has none; says why.
    """
    return _mask(element, height, width) if element.tag == 'mask' else (_ring(element), 0)


def _points(element: ET.Element) -> list[float]:
    """What is known of the place of a shape that is no outline: x y x y ..., perhaps nothing."""
    pairs = [point.split(',') for point in element.get('points', '').split(';')]
    # corners of boxes and cuboids: xtl, ytl, xbr2, ybr2, ...
    pairs += [[value, element.get(f'y{key[1:]}', '')] for key, value in element.items()
              if CORNER.fullmatch(key)]
    found: list[float] = []
    for pair in pairs:
        try:
            x, y = map(_number, pair)
        except ValueError:
            continue
        found += [x, y]
    if element.tag == 'mask':
        try:
            left, top, width, height = (_number(element.get(key))
                                        for key in ('left', 'top', 'width', 'height'))
        except ValueError:
            return []
        found = box_ring(left, top, left + width, top + height)
    return found


def _ring(element: ET.Element) -> list[float]:
    """Polygon of a shape."""
    if element.tag in NO_OUTLINES:
        raise UserError(f'a {element.tag} outlines nothing: draw a polygon')
    if element.tag == 'polygon':
        points = [point.split(',') for point in element.get('points', '').split(';')]
        if any(len(point) != 2 for point in points):
            raise UserError('its points are no list of x,y: draw it again')
        return [_number(value) for point in points for value in point]
    # degrees, clockwise about the centre
    turn = math.radians(_number(element.get('rotation', '0')))
    if element.tag == 'box':
        left, top, right, bottom = (_number(element.get(key))
                                    for key in ('xtl', 'ytl', 'xbr', 'ybr'))
        ring = box_ring(left, top, right, bottom)
        return turned(ring, (left + right) / 2, (top + bottom) / 2, turn)
    if element.tag == 'ellipse':
        x, y, radius_x, radius_y = (_number(element.get(key)) for key in ('cx', 'cy', 'rx', 'ry'))
        return ellipse_ring(x, y, radius_x, radius_y, turn)
    raise UserError(f'a {element.tag} is no shape known here: draw a polygon')


def _mask(element: ET.Element, height: int, width: int) -> tuple[dict, int]:
    """RLE of a mask, and the number of its pixels outside the image.

    CVAT writes runs along the rows of the mask's box, beginning with background.
    """
    left, top, columns, rows = (_whole(element.get(key))
                                for key in ('left', 'top', 'width', 'height'))
    runs = [_whole(value) for value in element.get('rle', '').split(',')]
    # more than an image could hold would only take memory
    if min(runs) < 0 or min(columns, rows) < 1 or sum(runs) != columns * rows \
            or columns > 2 * width or rows > 2 * height:
        raise UserError(f'its runs make {sum(runs)} pixels, but its box is {columns}x{rows} in an '
                        f'image of {width}x{height}: export it again')
    crop = np.repeat(np.arange(len(runs)) % 2, runs).reshape(rows, columns)
    return crop_to_rle(crop, left, top, height, width)


def _number(text: str | None) -> float:
    try:
        value, = decimals(['' if text is None else text])
    except ValueError:
        raise UserError(f'{text!r} stands where a number should: draw it again') from None
    if not math.isfinite(value):
        raise UserError(f'{text!r} is no place in an image: draw it again')
    return value


def _whole(text: str | None) -> int:
    value = _number(text)
    if not value.is_integer():
        raise UserError(f'{text!r} stands where a whole number should: export it again')
    return int(value)
