"""The images and instances of which crowds are made."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import mmcv
import numpy as np

from plugin.utils import UserError, first_few

from ..labels.coco_file import CocoFile, read_coco
from ..labels.image_files import fullest_folder
from ..labels.polygons import mask_to_rle, to_mask
from ..labels.regions import KEY, once, region_number
from .pasting import CutOut, cut_out, vary

ENLARGED = 1.5  # times at most: what is drawn much larger is a blur


class Background(NamedTuple):
    """An image into which instances are pasted.

    Attributes:
        image (np.ndarray): uint8 (H, W, channels).
        masks (np.ndarray): uint8 (M + R, H, W), of M instances and of R areas to ignore.
        labels (list[int]): Categories of the M instances.
        ignored (list[dict]): Annotations of the R areas, a region to ignore once.
    """

    image: np.ndarray
    masks: np.ndarray
    labels: list[int]
    ignored: list[dict[str, Any]]


class Source:
    """The images and instances of a COCO file.

    Args:
        data (Path): The file.
        images (Path, optional): Where its images lie.
    """

    def __init__(self, data: Path, images: Path | None) -> None:
        self.coco: CocoFile = read_coco(str(data), absent=f'{data} is no file: give a COCO file '
                                        'with outlines')
        names = [image['file_name'] for image in self.coco.images]
        self._folder, absent = fullest_folder(
            names, [images] if images else [data.parent, data.parent / 'images'])
        if absent:
            raise FileNotFoundError(f'{len(absent)} of {len(names)} images are not in '
                                    f'{self._folder} ({first_few(absent)}): give their folder as '
                                    '--images')
        whole: list[tuple[int, dict[str, Any]]] = []
        cut: list[tuple[int, dict[str, Any]]] = []
        for place, image in enumerate(self.coco.images):
            for one in self.coco.annotations[image['id']]:
                x, y, width, height = one['bbox']
                touches = (x < 1 or y < 1 or x + width > image['width'] - 1
                           or y + height > image['height'] - 1)
                if not one.get('iscrowd') and min(width, height) >= 8:
                    (cut if touches else whole).append((place, one))
        # an animal that the border cuts in two would have a straight edge in the crowd
        self._instances, self.cut = (whole, len(cut)) if whole else (cut, 0)
        if not self._instances:
            raise UserError(f'{data} has no outline of 8 pixels or more to paste: give one that '
                            'shows animals')

    def background(self, rng: np.random.Generator) -> Background:
        """One of the images, with what it shows."""
        place = int(rng.integers(len(self.coco.images)))
        image, annotations = self._read(place), self.coco.annotations[
            self.coco.images[place]['id']]
        single = [one for one in annotations if not one.get('iscrowd')]
        ignored = [one for one in once(annotations) if one.get('iscrowd')]
        masks = [to_mask(one['segmentation'], *image.shape[:2]) for one in [*single, *ignored]]
        return Background(image, np.array(masks, np.uint8).reshape(-1, *image.shape[:2]),
                          [one['category_id'] for one in single], ignored)

    def to_ignore(self, mask: np.ndarray, annotation: dict[str, Any], image: int,
                  number: int) -> list[dict[str, Any]]:
        """What is left of an area to ignore: a crowd of its category, or a region of all.

        Args:
            mask (np.ndarray): bool (H, W).
            annotation (dict): As it was.
            image (int): Id of the image it is in now.
            number (int): A number of its own among the regions.
        """
        if region_number(annotation) is None:
            return [annotation_of(mask, annotation['category_id'], image, True)]
        return [dict(annotation_of(mask, category, image, True), **{KEY: number})
                for category in self.coco.categories.values()]

    def crowd(self, rng: np.random.Generator, size: Sequence[int], number: int, cover: float,
              spread: float, light: float) -> tuple[list[CutOut], list[tuple[int, int]]]:
        """Instances for an image of ``(H, W)``, and where they lie."""
        area = size[0] * size[1] * cover / number
        cuts: list[CutOut] = []
        places: list[tuple[int, int]] = []
        while len(cuts) < number:
            place, one = self._instances[int(rng.integers(len(self._instances)))]
            image = self._read(place)
            cut = cut_out(image, to_mask(one['segmentation'], *image.shape[:2]),
                          one['category_id'])
            scale, at = spread ** rng.uniform(-1, 1), rng.integers(0, [size[1], size[0]])
            if cut is not None:
                scale = min(ENLARGED, scale * (area / cut.mask.sum()) ** 0.5)
                cuts.append(vary(cut, rng, scale=scale, light=light))
                places.append((int(at[0]), int(at[1])))
        return cuts, places

    def _read(self, place: int) -> np.ndarray:
        """The pixels of an image, as a training reads them."""
        entry = self.coco.images[place]
        path = self._folder / entry['file_name']
        image = mmcv.imfrombytes(path.read_bytes(), flag='color')
        if image is None or image.shape[:2] != (entry['height'], entry['width']):
            found = 'no image' if image is None else f'{image.shape[1]}x{image.shape[0]}'
            raise UserError(f'{path} is {found}, and the COCO file says {entry["width"]}x'
                            f'{entry["height"]}: convert the labels again')
        return image


def annotation_of(mask: np.ndarray, category: int, image: int, is_crowd: bool) -> dict[str, Any]:
    """What is seen of an instance, bool (H, W), as an annotation of a COCO file without an id."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    return dict(image_id=image, category_id=category, bbox=[x, y, width, height],
                area=int(mask.sum()), segmentation=mask_to_rle(mask), iscrowd=int(is_crowd))
