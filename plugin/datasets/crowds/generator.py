"""Sets of crowds, from the images and outlines of any COCO file."""
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import mmcv
import numpy as np

from plugin.utils import UserError, first_few, write_atomically
from plugin.utils.console import progress

from ..labels.coco_file import CocoFile, read_coco
from ..labels.image_files import fullest_folder
from ..labels.polygons import mask_to_rle, to_mask
from .pasting import CutOut, cut_out, paste, vary

ENLARGED = 1.5  # times at most: what is drawn much larger is a blur
HIDDEN = ('ignore', 'drop')


@dataclass
class Crowds:
    """What :func:`make_crowds` wrote.

    Attributes:
        file (Path): The COCO file.
        counts (list[int]): Instances of each of the N images, without those that are ignored.
        pasted (int): Instances that were pasted, into all images together.
        hidden (int): Of these and of those that were there, how many are almost hidden.
        vanished (int): How many are hidden as a whole, or lie outside; these are nowhere.
        cut (int): Outlines of the file that the border of their image cuts, which were not pasted.
    """

    file: Path
    counts: list[int] = field(default_factory=list)
    pasted: int = 0
    hidden: int = 0
    vanished: int = 0
    cut: int = 0


def make_crowds(data: str | Path, out: str | Path, *, images: str | Path | None = None,
                number: int = 50, least: int = 5, most: int = 20, cover: float = 0.8,
                spread: float = 1.5, light: float = 0.2, visible: float = 0.25,
                hidden: str = 'ignore', seed: int = 0, overwrite: bool = False) -> Crowds:
    """Paste the instances of a COCO file into its images until these show crowds.

    Each image is one of the file with what it shows; on it lie ``least`` to ``most`` instances of
    any images of the file, the later ones over the earlier ones, all over the image. The truth is
    what remains visible of each, as run lengths. Nothing else is read, so that crowds of a test
    file hold test instances only; one call a part makes a split set. The same seed gives the same
    images, and more images the same first ones.

    Args:
        data (str | Path): The COCO file of a part, such as ``test.json``.
        out (str | Path): Folder; ``images/<part>_0000.jpg`` and ``<part>.json`` are written there.
        images (str | Path, optional): Folder of the images. Defaults to that of the COCO file, or
            ``images`` in it.
        number (int): Images to make. Defaults to 50.
        least (int): Instances that are pasted into an image at least. Defaults to 5.
        most (int): And at most. Defaults to 20.
        cover (float): Area of the pasted instances together, as a share of the image. Those of an
            image have about one size, which follows from it; none is enlarged by more than 1.5.
            Defaults to 0.8.
        spread (float): Their sides differ from that size by a factor of at most this. Defaults to
            1.5.
        light (float): Their brightness changes by a factor of at most 1 + light. Defaults to 0.2.
        visible (float): An instance of which a smaller share of its pixels is visible is almost
            hidden. Defaults to 0.25.
        hidden (str): What becomes of those: ``'ignore'`` marks them ``iscrowd``, so that they are
            neither learned nor counted, ``'drop'`` leaves them out. Defaults to 'ignore'.
        seed (int): Another seed, other crowds. Defaults to 0.
        overwrite (bool): Replace an older file.

    Returns:
        Crowds: What was written.

    Raises:
        FileExistsError: If the COCO file of the crowds exists already.
        FileNotFoundError: If images are missing.
        UserError: If a value is out of range, or the file has no instance to paste.

    Example:
        >>> from plugin.datasets.crowds import make_crowds
        >>> done = make_crowds('data/barn/annotations/val.json', 'crowds', number=2,
        ...                    images='data/barn/images/val', least=4, most=4, visible=0)
        >>> done.pasted, len(done.counts), done.file.name
        (8, 2, 'val.json')
    """
    _check(number=number, least=least, most=most, cover=cover, spread=spread, visible=visible,
           light=light, hidden=hidden, seed=seed)
    data, out = Path(data), Path(out)
    done = Crowds(out / f'{data.stem}.json')
    if done.file.exists() and not overwrite:
        raise FileExistsError(f'{done.file} exists already: choose another folder, or replace it '
                              'with --overwrite')
    source = _Source(data, None if images is None else Path(images))
    done.cut = source.cut
    entries: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index in progress(range(number), 'crowds', total=number):
        rng = np.random.default_rng([seed, index])
        image, masks, labels = source.background(rng)
        cuts, places = source.crowd(rng, image.shape[:2], int(rng.integers(least, most + 1)),
                                    cover, spread, light)
        pasted = paste(image, masks, cuts, places)
        name = f'{data.stem}_{index:04}.jpg'
        _write_image(out / 'images' / name, pasted.image)
        height, width = image.shape[:2]
        entries.append(dict(id=index + 1, file_name=name, width=width, height=height))
        every = zip(pasted.masks, [*labels, *(cut.label for cut in cuts)], pasted.visible,
                    strict=True)
        found = [_annotation(mask, label, index + 1, share < visible)
                 for mask, label, share in every if share > 0]
        counted = [one for one in found if not one['iscrowd']]
        done.counts.append(len(counted))
        done.pasted += len(cuts)
        done.hidden += len(found) - len(counted)
        done.vanished += len(pasted.masks) - len(found)
        annotations += found if hidden == 'ignore' else counted
    for place, one in enumerate(annotations, start=1):
        one['id'] = place
    content = dict(images=entries, annotations=annotations,
                   categories=source.coco.content['categories'])
    write_atomically(done.file, json.dumps(content))
    return done


class _Source:
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

    def background(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, list[int]]:
        """An image, masks (M, H, W) of what it shows, and their categories."""
        place = int(rng.integers(len(self.coco.images)))
        image, annotations = self._read(place), self.coco.annotations[
            self.coco.images[place]['id']]
        single = [one for one in annotations if not one.get('iscrowd')]
        masks = [to_mask(one['segmentation'], *image.shape[:2]) for one in single]
        return (image, np.array(masks, np.uint8).reshape(-1, *image.shape[:2]),
                [one['category_id'] for one in single])

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


def _annotation(mask: np.ndarray, category: int, image: int, hidden: bool) -> dict[str, Any]:
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    return dict(image_id=image, category_id=category, bbox=[x, y, width, height],
                area=int(mask.sum()), segmentation=mask_to_rle(mask), iscrowd=int(hidden))


def _write_image(path: Path, image: np.ndarray) -> None:
    done, content = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    if not done:
        raise UserError(f'{path} cannot be written as JPEG')
    write_atomically(path, content.tobytes())


def _check(*, number: int, least: int, most: int, cover: float, spread: float, visible: float,
           light: float, hidden: str, seed: int) -> None:
    """Stop at values that make no crowd."""
    limits = [('number', number, 1, 10 ** 6), ('least', least, 1, 10 ** 4),
              ('most', most, least, 10 ** 4), ('cover', cover, 0.01, 10),
              ('seed', seed, 0, 2 ** 63), ('spread', spread, 1, 10), ('visible', visible, 0, 1),
              ('light', light, 0, 1)]
    for name, value, lowest, highest in limits:
        if not lowest <= value <= highest:
            raise UserError(f'{name}={value}: give {lowest} to {highest}')
    if hidden not in HIDDEN:
        raise UserError(f'hidden={hidden!r} is none of {", ".join(HIDDEN)}')
