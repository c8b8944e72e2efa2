"""Small images and LabelMe files, and what was found wrong with labels."""
import base64
import io
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from plugin.utils import UserError

ORIENTATION = 0x0112


def told(findings: Iterable) -> str:
    """Findings on labels as text: one a line, then the number of each sort."""
    findings = list(findings)
    lines = [f'{one.file} {one.shape} {one.action}: {one.reason}' for one in findings]
    counts = Counter(one.action for one in findings)
    return '\n'.join([*lines, ', '.join(f'{count} {action}' for action, count in counts.items())])


def animals(annotations) -> list:
    """Those that are no regions to ignore, which what is dropped becomes."""
    return [one for one in annotations if 'ignore_region' not in one]


def annotations_of(builder) -> list:
    """Annotations of animals that a builder writes; none where no image is left."""
    try:
        return animals(builder.content()['annotations'])
    except UserError as error:
        assert 'no labelled image is left' in str(error)
        return []


def write_image(path: Path, size=(40, 60), orientation=None) -> Path:
    """Write a grey image of (H, W) pixels as stored, perhaps with an EXIF orientation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
    Image.new('RGB', size[::-1], (90, 90, 90)).save(path, exif=exif)
    return path


def square(x, y, side, width=None) -> list:
    """Corners of a square, or of a rectangle of another width."""
    width = side if width is None else width
    return [[x, y], [x + width, y], [x + width, y + side], [x, y + side]]


def shape(points, label='cow', group=None, kind='polygon', **more) -> dict:
    """A shape of LabelMe."""
    return dict(label=label, points=points, group_id=group, shape_type=kind, flags={}, **more)


def mask_shape(mask, left, top, label='cow') -> dict:
    """A shape of type mask as LabelMe 5.3 writes it."""
    stream = io.BytesIO()
    Image.fromarray(np.asarray(mask, np.uint8)).save(stream, format='PNG')
    height, width = np.shape(mask)
    return shape([[left, top], [left + width - 1, top + height - 1]], label, kind='mask',
                 mask=base64.b64encode(stream.getvalue()).decode())


def write_labelme(path: Path, shapes, size=(40, 60), image=None, **more) -> Path:
    """Write a LabelMe file, and its image unless another one is named."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if image is None:
        image = f'{path.stem}.png'
        write_image(path.parent / image, size)
    content = dict(version='5.5.0', flags={}, shapes=shapes, imagePath=image, imageData=None,
                   imageHeight=size[0], imageWidth=size[1])
    path.write_text(json.dumps({**content, **more}, ensure_ascii=False), encoding='utf-8')
    return path
