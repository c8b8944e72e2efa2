"""Sets of crowds, from the images and outlines of any COCO file."""
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from plugin.utils import UserError, write_atomically
from plugin.utils.console import progress

from .pasting import paste
from .source import Source, annotation_of

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
        ignored (int): Regions to ignore and crowds of the images that still show something.
    """

    file: Path
    counts: list[int] = field(default_factory=list)
    pasted: int = 0
    hidden: int = 0
    vanished: int = 0
    cut: int = 0
    ignored: int = 0


def make_crowds(data: str | Path, out: str | Path, *, images: str | Path | None = None,
                number: int = 50, least: int = 5, most: int = 20, cover: float = 0.8,
                spread: float = 1.5, light: float = 0.2, visible: float = 0.25,
                hidden: str = 'ignore', seed: int = 0, overwrite: bool = False) -> Crowds:
    """Paste the instances of a COCO file into its images until these show crowds.

    Each image is one of the file with what it shows; on it lie ``least`` to ``most`` instances of
    any images of the file, the later ones over the earlier ones, all over the image. The truth is
    what remains visible of each, as run lengths; regions to ignore and crowds of the image stay
    such, without what is pasted over them. Nothing else is read, so that crowds of a test
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
    source = Source(data, None if images is None else Path(images))
    done.cut = source.cut
    entries: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index in progress(range(number), 'crowds', total=number):
        rng = np.random.default_rng([seed, index])
        ground = source.background(rng)
        height, width = ground.image.shape[:2]
        cuts, places = source.crowd(rng, (height, width), int(rng.integers(least, most + 1)),
                                    cover, spread, light)
        pasted = paste(ground.image, ground.masks, cuts, places)
        name = f'{data.stem}_{index:04}.jpg'
        _write_image(out / 'images' / name, pasted.image)
        entries.append(dict(id=index + 1, file_name=name, width=width, height=height))
        first, last = len(ground.labels), len(ground.masks)
        single = [*range(first), *range(last, len(pasted.masks))]
        every = zip(pasted.masks[single], [*ground.labels, *(cut.label for cut in cuts)],
                    pasted.visible[single], strict=True)
        found = [annotation_of(mask, label, index + 1, share < visible)
                 for mask, label, share in every if share > 0]
        counted = [one for one in found if not one['iscrowd']]
        done.counts.append(len(counted))
        done.pasted += len(cuts)
        done.hidden += len(found) - len(counted)
        done.vanished += len(single) - len(found)
        annotations += found if hidden == 'ignore' else counted
        for mask, one in zip(pasted.masks[first:last], ground.ignored, strict=True):
            if mask.any():
                done.ignored += 1
                annotations += source.to_ignore(mask, one, index + 1, done.ignored)
    for place, one in enumerate(annotations, start=1):
        one['id'] = place
    content = dict(images=entries, annotations=annotations,
                   categories=source.coco.content['categories'])
    write_atomically(done.file, json.dumps(content))
    return done


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
