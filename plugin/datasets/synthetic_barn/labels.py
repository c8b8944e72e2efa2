"""The labels of scenes as LabelMe files, COCO files and label maps."""
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from plugin.utils import UserError

from ..labels.coco_builder import CocoBuilder
from ..labels.label_names import LabelNames
from ..labels.labelme import labelme_document, read_labelme
from ..labels.polygons import Instance, mask_to_polygons
from .scene import PALETTE, Scene

ANIMAL = 'cattle'
# parts and holes of fewer pixels are left out, as a person would not outline them
_SMALLEST = 12


def palette_png(labels: np.ndarray) -> bytes:
    """Class ids (H, W) uint8 as an indexed PNG with the palette of the barn set."""
    image = Image.fromarray(labels)
    image.putpalette([part for colour in PALETTE for part in colour])
    stream = io.BytesIO()
    image.save(stream, format='PNG', optimize=True)
    return stream.getvalue()


def outlines(mask: np.ndarray) -> list[list[float]]:
    """Outline the visible parts of one animal.

    A part with a hole is cut through the hole, since a polygon cannot hold one.

    Args:
        mask (np.ndarray): (H, W) bool, where the animal is seen.

    Returns:
        list[list[float]]: ``[x0, y0, x1, y1, ...]`` of each part, as
        :func:`~plugin.datasets.labels.polygons.mask_to_polygons` draws it.
    """
    return mask_to_polygons(mask, _SMALLEST)


def labelme_json(scene: Scene, image: str) -> str:
    """LabelMe file of a scene.

    Args:
        scene (Scene): The scene.
        image (str): Name of the image file.

    Returns:
        str: The content of the file.
    """
    parts = [outlines(scene.animals == animal)
             for animal in range(1, int(scene.animals.max()) + 1)]
    instances = [Instance(ANIMAL, rings) for rings in parts if rings]
    height, width = scene.labels.shape
    return json.dumps(labelme_document(image, height, width, instances)) + '\n'


def coco_file(images: Path, files: Iterable[Path]) -> dict[str, Any]:
    """COCO file of scenes with the one class ``cattle``.

    Args:
        images (Path): Folder of their images, to which ``file_name`` is relative.
        files (iterable[Path]): Their LabelMe files.

    Returns:
        dict: The content of the file.

    Raises:
        UserError: If a LabelMe file or image is not as it was drawn.
    """
    builder = CocoBuilder(images, LabelNames(name=ANIMAL))
    read_labelme(files, builder)
    if builder.findings:
        finding = builder.findings[0]
        raise UserError(f'{images / finding.file} {finding.shape} is not as it was drawn: '
                        f'{finding.reason}; remove the file to have it drawn again')
    return builder.content()
