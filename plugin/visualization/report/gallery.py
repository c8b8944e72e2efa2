"""Pictures of an evaluation as a report shows them: the worst, the best and some by chance."""
import base64
import hashlib
import io
import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

import numpy as np
from PIL import Image

from plugin.utils import write_atomically
from plugin.visualization.instance_samples import InstanceSample, draw_layers
from plugin.visualization.pictures import Colour, colorize
from plugin.visualization.samples import read_picture

FILE = Path('vis_data') / 'gallery.json'
GROUPS = ('worst', 'best', 'random')
OUTSIDE = np.iinfo(np.uint16).max  # an id without a class in a label map that is kept
WRONG = (214, 39, 70)
QUALITY = 80  # of WebP


class Candidate(NamedTuple):
    """A picture of an evaluation, small enough to be kept and sent to another process.

    Attributes:
        path (str): The picture's file.
        score (float | None): 0 (worst) to 1; None where the truth is not known.
        classes (list[int]): Ids that the truth or the prediction holds, ascending.
        content (bytes | InstanceSample): Label maps as :func:`pack_labels` makes them, or animals.
    """

    path: str
    score: Optional[float]
    classes: List[int]
    content: Union[bytes, InstanceSample]


class Selection:
    """The worst, the best and some random ones among many pictures.

    Which are random depends on their names alone: not on the order, nor on the processes.

    Args:
        number (int): Pictures of each kind. 0 keeps none.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.groups: Dict[str, List[Candidate]] = {group: [] for group in GROUPS}

    def wants(self, path: str, score: Optional[float]) -> bool:
        """Whether a picture of that name and score would be kept."""
        def enters(group: str, kept: List[Candidate]) -> bool:
            key = _key(group, path, score)
            return key is not None and (len(kept) < self.number or key < _key_of(group, kept[-1]))
        return self.number > 0 and any(enters(*entry) for entry in self.groups.items())

    def add(self, *candidates: Candidate) -> None:
        """Keep pictures where they belong; the last of a full group leaves it."""
        for group, kept in self.groups.items():
            fitting = [new for new in candidates if _key_of(group, new) is not None]
            # a sampler that fills its last round shows a picture twice
            different = {candidate.path: candidate for candidate in [*kept, *fitting]}
            ordered = sorted(different.values(), key=lambda one: _key_of(group, one))
            self.groups[group] = ordered[:self.number]

    def pictures(self) -> Dict[str, Candidate]:
        """The different pictures by path, in the order of the groups."""
        return {one.path: one for kept in self.groups.values() for one in kept}


def pack_labels(prediction: np.ndarray, truth: Optional[np.ndarray]) -> bytes:
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
                  path: Union[str, Path]) -> None:
    """Write the pictures of a selection into one file, whole or not at all.

    The file is JSON with ``classes``, ``palette``, ``score`` (what it measures), ``total`` and
    ``pictures``: each has ``name``, ``groups``, ``score`` (0..1 or null), ``classes`` (ids),
    ``text``, ``size`` [H, W] and its layers ``input``, ``truth``, ``prediction`` and ``errors``
    as ``data:`` addresses; layers that there are none of are left out.

    Args:
        selection (Selection): The pictures.
        total (int): Number of pictures that were evaluated.
        classes (Sequence[str]): ``C`` names.
        palette (Sequence): ``C`` colours ``(red, green, blue)``, 0..255.
        score (str): What the score of a picture is, in words.
        longest (int): Longest side of a picture, in pixels.
        path (str | Path): The file.

    Raises:
        OSError: If a picture cannot be read or the file cannot be written.
    """
    entries = []
    for picture in selection.pictures().values():
        layers = (_animal_layers if isinstance(picture.content, InstanceSample)
                  else _label_layers)(picture, palette, longest)
        entries.append(dict(
            name=Path(picture.path).name, score=picture.score, classes=picture.classes,
            groups=[group for group in GROUPS
                    if any(one.path == picture.path for one in selection.groups[group])],
            **layers))
    content = dict(classes=list(classes), palette=[list(map(int, colour)) for colour in palette],
                   score=score, total=total, pictures=entries)
    write_atomically(path, json.dumps(content, ensure_ascii=False, allow_nan=False))


def _label_layers(picture: Candidate, palette: Sequence[Colour], longest: int) -> Dict[str, Any]:
    with Image.open(io.BytesIO(picture.content)) as file:
        both = np.asarray(file).astype(np.int64)
    height, width = len(both) // 2, both.shape[1]
    prediction, truth = both[:height], both[height:]
    layers = dict(size=[height, width], text='',
                  input=_address(read_picture(picture.path, height, width)),
                  prediction=_painted(prediction, palette))
    if picture.score is not None:
        wrong = np.where((truth != OUTSIDE) & (truth != prediction), 0, OUTSIDE)
        layers.update(truth=_painted(truth, palette), errors=_painted(wrong, [WRONG]))
    return layers


def _animal_layers(picture: Candidate, palette: Sequence[Colour], longest: int) -> Dict[str, Any]:
    sample = picture.content
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
    """A picture ``(H, W, 3 or 4)`` as a ``data:`` address that holds it."""
    with io.BytesIO() as file:
        Image.fromarray(image).save(file, 'WEBP', quality=QUALITY, lossless=lossless)
        return f'data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}'


def _key(group: str, path: str, score: Optional[float]) -> Optional[tuple]:
    """Place of a picture in a group, lowest first; None for none."""
    if group == 'random':
        return hashlib.sha1(path.encode('utf-8', 'surrogateescape')).digest(), path
    if score is None:
        return None
    return score if group == 'worst' else -score, path


def _key_of(group: str, candidate: Candidate) -> Optional[tuple]:
    return _key(group, candidate.path, candidate.score)
