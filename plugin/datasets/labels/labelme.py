"""LabelMe files: read into a COCO file, and written for correction."""
import base64
import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from plugin.utils import UserError
from plugin.utils.console import progress
from plugin.utils.images import open_image
from plugin.utils.text import word

from .coco_builder import CocoBuilder, ImageEntry
from .coco_origin import is_crowd, read_origin
from .image_files import ImageFinder, likely_folders
from .label_files import ReadOptions, label_files, read_label_json
from .polygons import Instance, crop_to_rle, has_holes, mask_to_polygons, to_mask
from .shapes import Shape, box_ring, ellipse_ring

VERSION = '5.5.0'
Points = list[tuple[float, float]]


def labelme_document(image: str, height: int, width: int,
                     instances: Sequence[Instance],
                     coco: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The content of a LabelMe file (version 5).

    Polygons keep their points; an RLE is outlined so that its pixels are filled again exactly.
    Parts of one instance share a ``group_id``, one in a single part has none. An instance with a
    hole is a shape of type ``mask``.

    Args:
        image (str): Path of the image relative to the folder of the LabelMe file.
        height (int): H of the image in pixels.
        width (int): W of the image in pixels.
        instances (Sequence[Instance]): What is to be seen in it. A crowd has the flag ``iscrowd``.
        coco (Mapping, optional): ``image_id`` and ``categories`` of the COCO file it comes from,
            which LabelMe keeps and the way back restores.

    Returns:
        dict: To be written as JSON. A score stands in the description, as ``score 0.93``.

    Raises:
        UserError: If a segmentation is empty or does not fit the image.
    """
    shapes = []
    for number, instance in enumerate(instances, start=1):
        drawn = _drawn(instance.segmentation, height, width)
        score = instance.score
        for shape in drawn:
            shapes.append(dict(
                label=instance.label, points=shape['points'],
                group_id=number if len(drawn) > 1 else None,
                description='' if score is None else f'score {score:.2f}',
                shape_type='mask' if 'mask' in shape else 'polygon',
                flags={'iscrowd': True} if instance.iscrowd else {},
                **({'mask': shape['mask']} if 'mask' in shape else {})))
    return dict(version=VERSION, flags={}, shapes=shapes, imagePath=image, imageData=None,
                imageHeight=height, imageWidth=width, **({'coco': dict(coco)} if coco else {}))


def _drawn(segmentation: Any, height: int, width: int) -> list[dict]:
    """Points, and perhaps the mask, of each shape of an instance."""
    if not isinstance(segmentation, list):
        mask = to_mask(segmentation, height, width)
        if has_holes(mask):
            return [_mask_shape(mask)]
        segmentation = mask_to_polygons(mask)
    if not segmentation:
        raise UserError('an instance without outline cannot be drawn: remove it')
    return [dict(points=np.reshape(ring, (-1, 2)).tolist()) for ring in segmentation]


def _mask_shape(mask: np.ndarray) -> dict:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = (int(v) for v in (rows[0], rows[-1], columns[0], columns[-1]))
    stream = io.BytesIO()
    Image.fromarray(mask[top:bottom + 1, left:right + 1]).save(stream, format='PNG')
    # LabelMe's box of a mask includes its last row and column
    return dict(points=[[float(left), float(top)], [float(right), float(bottom)]],
                mask=base64.b64encode(stream.getvalue()).decode('ascii'))


def read(sources: Sequence[Path], builder: CocoBuilder, options: ReadOptions) -> None:
    """Read all LabelMe files of folders and their sub-folders; see :func:`read_labelme`."""
    files = label_files(sources, '.json', options.skip)
    read_labelme(progress(files, 'LabelMe'), builder, options.search)


def read_labelme(files: Iterable[Path], builder: CocoBuilder,
                 search: Sequence[Path] = ()) -> None:
    """Read LabelMe files into a COCO file; what is wrong with them goes into its report.

    An image is looked for by ``imagePath``, then by the name of the LabelMe file; beside that
    file, then in ``search``.

    Args:
        files (iterable[Path]): The files.
        builder (CocoBuilder): Takes images and shapes.
        search (Sequence[Path]): Further folders in which images may lie.
    """
    finder = ImageFinder()
    for path in files:
        source = os.path.relpath(path, builder.root)
        content = read_label_json(path, source, builder)
        if content is None:
            continue
        if not isinstance(content, dict) or not isinstance(content.get('shapes'), list):
            builder.report(source, 'left out', 'it has no list of shapes, so that it is no file '
                           'of LabelMe: move it away')
            continue
        image_path = _find_image(path, source, content, finder, builder, search)
        written = (content.get('imageHeight'), content.get('imageWidth'))
        image = image_path and builder.image(
            source, image_path, None if None in written else written)
        if image:
            shapes = []
            for place, entry in enumerate(content['shapes'], start=1):
                shape = _shape(entry, f'shape {place}', image, builder)
                if shape is not None:
                    shapes.append(shape)
            builder.add(image, shapes, number=read_origin(content.get('coco'), builder))


def _find_image(path: Path, source: str, content: dict, finder: ImageFinder,
                builder: CocoBuilder, search: Sequence[Path]) -> Path | None:
    """The image of a LabelMe file; None, and a finding, if there is none."""
    name = content.get('imagePath')
    folders = likely_folders(path.parent, search)
    found = finder.find(name, folders) if isinstance(name, str) else None
    if found is not None:
        return found
    for folder in folders:
        beside = finder.by_stem(path.stem, folder)
        if len(beside) == 1:
            builder.report(source, 'note', f'there is no image {name!r} (imagePath): '
                           f'{beside[0].name} is taken by its name')
            return beside[0]
        if beside:
            builder.report(source, 'left out', f'there is no image {name!r} (imagePath), but '
                           f'{", ".join(other.name for other in beside)}: keep one of them')
            return None
    cure = 'bring it back, or give its folder by --images'
    if content.get('imageData'):
        cure = ('the file holds a copy of it: save it beside as an image, as by '
                'labelme_export_json')
    builder.report(source, 'left out', f'there is no image {name!r} (imagePath): {cure}')
    return None


def _shape(entry: Any, name: str, image: ImageEntry, builder: CocoBuilder) -> Shape | None:
    """A shape of LabelMe; None, and a finding, if it is none that outlines an animal."""
    try:
        points = _points(entry)
        kind = word(entry.get('shape_type') or 'polygon')
        outline: list[float] | dict
        if kind == 'mask':
            outline, mendings = _mask(entry, points, image.height, image.width)
            for mending in mendings:
                builder.report(image.source, 'mended', mending, name)
        elif kind in OUTLINES:
            outline = OUTLINES[kind](points)
        else:
            raise UserError(f'a {kind} outlines nothing: draw a polygon')
        return Shape(entry.get('label'), outline, _group(entry.get('group_id')), name,
                     is_crowd(entry.get('flags')))
    except ValueError as error:
        builder.report(image.source, 'dropped', str(error), name)
        return None


def _group(written: Any) -> int | str | None:
    """What the shapes of one instance have in common, as it can be a key."""
    if written is None or isinstance(written, (int, str)):
        return written
    try:
        return repr(written)
    except RecursionError as error:
        raise UserError('its group_id is nested too deeply: give it a number') from error


def _points(entry: Any) -> Points:
    try:
        return [(float(x), float(y)) for x, y in entry['points']]
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise UserError('it has no list of points x, y: draw it again') from error


def _polygon(points: Points) -> list[float]:
    return [value for point in points for value in point]


def _rectangle(points: Points) -> list[float]:
    # since version 5.5 all four corners may be written, and the rectangle be turned
    if len(points) == 2:
        return box_ring(*points[0], *points[1])
    if len(points) == 4:
        return _polygon(points)
    raise UserError(f'a rectangle has 2 or 4 points, not {len(points)}: draw it again')


def _circle(points: Points) -> list[float]:
    if len(points) != 2:
        raise UserError(f'a circle has 2 points, centre and rim, not {len(points)}: '
                        'draw it again')
    (x, y), (rim_x, rim_y) = points
    radius = float(np.hypot(rim_x - x, rim_y - y))
    return ellipse_ring(x, y, radius, radius)


OUTLINES: dict[str, Callable[[Points], list[float]]] = dict(
    polygon=_polygon, rectangle=_rectangle, circle=_circle)


def _mask(entry: dict, points: Points, height: int, width: int) -> tuple[dict, list[str]]:
    """RLE of a shape of type mask, a PNG of the part within its box, and what was mended."""
    try:
        content = base64.b64decode(entry['mask'], validate=True)
        with open_image(io.BytesIO(content)) as png:
            # more than an image could hold would only take memory
            if png.width > 2 * width or png.height > 2 * height:
                raise UserError(f'a mask of {png.width}x{png.height} in an image of '
                                f'{width}x{height}')
            crop = np.asarray(png if png.mode in ('1', 'L', 'P', 'I;16') else png.convert('L'))
        left, top = (round(value) for value in points[0])
        right, bottom = (round(value) for value in points[-1])
    # what Pillow raises for damaged images is of many types
    except (IndexError, KeyError, OSError, OverflowError, SyntaxError, TypeError, ValueError,
            Image.DecompressionBombError) as error:
        raise UserError(f'its mask cannot be read ({type(error).__name__}: {error}): '
                        'draw it again') from error
    mendings = []
    if crop.shape != (bottom - top + 1, right - left + 1):
        mendings.append(f'its box is {right - left + 1}x{bottom - top + 1}, its mask '
                        f'{crop.shape[1]}x{crop.shape[0]}: the mask counts')
    rle, lost = crop_to_rle(crop, left, top, height, width)
    if lost:
        mendings.append(f'{lost} of its pixels lie outside the image: clipped')
    return rle, mendings
