"""The labels of scenes as LabelMe files, COCO files and label maps."""
import io
import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from plugin.utils import UserError

from ..labels.coco_builder import CocoBuilder
from ..labels.label_names import LabelNames
from ..labels.labelme import labelme_document, read_labelme
from ..labels.polygons import Instance, mask_to_polygons
from ..labels.regions import IGNORE
from .scene import PALETTE, Scene

ANIMAL = 'cattle'
_LIGHT = (224, 224, 192)
# parts and holes of fewer pixels are left out, as a person would not outline them
_SMALLEST = 12


def palette_png(labels: np.ndarray) -> bytes:
    """Class ids (H, W) uint8 as an indexed PNG with the palette of the barn set.

    Pixels to ignore, 255, are light.
    """
    image = Image.fromarray(labels)
    colours = [part for colour in PALETTE for part in colour]
    if labels.max(initial=0) >= len(PALETTE):
        # a shorter palette would be written with fewer bits a pixel
        colours += [0] * (255 * 3 - len(colours)) + list(_LIGHT)
    image.putpalette(colours)
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


def rough_outline(mask: np.ndarray) -> list[float]:
    """The smallest convex polygon around an animal, as one who does not outline it would draw.

    Args:
        mask (np.ndarray): (H, W) bool, where the animal is seen.

    Returns:
        list[float]: ``[x0, y0, x1, y1, ...]``.
    """
    pixels = np.argwhere(mask)[:, ::-1].astype(np.int32)
    # around the corners of the pixels, so that the last row and column are inside
    points = np.concatenate([pixels + corner for corner in ((0, 0), (1, 0), (0, 1), (1, 1))])
    return cv2.convexHull(points.astype(np.int32)).reshape(-1).astype(float).tolist()


def labelme_json(scene: Scene, image: str, covered: Collection[int] = (),
                 omitted: Collection[int] = ()) -> str:
    """LabelMe file of a scene.

    Args:
        scene (Scene): The scene.
        image (str): Name of the image file.
        covered (Collection[int]): Numbers of animals that a region to ignore covers, not outlined.
        omitted (Collection[int]): Numbers of animals that are not drawn at all.

    Returns:
        str: The content of the file.
    """
    instances = []
    for animal in range(1, int(scene.animals.max()) + 1):
        rings = outlines(scene.animals == animal)
        if rings and animal in covered:
            instances.append(Instance(IGNORE, [rough_outline(scene.animals == animal)]))
        elif rings and animal not in omitted:
            instances.append(Instance(ANIMAL, rings))
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
