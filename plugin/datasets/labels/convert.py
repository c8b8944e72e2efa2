"""Labels of any known format turned into one COCO file."""
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from plugin.utils import UserError, first_few

from . import coco, cvat, labelme, via, yolo
from .coco_builder import CocoBuilder, LabelFinding, write_coco
from .coco_images import folder_of_images
from .image_files import is_image
from .json_file import try_json
from .label_files import ReadOptions, walk
from .label_names import LabelNames
from .regions import KEY

Reader = Callable[[Sequence[Path], CocoBuilder, ReadOptions], None]
# what reads a format: COCO of any tool, LabelMe, VGG Image Annotator, CVAT, YOLO-seg
FORMATS: Mapping[str, Reader] = dict(
    coco=coco.read, labelme=labelme.read, via=via.read, cvat=cvat.read, yolo=yolo.read)
# options that one format alone has
OWN_OPTIONS = dict(attribute='via', names='yolo', crowds='coco')


class Conversion(NamedTuple):
    """What :func:`convert` wrote.

    Attributes:
        path (Path): The COCO file.
        images (int): Number of images.
        empty (int): Number of those without instances.
        instances (dict[str, int]): Number of instances of each class, in the order of the ids.
        findings (list[LabelFinding]): What was not as it should be, and what was done.
        crowds (int): Number of crowds, which are not among the instances.
        regions (int): Number of regions to ignore, which are neither.
    """

    path: Path
    images: int
    empty: int
    instances: dict[str, int]
    findings: list[LabelFinding]
    crowds: int = 0
    regions: int = 0


class LabelsError(UserError):
    """Labels that are not converted.

    Attributes:
        findings (list[LabelFinding]): What is wrong with them.
    """

    def __init__(self, text: str, findings: Sequence[LabelFinding]) -> None:
        super().__init__(text)
        self.findings = list(findings)


def convert(format: str, sources: str | Path | Sequence[str | Path], out: str | Path, *,
            images: str | Path | None = None, labels: Sequence[str] = (), name: str | None = None,
            negatives: bool = False, strict: bool = False, overwrite: bool = False,
            attribute: str | None = None, names: str | None = None,
            crowds: str | None = None) -> Conversion:
    """Turn labels into one COCO file; the labels are never written to.

    Args:
        format (str): ``coco``, ``labelme``, ``via``, ``cvat`` or ``yolo``; see :data:`FORMATS`.
        sources (str | Path | Sequence): Files with labels, or folders of them.
        out (str | Path): The COCO file to write.
        images (str | Path, optional): Folder of the images, to which their names in the COCO file
            are relative. Defaults to the folder of the labels; of several folders, the one they
            have in common; of COCO files, to where the names in them lie.
        labels (Sequence[str]): Take only these classes, in this order. Defaults to all.
        name (str, optional): Call every instance by this one name.
        negatives (bool): Take images without labels as images without instances.
        strict (bool): Write nothing if anything must be mended or dropped.
        overwrite (bool): Replace an older COCO file.
        attribute (str, optional): VIA: the region attribute that names the class.
        names (str, optional): YOLO: names of the classes 0, 1, ... as ``cow,calf``, or a file.
        crowds (str, optional): COCO: ``single`` takes every annotation that is marked as a crowd
            as one instance, as tools write brush masks; ``keep``, the default, leaves it a crowd.

    Returns:
        Conversion: What was written, and what was found wrong.

    Raises:
        OSError: If a path is missing, or ``out`` must not be replaced.
        LabelsError: If nothing is left of the labels, or ``strict`` forbids to mend them.
        UserError: If an argument is wrong.

    Example:
        >>> from plugin.datasets.labels import convert
        >>> done = convert('labelme', 'data/barn/images/train', 'cattle.json', name='cow')
        >>> list(done.instances), done.path.name
        (['cow'], 'cattle.json')
    """
    read = _reader(format, attribute=attribute, names=names, crowds=crowds)
    paths = [Path(source) for source in
             ([sources] if isinstance(sources, (str, Path)) else sources)]
    out, images = Path(out), None if images is None else Path(images)
    _refuse_to_replace(out, overwrite)
    if format == 'coco' and images is None:
        images = folder_of_images(paths)
    builder = CocoBuilder(_images_folder(paths, images), LabelNames(labels, name))
    read(paths, builder, ReadOptions(images, (out, ), name, attribute, names, crowds))
    # not the folder that several sources have in common: it may hold anything
    _add_unlabelled(builder, [images] if images else _homes(paths), negatives)
    builder.close()
    try:
        content = builder.content()
    except UserError as error:
        raise LabelsError(str(error), builder.findings) from error
    serious = sum(finding.action != 'note' for finding in builder.findings)
    if strict and serious:
        raise LabelsError(f'{serious} of the findings above would change the labels: correct them, '
                          f'or leave --strict away; {out} is not written', builder.findings)
    write_coco(out, content)
    return _counted(out, content, builder.findings)


def _reader(format: str, **options: str | None) -> Reader:
    """What reads a format; stops at an option that the format does not have."""
    if format not in FORMATS:
        raise UserError(f'format={format!r} is none of {", ".join(FORMATS)}')
    for option, owner in OWN_OPTIONS.items():
        if options[option] is not None and format != owner:
            raise UserError(f'{option}={options[option]!r} is for format={owner!r} alone: leave '
                            'it away')
    return FORMATS[format]


def _counted(path: Path, content: Mapping[str, list[dict]],
             findings: list[LabelFinding]) -> Conversion:
    regions = {annotation[KEY] for annotation in content['annotations'] if KEY in annotation}
    crowds = sum(annotation['iscrowd'] and KEY not in annotation
                 for annotation in content['annotations'])
    counts = Counter(annotation['category_id'] for annotation in content['annotations']
                     if not annotation['iscrowd'])
    shown = {annotation['image_id'] for annotation in content['annotations']}
    images = len(content['images'])
    return Conversion(path, images, images - len(shown), {
        category['name']: counts[category['id']] for category in content['categories']}, findings,
        crowds, len(regions))


def _homes(sources: Sequence[Path]) -> list[Path]:
    return [path if path.is_dir() else path.parent for path in sources]


def _images_folder(sources: Sequence[Path], images: Path | None) -> Path:
    """The folder to which names of images are relative."""
    for path in [*sources, *([images] if images else [])]:
        if not path.exists():
            raise FileNotFoundError(f'{path} does not exist: correct the path')
    if images is not None:
        if not images.is_dir():
            raise NotADirectoryError(f'--images {images} is a file: give the folder')
        return images
    folders = _homes(sources)
    if len(folders) == 1:
        return folders[0]
    return Path(os.path.commonpath([os.path.abspath(folder) for folder in folders]))


def _add_unlabelled(builder: CocoBuilder, folders: Sequence[Path], take: bool) -> None:
    """Take images of the folders without labels as negatives, or tell of them."""
    found = {os.path.abspath(path): path for folder in folders for path in walk(folder)}
    bare = [path for path in found.values() if is_image(path) and not builder.has(path)]
    if not bare:
        return
    listed = first_few([os.path.relpath(path, builder.root) for path in bare])
    if take and builder.unplaced:
        builder.report('', 'note', 'images without labels are not taken in spite of '
                       f'--negatives: what was left out may be their labels: {listed}')
    elif take:
        for path in bare:
            image = builder.image(os.path.relpath(path, builder.root), path)
            if image:
                builder.add(image, [])
    else:
        builder.report('', 'note', 'images without labels are not taken (--negatives takes '
                       f'them as images without animals): {listed}')


def _refuse_to_replace(path: Path, overwrite: bool) -> None:
    """Stop before a file is replaced that is not known to be an older result."""
    if path.is_dir():
        raise IsADirectoryError(f'--out {path} is a folder: give the name of a file in it')
    if not path.exists():
        return
    if not overwrite:
        raise FileExistsError(f'{path} exists already: choose another name, or replace it with '
                              '--overwrite')
    content: Any = try_json(path)
    if not isinstance(content, dict) or not {'images', 'annotations', 'categories'} <= {*content}:
        raise FileExistsError(f'{path} is no COCO file, so that it is not replaced in spite of '
                              '--overwrite: choose another name')
