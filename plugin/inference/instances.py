"""The instances that a model found in an image, and the formats they are written in."""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from shapely import Polygon

from plugin.datasets.labels import polygons
from plugin.datasets.labels.labelme import labelme_document
from plugin.models.postprocess import Detection


@dataclass(frozen=True, eq=False, repr=False)
class Instance(Detection):
    """One instance in an image of H x W pixels, e.g. an animal.

    Attributes:
        label (int): Class id.
        name (str): Name of the class.
        score (float): Confidence, 0..1.
        box (tuple[int, int, int, int]): Left, top, width and height in pixels, of the mask.
        mask (np.ndarray): ``(h, w)`` bool, within the box; :meth:`whole_mask` is that of the image.
        area (int): Pixels of the mask.
    """

    name: str
    height: int
    width: int

    def whole_mask(self, height: int | None = None, width: int | None = None) -> np.ndarray:
        """The mask in the image, ``(H, W)`` bool."""
        return super().whole_mask(height or self.height, width or self.width)

    def rle(self, height: int | None = None, width: int | None = None) -> dict[str, Any]:
        """Compressed run lengths in the image: ``size`` [H, W] and ``counts``, a str."""
        return super().rle(height or self.height, width or self.width)

    def __repr__(self) -> str:
        return f'Instance({self.name!r}, score={self.score:.3f}, box={self.box})'


class Instances(list[Instance]):
    """The N instances of an image, the surest first.

    Args:
        detections (Iterable[Detection]): The instances.
        classes (Sequence[str]): Names of the C classes.
        height (int): H of the image in pixels.
        width (int): W of the image in pixels.

    Attributes:
        is_full (bool): The model found as many as its config allows, and there may be more.
        interval (tuple[int, int], optional): Between these numbers lies the true number of
            instances with a probability of 90%; see :class:`~plugin.evaluation.CountIntervals`.
            None where the checkpoint does not tell.
    """

    is_full = False
    interval: tuple[int, int] | None = None

    def __init__(self, detections: Iterable[Detection], classes: Sequence[str], height: int,
                 width: int) -> None:
        super().__init__(
            Instance(one.label, one.score, one.left, one.top, one.mask,
                     classes[one.label], height, width) for one in detections)
        self.classes, self.height, self.width = list(classes), height, width

    def to_coco(self, image_id: int = 1) -> list[dict[str, Any]]:
        """The instances as COCO results, which ``pycocotools`` loads by ``loadRes``.

        Args:
            image_id (int): Id of the image. Defaults to 1.

        Returns:
            list[dict]: ``image_id``, ``category_id`` (from 1 in the order of the classes), ``bbox``
            (left, top, width, height), ``score`` and ``segmentation`` (compressed run lengths) of
            each instance.
        """
        return coco_results(self, self.height, self.width, image_id,
                            range(1, len(self.classes) + 1))

    def to_labelme(self, path: str | Path, *, simplify: float = 1.0) -> dict[str, Any]:
        """The instances as a LabelMe file, for correction.

        Args:
            path (str | Path): Of the image, relative to the folder of the LabelMe file.
            simplify (float): How far outlines may deviate in pixels, so that they have few points
                to correct; 0 keeps every pixel. Defaults to 1.

        Returns:
            dict: To be written as JSON.
        """
        return labelme_results(self, self.classes, self.height, self.width,
                               Path(path).as_posix(), simplify)


def coco_results(detections: Iterable[Detection], height: int, width: int, image_id: int,
                 categories: Sequence[int], **more: Any) -> list[dict[str, Any]]:
    """Entries of a file of COCO results.

    Args:
        detections (Iterable[Detection]): The N instances of an image.
        height (int): H of the image in pixels.
        width (int): W of the image in pixels.
        image_id (int): Id of the image.
        categories (Sequence[int]): Category id of each of the C classes.
        more (Any): Further values of each entry.
    """
    return [dict(image_id=image_id, category_id=categories[one.label], bbox=list(one.box),
                 score=round(one.score, 6), segmentation=one.rle(height, width), **more)
            for one in detections]


def labelme_results(detections: Iterable[Detection], classes: Sequence[str], height: int,
                    width: int, image: str, simplify: float) -> dict[str, Any]:
    """The content of a LabelMe file.

    Args:
        detections (Iterable[Detection]): The N instances of an image.
        classes (Sequence[str]): Names of the C classes.
        height (int): H of the image in pixels.
        width (int): W of the image in pixels.
        image (str): Path of the image relative to the folder of the LabelMe file.
        simplify (float): How far outlines may deviate, in pixels.
    """
    shapes = [shape for number, one in enumerate(detections, start=1)
              for shape in _shapes(one, classes[one.label], number, simplify)]
    return dict(labelme_document(image, height, width, []), shapes=shapes)


def _shapes(detection: Detection, name: str, number: int, simplify: float) -> list[dict]:
    """What LabelMe draws; made within the box, as a large mask takes long."""
    outline = _outline(detection.mask, simplify)
    height, width = detection.mask.shape
    labelled = polygons.Instance(name, outline, detection.score)
    document = labelme_document('', height, width, [labelled])
    return [dict(shape, points=(np.add(shape['points'], (detection.left, detection.top))).tolist(),
                 group_id=shape['group_id'] and number) for shape in document['shapes']]


def _outline(mask: np.ndarray, tolerance: float) -> Any:
    """COCO segmentation of a mask; with few points, as a person will move them."""
    if polygons.has_holes(mask):
        return polygons.mask_to_rle(mask)
    parts = (Polygon(np.reshape(ring, (-1, 2))) for ring in polygons.mask_to_polygons(mask))
    # a small or thin part keeps its form
    simple = (part.simplify(min(tolerance, part.area / part.length / 4)) for part in parts)
    # the last point of shapely's rings is the first one
    return [np.ravel(part.exterior.coords[:-1]).tolist() for part in simple]
