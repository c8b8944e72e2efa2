"""The images of an evaluation in a report: the worst, the best and some at random."""
import base64
import hashlib
import io
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from plugin.utils import write_atomically
from plugin.utils.images import open_image
from plugin.utils.numbers import jsonable
from plugin.utils.text import LONGEST_NAME

from ..images import colorize
from ..instance_samples import InstanceSample, draw_layers
from ..palettes import Colour, check_palette
from ..samples import read_image

ADDRESS = 'data:image/webp;base64,'
FILE = Path('vis_data') / 'gallery.json'
GROUPS = ('worst', 'best', 'random')
OUTSIDE = np.iinfo(np.uint16).max  # an id without a class in a label map that is kept
WRONG = (214, 39, 70)
QUALITY = 80  # of WebP


class Candidate(NamedTuple):
    """An image of an evaluation, small enough to be kept and sent to another process.

    Attributes:
        path (str): The image's file.
        score (float | None): 0 (worst) to 1; None where the truth is not known.
        classes (list[int]): Ids that the truth or the prediction holds, ascending.
        content (bytes | InstanceSample): Label maps as :func:`pack_labels` makes them, or
            instances.
    """

    path: str
    score: float | None
    classes: list[int]
    content: bytes | InstanceSample


class Selection:
    """Selects the worst, the best and some random ones of many images.

    The random ones depend on the names of all images alone, not on their order or the processes.

    Args:
        number (int): Images of each kind. 0 keeps none.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.groups: dict[str, list[Candidate]] = {group: [] for group in GROUPS}

    def wants(self, path: str, score: float | None) -> bool:
        """Whether an image of that name and score would be kept."""
        def enters(group: str, kept: list[Candidate]) -> bool:
            if group != 'random' and score is None:
                return False
            return len(kept) < self.number or _key(group, path, score) < _key_of(group, kept[-1])
        return self.number > 0 and any(enters(*entry) for entry in self.groups.items())

    def add(self, *candidates: Candidate) -> None:
        """Insert images into their groups; the last one of a full group is dropped."""
        for group, kept in self.groups.items():
            fitting = [new for new in candidates if group == 'random' or new.score is not None]
            # a sampler may repeat images to fill its last round
            different = {candidate.path: candidate for candidate in [*kept, *fitting]}
            ordered = sorted(different.values(), key=partial(_key_of, group))
            self.groups[group] = ordered[:self.number]

    def images(self) -> dict[str, Candidate]:
        """The different images by path, in the order of the groups."""
        return {one.path: one for kept in self.groups.values() for one in kept}


def pack_labels(prediction: np.ndarray, truth: np.ndarray | None) -> bytes:
    """Keep two label maps in little memory.

    Args:
        prediction (np.ndarray): Class ids ``(H, W)``.
        truth (np.ndarray, optional): The same; ids outside 0..65534 have no class.

    Returns:
        bytes: A PNG of 16 bits with the prediction above the truth.
    """
    truth = np.full_like(prediction, -1) if truth is None else truth
    both = np.concatenate([prediction, truth]).astype(np.int64)
    both = np.where((both < 0) | (both > OUTSIDE), OUTSIDE, both).astype(np.uint16)
    with io.BytesIO() as file:
        Image.fromarray(both).save(file, 'PNG')
        return file.getvalue()


def write_gallery(selection: Selection, total: int, classes: Sequence[str],
                  palette: Sequence[Colour], score: str, longest: int,
                  path: str | Path, name: Callable[[str], str] | None = None) -> None:
    """Write the images of a selection into one file, whole or not at all.

    The file is JSON with ``classes``, ``palette``, ``score`` (what it measures), ``total`` and
    ``images``: each has ``name``, ``groups``, ``score`` (0..1 or null), ``classes`` (ids),
    ``text``, ``size`` [H, W] and its layers ``input``, ``truth``, ``prediction`` and ``errors``
    as ``data:`` addresses; layers that there are none of are left out.

    Args:
        selection (Selection): The images.
        total (int): Number of images that were evaluated.
        classes (Sequence[str]): ``C`` names.
        palette (Sequence): ``C`` colours ``(red, green, blue)``, 0..255.
        score (str): What the score of an image is, in words.
        longest (int): Longest side of an image, in pixels.
        path (str | Path): The file.
        name (callable, optional): What the image of a path is called. Defaults to its last part.

    Raises:
        OSError: If an image cannot be read or the file cannot be written.
        UserError: If the palette is none.
    """
    if palette:
        check_palette(palette)
    entries = []
    for image in selection.images().values():
        if isinstance(image.content, InstanceSample):
            layers = _instance_layers(image.content, longest)
        else:
            layers = _label_layers(image, image.content, palette)
        entries.append(dict(
            name=(name(image.path) if name else Path(image.path).name)[-LONGEST_NAME:],
            score=image.score, classes=image.classes,
            groups=[group for group in GROUPS
                    if any(one.path == image.path for one in selection.groups[group])],
            **layers))
    content = jsonable(dict(
        classes=list(classes), palette=[list(map(int, colour)) for colour in palette],
        score=score, total=total, pictures=entries))
    write_atomically(path, json.dumps(content, ensure_ascii=False, allow_nan=False))


def _label_layers(image: Candidate, content: bytes, palette: Sequence[Colour]) -> dict[str, Any]:
    with open_image(io.BytesIO(content)) as file:
        both = np.asarray(file).astype(np.int64)
    height, width = len(both) // 2, both.shape[1]
    prediction, truth = both[:height], both[height:]
    layers = dict(size=[height, width], text='',
                  input=_address(read_image(image.path, height, width)),
                  prediction=_painted(prediction, palette))
    if image.score is not None:
        wrong = np.where((truth != OUTSIDE) & (truth != prediction), 0, OUTSIDE)
        layers.update(truth=_painted(truth, palette), errors=_painted(wrong, [WRONG]))
    return layers


def _instance_layers(sample: InstanceSample, longest: int) -> dict[str, Any]:
    drawn = draw_layers(sample, longest)
    found = f'{len(sample.prediction)} found'
    text = found if sample.truth is None else f'{len(sample.truth)} there, {found}'
    return dict(size=list(drawn['input'].shape[:2]), text=text,
                **{name: _address(layer) for name, layer in drawn.items()})


def _painted(labels: np.ndarray, palette: Sequence[Colour]) -> str:
    """Colours of a label map, transparent where it has no class."""
    alpha = np.where(labels < len(palette), 255, 0).astype(np.uint8)
    return _address(np.dstack([colorize(labels, palette), alpha]), lossless=True)


def _address(image: np.ndarray, lossless: bool = False) -> str:
    """An image ``(H, W, 3 or 4)`` as a ``data:`` address."""
    with io.BytesIO() as file:
        Image.fromarray(image).save(file, 'WEBP', quality=QUALITY, lossless=lossless)
        return f'{ADDRESS}{base64.b64encode(file.getvalue()).decode()}'


def _key(group: str, path: str, score: float | None) -> tuple[Any, str]:
    """Sorting key of an image in a group; 'worst' and 'best' need a score."""
    if group == 'random':
        return hashlib.sha1(path.encode('utf-8', 'surrogateescape')).digest(), path
    assert score is not None
    return score if group == 'worst' else -score, path


def _key_of(group: str, candidate: Candidate) -> tuple[Any, str]:
    return _key(group, candidate.path, candidate.score)
