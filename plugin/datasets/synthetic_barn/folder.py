"""Writes a folder of scenes: images, labels, and a stamp file once the set is complete."""
import json
import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from plugin.utils import UserError, write_atomically

from ..labels.coco_builder import write_coco
from .drawing import alone, check_jobs, run_all
from .labels import coco_file, labelme_json, palette_png
from .scene import draw_scene

STAMP, STARTED = 'barn.json', 'barn.partial.json'
# raised when the same seed gives another image than before
DRAWING = 1
# in label maps: what is not labelled, and what lies below the animals
IGNORED, GROUND = 255, 0
_FOLDERS = ('images/train', 'images/val', 'images/unlabeled', 'labels/train', 'labels/val',
            'annotations')
_OURS = re.compile(r'\d{4,}\.(jpg|json|png)')
_HALF_WRITTEN = re.compile(r'\.(\d{4,}|barn(\.partial)?|train|val)\..*')


def check_zoom(zoom: float) -> None:
    """Refuse a size of the animals that cannot be drawn, with a :class:`UserError`."""
    if not 0.25 <= zoom <= 2:
        raise UserError(f'zoom={zoom} cannot be drawn; give a number from 0.25 to 2')


@dataclass(frozen=True)
class BarnSpec:
    """What a barn set consists of.

    Args:
        scenes (int): Number of labelled images.
        val (float): Share of them that is kept for validation, at least one if above 0.
        size (tuple[int, int]): H, W of the images in pixels, each in 64..4096.
        seed (int): The same seed gives the same images.
        unlabeled (int): Number of images without labels.
        covered (float): Share of the animals of the training images that are not outlined but lie
            in a region to ignore, 0 to 1.
        omitted (float): Share of them that are neither outlined nor covered: mistakes of a person.
            With the same seed, a smaller share is part of a larger one, and of ``covered``.
        zoom (float): Size of the animals; below 1 they are smaller and more, 0.25 to 2.

    Raises:
        UserError: If a value makes no set.
    """

    scenes: int = 200
    val: float = 0.2
    size: tuple[int, int] = (256, 256)
    seed: int = 0
    unlabeled: int = 0
    covered: float = 0.0
    omitted: float = 0.0
    zoom: float = 1.0

    def __post_init__(self) -> None:
        if self.scenes < 1:
            raise UserError(f'scenes={self.scenes} makes no data set; ask for at least 1')
        if not 0 <= self.val < 1:
            raise UserError(f'val={self.val} is no share; give a number from 0 to below 1')
        if not all(64 <= side <= 4096 for side in self.size):
            raise UserError(f'size {self.size[0]}x{self.size[1]} cannot be drawn; '
                            'each side must be from 64 to 4096 pixels')
        if self.seed < 0:
            raise UserError(f'seed={self.seed} is negative; give 0 or more')
        check_zoom(self.zoom)
        if self.unlabeled < 0:
            raise UserError(f'unlabeled={self.unlabeled} is negative; give 0 or more')
        for name in ('covered', 'omitted'):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f'{name}={getattr(self, name)} is no share of the animals; give a '
                                'number from 0 to 1')
        if self.covered and self.omitted:
            raise UserError(f'covered={self.covered} and omitted={self.omitted} take the same '
                            'animals; give one of them')

    def stamp(self) -> dict[str, object]:
        """The values as they are written to the stamp."""
        # a set of an earlier version, which knew no such values, is the same as one without
        shares = {name: getattr(self, name) for name in ('covered', 'omitted')
                  if getattr(self, name)}
        if self.zoom != 1:
            shares['zoom'] = self.zoom
        return dict(drawing=DRAWING, scenes=self.scenes, val=self.val, size=list(self.size),
                    seed=self.seed, unlabeled=self.unlabeled, **shares)

    def not_outlined(self, split: str, number: int, animals: int) -> set[int]:
        """Numbers 1, 2, ... of those of the animals of a scene that have no outline."""
        share = max(self.covered, self.omitted)
        if split != 'train' or not share:
            return set()
        seed = np.random.SeedSequence(self.seed, spawn_key=(2, number))
        chances = np.random.default_rng(seed).random(animals)
        return {animal for animal, chance in enumerate(chances, start=1) if chance < share}

    def members(self) -> list[tuple[str, int]]:
        """Split and number of every image; the last scenes are those for validation."""
        held_out = max(round(self.scenes * self.val), 1) if self.val and self.scenes > 1 else 0
        first = self.scenes - held_out
        return [('val' if k >= first else 'train', k) for k in range(self.scenes)] \
            + [('unlabeled', k) for k in range(self.unlabeled)]


def _files(root: Path, split: str, number: int) -> list[Path]:
    image = root / 'images' / split / f'{number:04d}.jpg'
    if split == 'unlabeled':
        return [image]
    return [image, image.with_suffix('.json'), root / 'labels' / split / f'{number:04d}.png']


def write_scene(root: Path, spec: BarnSpec, split: str, number: int) -> None:
    """Draw one member of a set and write its files; an unlabelled one has only its image."""
    # scene k is the same whatever the number of scenes and of processes
    seed = np.random.SeedSequence(spec.seed, spawn_key=(int(split == 'unlabeled'), number))
    scene = draw_scene(seed, spec.size, spec.zoom)
    quality = 82 + int(seed.generate_state(1)[0] % 14)
    good, image = cv2.imencode('.jpg', scene.image[..., ::-1],
                                 (cv2.IMWRITE_JPEG_QUALITY, quality))
    if not good:
        raise RuntimeError(f'OpenCV could not encode scene {number} as JPEG')
    paths = _files(root, split, number)
    if split != 'unlabeled':
        lost = spec.not_outlined(split, number, int(scene.animals.max()))
        covered, omitted = (lost, set()) if spec.covered else (set(), lost)
        write_atomically(paths[1], labelme_json(scene, paths[0].name, covered, omitted))
        labels = scene.labels.copy()
        labels[np.isin(scene.animals, list(lost))] = IGNORED if spec.covered else GROUND
        write_atomically(paths[2], palette_png(labels))
    write_atomically(paths[0], image.tobytes())


def _annotations(root: Path) -> dict[str, Path]:
    """The COCO file of each split."""
    return {split: root / 'annotations' / f'{split}.json' for split in ('train', 'val')}


def _write_annotations(root: Path, spec: BarnSpec) -> None:
    """Gather the LabelMe files of each split in a COCO file, unless it is there."""
    for split, path in _annotations(root).items():
        files = [_files(root, *member)[1] for member in spec.members() if member[0] == split]
        if files and not path.exists():
            write_coco(path, coco_file(root / 'images' / split, files))


def _read_stamp(root: Path) -> dict[str, object] | None:
    for name in (STAMP, STARTED):
        path = root / name
        if path.exists():
            try:
                stamp = json.loads(path.read_text(encoding='utf-8'))
            except ValueError:
                stamp = None
            if not isinstance(stamp, dict):
                raise UserError(f'{path} is not the stamp of a barn set; '
                                'choose another folder, or move that file away')
            return stamp
    return None


def _refuse_others(root: Path, spec: BarnSpec, overwrite: bool) -> None:
    """Stop unless the folder is empty, holds this very set, or may be overwritten."""
    stamp = _read_stamp(root)
    if stamp is None:
        others = sorted(path.name for path in root.iterdir()
                        if not _HALF_WRITTEN.fullmatch(path.name))
        if others:
            raise FileExistsError(f'{root} holds {others[0]!r}, which is no part of a barn set; '
                                  'choose an empty or a new folder')
        return
    if stamp == spec.stamp():
        return
    if not overwrite:
        changed = [f'{key}={stamp.get(key)} (asked for: {value})'
                   for key, value in spec.stamp().items() if stamp.get(key) != value]
        raise FileExistsError(f'{root} holds a barn set with {", ".join(changed)}; '
                              'choose another folder, or replace the set with --overwrite')


def _clear(root: Path, everything: bool) -> None:
    """Remove half-written files, or all that this module writes; other files stay."""
    for folder in [root, *(root / name for name in _FOLDERS)]:
        for path in folder.iterdir() if folder.is_dir() else ():
            if _HALF_WRITTEN.fullmatch(path.name) \
                    or everything and folder != root and _OURS.fullmatch(path.name):
                path.unlink()
    for path in _annotations(root).values() if everything else ():
        path.unlink(missing_ok=True)


def make_barn(root: Path, spec: BarnSpec, jobs: int = 1, overwrite: bool = False) -> int:
    """Write a barn set, or what is missing of it.

    The folder holds ``images/{train,val}/NNNN.jpg`` with a LabelMe ``NNNN.json`` beside each,
    ``labels/{train,val}/NNNN.png`` (ids 0..3 of :data:`CLASSES`), ``annotations/{train,val}.json``
    (COCO, one class), ``images/unlabeled/NNNN.jpg`` and, when all is there, the stamp
    ``barn.json``.

    Args:
        root (Path): The folder; it is made if missing.
        spec (BarnSpec): What to draw.
        jobs (int): Number of processes.
        overwrite (bool): Replace a barn set of other values. Files that are
            no part of a barn set are never touched.

    Returns:
        int: Number of images drawn; 0 if the set was complete.

    Raises:
        FileExistsError: If the folder holds something else.
        UserError: If ``jobs`` is below 1.
    """
    check_jobs(jobs)
    root = Path(root)
    with alone(root):
        _refuse_others(root, spec, overwrite)
        # the old stamp is removed last: without images, it still marks the folder as ours
        _clear(root, everything=overwrite)
        tasks = [(root, spec, *member) for member in spec.members()
                 if not all(path.exists() for path in _files(root, *member))]
        if not tasks and (root / STAMP).exists():
            # a set of an earlier version has no COCO files yet
            _write_annotations(root, spec)
            return 0
        write_atomically(root / STARTED, json.dumps(spec.stamp()) + '\n')
        (root / STAMP).unlink(missing_ok=True)
        for path in _annotations(root).values():
            path.unlink(missing_ok=True)
        _run(tasks, jobs)
        _write_annotations(root, spec)
        write_atomically(root / STAMP, json.dumps(spec.stamp()) + '\n')
        (root / STARTED).unlink()
    return len(tasks)


def _write_star(task: tuple) -> None:
    write_scene(*task)


def _run(tasks: list[tuple], jobs: int) -> None:
    run_all(_write_star, tasks, jobs)
