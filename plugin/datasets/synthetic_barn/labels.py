"""The truth of a scene in the two forms that people keep it in."""
import io
import json
from typing import List

import cv2
import numpy as np
from PIL import Image

from .scene import PALETTE, Scene

# a part or a hole of fewer pixels is no shape that a person would outline
_SMALLEST = 12


def palette_png(labels: np.ndarray) -> bytes:
    """Class ids (H, W) uint8 as an indexed PNG with the palette of the barn set."""
    picture = Image.fromarray(labels)
    picture.putpalette([part for colour in PALETTE for part in colour])
    stream = io.BytesIO()
    picture.save(stream, format='PNG', optimize=True)
    return stream.getvalue()


def _without_holes(part: np.ndarray) -> List[np.ndarray]:
    """Cut a connected part (H, W) uint8 so that no piece encloses a hole."""
    contours, tree = cv2.findContours(part, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for contour, (_, _, _, parent) in zip(contours, tree[0], strict=True):
        left, _, width, _ = cv2.boundingRect(contour)
        if parent < 0 or cv2.contourArea(contour) < _SMALLEST:
            continue
        column = left + width // 2
        pieces = []
        for side in (slice(None, column), slice(column, None)):
            half = np.zeros_like(part)
            half[:, side] = part[:, side]
            pieces += _connected(half)
        return pieces
    return [part]


def _connected(mask: np.ndarray) -> List[np.ndarray]:
    """Connected pieces without holes of a mask (H, W) uint8."""
    count, pieces = cv2.connectedComponents(mask, connectivity=4)
    found = []
    for index in range(1, count):
        piece = (pieces == index).astype(np.uint8)
        if piece.sum() >= _SMALLEST:
            found += _without_holes(piece)
    return found


def polygons(mask: np.ndarray) -> List[np.ndarray]:
    """Outline every visible part of one animal.

    A part with a hole is cut through the hole, since a polygon cannot hold one.

    Args:
        mask (np.ndarray): (H, W) bool, where the animal is seen.

    Returns:
        list[np.ndarray]: (P, 2) float x, y of each part, in steps of half a pixel: from the near
        edge of the first pixel to the middle of the last one. LabelMe (Pillow), COCO
        (pycocotools) and ``cv2.fillPoly`` on whole numbers all fill exactly the part's pixels.
    """
    outlines = []
    for piece in _connected(mask.astype(np.uint8)):
        double = piece.repeat(2, axis=0).repeat(2, axis=1)
        contours, _ = cv2.findContours(double, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        outlines.append(contours[0][:, 0] / 2)
    return outlines


def labelme_json(scene: Scene, picture: str) -> str:
    """LabelMe file (version 5) of a scene.

    Parts of one animal share a ``group_id``; an animal seen in one part has none.

    Args:
        scene (Scene): The scene.
        picture (str): Name of the picture file.

    Returns:
        str: The content of the file.
    """
    shapes = []
    for animal in range(1, int(scene.animals.max()) + 1):
        parts = polygons(scene.animals == animal)
        for part in parts:
            shapes.append(dict(
                label='cattle', points=part.tolist(),
                group_id=animal if len(parts) > 1 else None, description='',
                shape_type='polygon', flags={}))
    height, width = scene.labels.shape
    content = dict(version='5.5.0', flags={}, shapes=shapes, imagePath=picture, imageData=None,
                   imageHeight=height, imageWidth=width)
    return json.dumps(content) + '\n'
