"""LabelMe files: read into a COCO file, and written for correction."""
import base64
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from plugin.utils import UserError
from plugin.utils.console import progress
from plugin.utils.text import brief, word

from .coco_builder import CocoBuilder
from .coco_origin import read_origin
from .encodings import doubtful_word
from .image_finder import ImageFinder, Match
from .image_folders import Folders, likely_folders
from .label_files import ReadOptions, home_of, label_files, read_label_json
from .labelled_images import CURE, LabelledImage, read_images
from .labelme_shapes import labelme_shape
from .polygons import Instance, has_holes, mask_to_polygons, to_mask

VERSION = '5.5.0'
# what a file of LabelMe has and others have not
SIGNS = {'shapes', 'imagePath', 'imageData'}
COPY = 'the file holds a copy of it: save it beside as an image, as by labelme_export_json'


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
    for place, instance in enumerate(instances, start=1):
        drawn = _drawn(instance.segmentation, height, width)
        score = instance.score
        for shape in drawn:
            shapes.append(dict(
                label=instance.label, points=shape['points'],
                group_id=place if len(drawn) > 1 else None,
                description='' if score is None else f'score {score:.2f}',
                shape_type='mask' if 'mask' in shape else 'polygon',
                flags={'iscrowd': True} if instance.iscrowd else {},
                **({'mask': shape['mask']} if 'mask' in shape else {})))
    return dict(version=VERSION, flags={}, shapes=shapes, imagePath=image, imageData=None,
                imageHeight=height, imageWidth=width, **({'coco': dict(coco)} if coco else {}))


def labelme_text(document: dict[str, Any], indent: int | None = None) -> str:
    """A LabelMe file as text; letters are escaped where their encoding could be doubted."""
    text = json.dumps(document, ensure_ascii=False, indent=indent)
    doubted = doubtful_word(text) is not None
    return (json.dumps(document, indent=indent) if doubted else text) + '\n'


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
    read_labelme(progress(files, 'LabelMe'), builder, options.search, sources)


def read_labelme(files: Iterable[Path], builder: CocoBuilder, search: Sequence[Path] = (),
                 sources: Sequence[Path] = ()) -> None:
    """Read LabelMe files into a COCO file; what is wrong with them goes into its report.

    An image is looked for by ``imagePath``, then by the name of the LabelMe file; beside that
    file, then in ``search``. A JSON file that shows no sign of LabelMe, and has no image of its
    name, is passed over with a note.

    Args:
        files (iterable[Path]): The files.
        builder (CocoBuilder): Takes images and shapes.
        search (Sequence[Path]): Further folders in which images may lie.
        sources (Sequence[Path]): Files that were given by name, and folders of files.
    """
    read_images(_images(files, builder, search, sources), builder)


def _images(files: Iterable[Path], builder: CocoBuilder, search: Sequence[Path],
            sources: Sequence[Path]) -> Iterator[LabelledImage]:
    finder = ImageFinder()
    for path in files:
        source = os.path.relpath(path, builder.root)
        content = read_label_json(path, source, builder)
        if content is None:
            continue
        folders = likely_folders(path.parent, search, home_of(path, sources))
        if not isinstance(content, dict) or not isinstance(content.get('shapes'), list):
            is_other = not isinstance(content, dict) or not {*content} & SIGNS
            if is_other and path not in sources and not finder.by_stem(path.stem, folders).path:
                builder.report(source, 'note', 'it is no file of LabelMe and is passed over')
            else:
                builder.report(source, 'left out', 'it has no list of shapes, so that it is no '
                               'file of LabelMe: move it away')
            continue
        # the copy of the image may be larger than all the rest
        has_copy = bool(content.pop('imageData', None))
        yield LabelledImage(source, _match(path, content, finder, folders),
                            partial(_read_image, source, content, builder),
                            COPY if has_copy else CURE)


def _read_image(source: str, content: dict, builder: CocoBuilder, path: Path) -> None:
    """Read the shapes of one image."""
    written = (content.get('imageHeight'), content.get('imageWidth'))
    image = builder.image(source, path, None if None in written else written)
    if image:
        shapes = []
        for place, entry in enumerate(content['shapes'], start=1):
            shape = labelme_shape(entry, f'shape {place}', image, builder)
            if shape is not None:
                shapes.append(shape)
        builder.add(image, shapes, number=read_origin(content.get('coco'), builder))


def _match(path: Path, content: dict, finder: ImageFinder, folders: Folders) -> Match:
    """The image of a LabelMe file."""
    name = content.get('imagePath')
    match = finder.find(name, folders) if isinstance(name, str) else Match()
    own = finder.by_stem(path.stem, folders)
    if match.path and not match.is_weak and match.path.stem != path.stem:
        beside = finder.by_stem(path.stem, Folders([path.parent]))
        if beside.path and not os.path.samefile(beside.path, match.path):
            return Match(fault=f'image {word(name)} (imagePath) and image {beside.path.name} are '
                         'both there: correct imagePath, or keep one of them', is_double=True)
        # files that are renamed without a look at imagePath name the images of others
        return match._replace(is_weak=True)
    if match.path and (not match.is_weak or not own.path
                       or os.path.samefile(own.path, match.path)):
        return match
    absent = f'there is no image {brief(name)} (imagePath)'
    if own.path:
        return Match(own.path, f'{absent}: {own.path.name} is taken by its name', is_weak=True)
    if match.path or match.is_double:
        return match
    if own.is_double:
        return own._replace(fault=f'{absent}, but {own.fault.removeprefix("there are ")}')
    return Match(fault=absent)
