"""A COCO file, or predictions, turned into LabelMe files, one an image."""
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pycocotools import mask as coco_mask

from plugin.utils import UserError, first_few, write_atomically
from plugin.utils.console import progress

from .coco_file import CocoFile, read_coco
from .coco_origin import origin, redrawn
from .image_files import fault_of_file_name
from .json_file import read_json, try_json
from .labelme import labelme_document, labelme_text
from .polygons import Instance, to_rle
from .regions import IGNORE, once, region_number
from .result_entries import by_image, measured


class DrawnImage(NamedTuple):
    """An image (relative to the folder of images), its size in pixels and its instances."""

    file_name: str
    height: int
    width: int
    instances: list[Instance]
    origin: dict[str, Any] | None = None


class LabelMeFiles(NamedTuple):
    """What :func:`to_labelme` wrote.

    Attributes:
        written (list[Path]): The LabelMe files.
        instances (int): Number of instances in them, without crowds and regions to ignore.
        kept (list[Path]): Files that were there already and stay as they are.
        blank (int): Number of predictions without a pixel, which are left out.
        notes (list[str]): What is to be known of the COCO file and of what cannot be drawn.
    """

    written: list[Path]
    instances: int
    kept: list[Path]
    blank: int
    notes: list[str]


def to_labelme(source: str | Path, out: str | Path, *, images: str | Path,
               data: str | Path | None = None, labels: Sequence[str] = (),
               score_thr: float = 0.0, overwrite: bool = False) -> LabelMeFiles:
    """Turn a COCO file, or COCO results, into LabelMe files, one an image.

    An image without instances gets a file without shapes. All is checked before the first file is
    written.

    Args:
        source (str | Path): The COCO file, or the results.
        out (str | Path): Folder for the LabelMe files; may be that of the images.
        images (str | Path): Folder of the images.
        data (str | Path, optional): For results: the COCO file with the images and classes that
            they are about.
        labels (Sequence[str]): For results without ``data``: names of the classes 1, 2, ...
        score_thr (float): For results: leave out what scores less, 0..1. Defaults to 0.
        overwrite (bool): Replace LabelMe files that are there already; without it they stay.

    Returns:
        LabelMeFiles: What was written.

    Raises:
        OSError: If a file is missing, or would be replaced that is none of LabelMe's.
        UserError: If a file is malformed, or does not fit the others.

    Example:
        >>> from plugin.datasets.labels import to_labelme
        >>> done = to_labelme('data/barn/annotations/train.json', 'labelme',
        ...                   images='data/barn/images/train')
        >>> done.written[0].name, len(done.kept)
        ('0000.json', 0)
    """
    source, out, images = Path(source), Path(out), Path(images)
    drawn, blank, notes = _read(source, images, None if data is None else Path(data), labels,
                                score_thr)
    paths = _targets(drawn, out)
    lost = [image.file_name for image in drawn if not os.path.isfile(images / image.file_name)]
    if lost:
        raise FileNotFoundError(f'{images} has no {first_few(lost)}: give the folder of the '
                                'images by --images')
    there = {path for path in paths if os.path.exists(path)}
    if overwrite:
        _refuse_others(there)
        there.clear()
    todo = [pair for pair in zip(drawn, paths, strict=True) if pair[1] not in there]
    for image, path in progress(todo, 'LabelMe'):
        link = Path(os.path.relpath(images / image.file_name, path.parent)).as_posix()
        document = labelme_document(link, image.height, image.width, image.instances,
                                    image.origin)
        write_atomically(path, labelme_text(document))
    return LabelMeFiles([path for _, path in todo],
                        sum(not one.iscrowd and one.label != IGNORE
                            for image, _ in todo for one in image.instances),
                        sorted(there), blank, notes)


def _read(source: Path, images: Path, data: Path | None, labels: Sequence[str],
          score_thr: float) -> tuple[list[DrawnImage], int, list[str]]:
    """Read a COCO file, or results and what they are about; also count what has no pixel."""
    content = read_json(source) if source.is_file() else None
    if not isinstance(content, list):
        coco = read_coco(str(source))
        return _of_file(coco)
    results = by_image(source, images, content, score_thr)
    if data is not None:
        coco = read_coco(str(data))
        return *_drawn(data, coco.images, coco.categories, results), []
    if not labels:
        raise UserError(f'{source} holds results, which do not name the classes: give the '
                        'COCO file they are about by --data, or the names by --labels')
    categories = {name: place for place, name in enumerate(labels, start=1)}
    return *_drawn(source, measured(images, results), categories, results), []


def _of_file(coco: CocoFile) -> tuple[list[DrawnImage], int, list[str]]:
    """The images of a COCO file, such that the way back gives the same annotations."""
    annotations = {number: once(found) for number, found in coco.annotations.items()}
    drawn, _ = _drawn(Path(coco.path), coco.images, coco.categories, annotations)
    notes = [note.sentence for note in coco.notes]
    changed, lost, whole = [], [], []
    for image, entry in zip(drawn, coco.images, strict=True):
        instances = []
        found = annotations[entry['id']]
        lost += [f'annotation {one["id"]} of {image.file_name}' for one in found
                 if not _has_pixels(one, entry)]
        found = [one for one in found if _has_pixels(one, entry)]
        for one, old in zip(found, image.instances, strict=True):
            new = redrawn(old, image.height, image.width)
            instances.append(new)
            if new is not old:
                changed.append(f'annotation {one["id"]} of {image.file_name}')
        whole.append(image._replace(instances=instances, origin=origin(
            entry['id'], coco.content['categories'])))
    if lost:
        notes.append(f'{first_few(lost)}: it covers no pixel and is left out')
    if changed:
        notes.append(f'{first_few(changed)}: a polygon within another of its annotation adds no '
                     'pixel in COCO and would be a hole in LabelMe, or one would change; drawn '
                     'such that the area stays')
    crowds = sum(one.iscrowd for image in drawn for one in image.instances)
    if crowds:
        notes.append(f'{crowds} crowd{"s" * (crowds > 1)} cannot be drawn as such in LabelMe: '
                     'their shapes have the flag iscrowd, by which labelme_to_coco knows them')
    return whole, 0, notes


def _drawn(path: Path, images: Sequence[dict], categories: Mapping[str, int],
           entries: Mapping[Any, list[dict]]) -> tuple[list[DrawnImage], int]:
    """Images with their annotations or results, kept by id or by name of the image."""
    classes = {number: name for name, number in categories.items()}
    absent = set(entries) - {image[key] for image in images for key in ('id', 'file_name')}
    if absent:
        raise UserError(f'{path} has no image {min(map(str, absent))}, for which there are '
                        'results: give the file they are about by --data')
    drawn, blank = [], 0
    for image in images:
        found = [entry for key in ('id', 'file_name') for entry in entries.get(image[key], ())]
        unknown = [entry['category_id'] for entry in found if entry['category_id'] not in classes]
        if unknown:
            raise UserError(f'category {unknown[0]} in {image["file_name"]} has no name: there '
                            f'are {", ".join(f"{k} {v}" for k, v in classes.items())}')
        seen = [entry for entry in found if _has_pixels(entry, image)]
        blank += len(found) - len(seen)
        drawn.append(DrawnImage(image['file_name'], image['height'], image['width'], [
            _instance(entry, classes)
            for entry in seen]))
    return drawn, blank


def _instance(entry: dict, classes: Mapping[int, str]) -> Instance:
    """A region to ignore is of no class, and no crowd of one."""
    if region_number(entry) is not None:
        return Instance(IGNORE, entry['segmentation'])
    return Instance(classes[entry['category_id']], entry['segmentation'], entry.get('score'),
                    bool(entry.get('iscrowd', 0)))


def _has_pixels(entry: dict, image: dict) -> bool:
    """Whether there is something to draw; networks also predict masks without a pixel."""
    if 'score' not in entry and isinstance(entry['segmentation'], list):
        return True  # an outline that was drawn has points, whatever it covers
    try:
        rle = to_rle(entry['segmentation'], image['height'], image['width'])
    except ValueError as error:
        raise UserError(f'a result of {image["file_name"]}: {error}') from error
    return bool(coco_mask.area(rle))


def _targets(drawn: Sequence[DrawnImage], out: Path) -> list[Path]:
    """The LabelMe file of each image.

    Raises:
        UserError: If two images share one, or no file can have its name.
    """
    paths: list[Path] = []
    owners: dict[str, str] = {}
    for image in drawn:
        relative = Path(os.path.normpath(image.file_name)).with_suffix('.json')
        fault = fault_of_file_name(relative.as_posix())
        if fault:
            raise UserError(f'image {image.file_name} would have the LabelMe file {relative.name}, '
                            f'{fault}: rename it')
        if relative.is_absolute() or '..' in relative.parts:
            # the other readers take images that lie elsewhere, too
            relative = Path(relative.name)
        # file systems that ignore case would merge A.json and a.json
        key = relative.as_posix().casefold()
        if key in owners:
            raise UserError(f'images {owners[key]} and {image.file_name} would share the '
                            f'file {relative.as_posix()}: rename one of them')
        owners[key] = image.file_name
        paths.append(out / relative)
    return paths


def _refuse_others(paths: Iterable[Path]) -> None:
    """Stop before a file is replaced that is none of LabelMe's."""
    for path in sorted(paths):
        content = try_json(path)
        if not isinstance(content, dict) or 'shapes' not in content:
            raise FileExistsError(f'{path} is no LabelMe file, so that it is not replaced in spite '
                                  'of --overwrite: choose another --out')
