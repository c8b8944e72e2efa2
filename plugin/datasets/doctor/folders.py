"""Data without a config: a folder of images and labels, of LabelMe files, or a COCO file."""
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from plugin.utils import UserError

from ..labels.coco_builder import CocoBuilder, ImageEntry
from ..labels.coco_remarks import bare_classes
from ..labels.image_files import IMAGE_SUFFIXES, fullest_folder, is_image
from ..labels.json_file import read_json, try_json
from ..labels.label_files import walk
from ..labels.labelme import read_labelme
from ..labels.regions import IGNORE
from ..labels.shapes import Shape, label_key
from ..unlabeled import UnlabeledDataset
from .findings import Report
from .looking import Looker
from .parts import UNLABELED, DataPart, Outline
from .reading import read_parts
from .seen import Entry

Leaf = tuple[str, str, dict]
LOAD = dict(type='LoadImageFromFile')
PIPELINE = [LOAD, dict(type='mmseg.LoadAnnotations')]
# names of folders and files for what they hold; what is called otherwise is trained on
ROLES = dict(train='train', training='train', labeled='train', val='val', valid='val',
             validation='val', test='test', testing='test', unlabeled=UNLABELED,
             unlabelled=UNLABELED)
LABEL_FOLDERS = ('labels', 'masks', 'annotations')
SEVERITIES = {'left out': 'error', 'dropped': 'warning', 'mended': 'warning', 'split': 'warning'}


def read_bare(path: Path, images: Path | None, report: Report) -> list[DataPart]:
    """Find out what a folder or a file holds.

    Known are ``images`` beside ``labels`` (or ``masks``, ``annotations``), both perhaps divided
    into ``train``, ``val``, ...; the layout of PASCAL VOC; COCO files with their images beside
    them, in ``images`` or in a folder named after the file; LabelMe files; images alone.

    Args:
        path (Path): The folder, or a COCO file.
        images (Path, optional): Where the images of COCO files and LabelMe files lie.
        report (Report): Takes what is wrong with lists and files of annotations.

    Returns:
        list[DataPart]: Its parts.

    Raises:
        FileNotFoundError: If it does not exist, or holds no image.
        UserError: If a file is no COCO file.
    """
    if path.is_file():
        if not isinstance(read_json(path), dict) or not _is_coco(path):
            raise UserError(f'{path} is no COCO file of instances: give a config, a folder or a '
                            'COCO file')
        return read_parts([_coco_leaf(path, images, 'train')], report)
    if not path.is_dir():
        raise FileNotFoundError(f'{path} does not exist: give a config, a folder or a COCO file')
    leaves = _voc_leaves(path) or _map_leaves(path, report) or _coco_leaves(path, images, report)
    if leaves:
        parts = read_parts(leaves, report)
        # nobody told the names of the classes of label maps
        return [part if part.outlines is not None else _without_classes(part) for part in parts]
    if any(file.suffix.lower() == '.json' for file in walk(path)):
        return [_labelme_part(path, images, report)]
    if any(is_image(file) for file in walk(path)):
        return read_parts([(UNLABELED, path.name, dict(
            type='mmseg.UnlabeledDataset', data_root=str(path), pipeline=[LOAD]))], report)
    raise FileNotFoundError(f'{path} holds no image ({", ".join(IMAGE_SUFFIXES)}): give the '
                            'folder that holds images and labels')


def _without_classes(part: DataPart) -> DataPart:
    return replace(part, classes=(), palette=[])


def _role(name: str) -> str:
    return ROLES.get(name.lower(), 'train')


def _leaf(root: Path, name: str, **more: Any) -> Leaf:
    # a name for each id but the one that is ignored, so that all of them are counted
    classes = tuple(f'id {number}' for number in range(255))
    return _role(name), name, dict(
        type='mmseg.SegFolderDataset', data_root=str(root), metainfo=dict(classes=classes),
        pipeline=PIPELINE, **more)


def _voc_leaves(root: Path) -> list[Leaf]:
    lists = root / 'ImageSets/Segmentation'
    prefix = dict(img_path='JPEGImages', seg_map_path='SegmentationClass')
    if not all((root / folder).is_dir() for folder in prefix.values()):
        return []
    # trainval is the two others together
    listed = [_leaf(root, name, ann_file=f'ImageSets/Segmentation/{name}.txt', data_prefix=prefix)
              for name in ('train', 'val', 'test') if (lists / f'{name}.txt').is_file()]
    return listed or [_leaf(root, root.name, data_prefix=prefix)]


def _map_leaves(root: Path, report: Report) -> list[Leaf]:
    labels = next((name for name in LABEL_FOLDERS if (root / name).is_dir()), None)
    if labels is None or not (root / 'images').is_dir():
        return []
    names = sorted(one.name for one in (root / 'images').iterdir()
                   if any(is_image(file) for file in walk(one)))
    both = [name for name in names if (root / labels / name).is_dir()]
    if not both:
        return [_leaf(root, root.name, data_prefix=dict(img_path='images', seg_map_path=labels))]
    bare = [name for name in names if name not in both]
    forgotten = [f'images/{name}' for name in bare if _role(name) != UNLABELED]
    if forgotten:
        report.add('warning', 'label-missing', f'the folder {forgotten[0]} has none beside it in '
                   f'{labels}', forgotten, 'label its images, or call it unlabeled')
    return [
        *(_leaf(root, name, data_prefix=dict(img_path=f'images/{name}',
                                             seg_map_path=f'{labels}/{name}')) for name in both),
        *((UNLABELED, name, dict(type='mmseg.UnlabeledDataset', data_root=str(root),
                                 data_prefix=dict(img_path=f'images/{name}'), pipeline=[LOAD]))
          for name in bare)]


def _coco_leaves(root: Path, images: Path | None, report: Report) -> list[Leaf]:
    files = [path for path in sorted(root.glob('*.json')) if _is_coco(path)]
    known = [path for path in files if path.stem.lower() in ROLES]
    others = [path for path in files if path not in known]
    if known and others:
        report.add('note', 'file-not-used', f'{others[0].name} is not looked at: '
                   f'{known[0].name} and its like are the parts', [one.name for one in others])
    return [_coco_leaf(path, images, path.stem) for path in known or files]


def _coco_leaf(path: Path, images: Path | None, name: str) -> Leaf:
    content = read_json(path)
    names = [str(one.get('file_name')) for one in content['images'] if isinstance(one, dict)]
    root = path.parent
    folders = [images] if images else [root / 'images', root / path.stem, root,
                                       root / 'images' / path.stem]
    folder, _ = fullest_folder(names, folders)
    skip, classes = bare_classes(content)
    return _role(name), name, dict(
        type='mmdet.CattleDataset', data_root=str(root), metainfo=dict(classes=classes),
        skip_categories=skip, ann_file=path.name, pipeline=[LOAD],
        data_prefix=dict(img=os.path.abspath(folder)))


def _is_coco(path: Path) -> bool:
    content = try_json(path)
    return isinstance(content, dict) and isinstance(content.get('images'), list)


class _RawBuilder(CocoBuilder):
    """Gathers images and shapes as they were drawn, mending nothing."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.drawn: list[tuple[ImageEntry, list[Shape]]] = []

    def add(self, image: ImageEntry, shapes: Any, **_: Any) -> None:
        """Take the shapes of an image, and report what is no outline."""
        taken = self.take(image, shapes)
        for shape in taken:
            if shape.fault:
                self.report(image.source, 'dropped', shape.fault, shape.name)
        self.drawn.append((image, [shape for shape in taken if not shape.fault]))


def _labelme_part(root: Path, images: Path | None, report: Report) -> DataPart:
    """Read LabelMe files and the images beside them."""
    builder = _RawBuilder(images or root)
    files = [file for file in walk(root) if file.suffix.lower() == '.json']
    read_labelme(files, builder, [images] if images else [])
    builder.close()
    _report_files(builder, report)
    _report_regions(builder, report)
    bare = [os.path.relpath(path, builder.root) for path in walk(builder.root)
            if is_image(path) and not builder.has(path)]
    if bare:
        report.add('warning', 'label-missing', f'image {bare[0]} has no LabelMe file', bare,
                   'label it, or move it to a folder of unlabelled images')
    if not builder.drawn:
        raise UserError(f'{root} holds no LabelMe file with its image: give a config, a folder '
                        'of labelled images or a COCO file')
    dataset = UnlabeledDataset(data_root=str(builder.root), pipeline=[LOAD], lazy_init=True)
    classes: dict[str, str] = {}
    for _, shapes in builder.drawn:
        for shape in shapes:
            if shape.label != IGNORE:
                classes.setdefault(label_key(shape.label), shape.label)
    order = list(classes)
    outlines = [_outlines(image, shapes, order) for image, shapes in builder.drawn]
    entries = [Entry(str(builder.root / image.file_name), size=(image.height, image.width))
               for image, _ in builder.drawn]
    return DataPart(root.name, 'train', Looker(dataset), entries, tuple(classes.values()), outlines)


def _outlines(image: ImageEntry, shapes: list[Shape], order: list[str]) -> list[Outline]:
    """The objects of an image; polygons of one class and group are one."""
    found: dict[Any, Outline] = {}
    for place, shape in enumerate(shapes):
        # a region is of no class
        is_region = shape.label == IGNORE
        label = 0 if is_region else order.index(label_key(shape.label))
        is_mask = isinstance(shape.outline, dict)
        key = (place, ) if shape.group is None or is_mask else (label, is_region, shape.group)
        parts = shape.outline if is_mask else [list(shape.outline)]
        if key in found:
            parts = found[key].segmentation + parts
        first = found[key].place if key in found else f'{image.source} {shape.name}'
        found[key] = Outline(first, label, parts, is_region)
    return list(found.values())


def _report_regions(builder: _RawBuilder, report: Report) -> None:
    """Say how many regions are ignored, which are no objects."""
    places = [f'{image.source} {shape.name}' for image, shapes in builder.drawn
              for shape in shapes if shape.label == IGNORE]
    if places:
        report.add('note', 'ignore-region', f'{len(places)} region{"s" * (len(places) > 1)} to '
                   'ignore: what lies there is neither learned nor counted', places)


def _report_files(builder: CocoBuilder, report: Report) -> None:
    """Turn what the reader of LabelMe files found into findings, one a sort."""
    groups: dict[str, list[Any]] = {}
    for one in builder.findings:
        code = f'labelme-{one.action.replace(" ", "-")}'
        if 'there is no image' in one.reason and one.action == 'left out':
            code = 'label-orphan'
        groups.setdefault(code, []).append(one)
    for code, found in groups.items():
        message, _, cure = found[0].reason.rpartition(': ')
        report.add(SEVERITIES.get(found[0].action, 'note'), code,
                   f'{found[0].file}: {message or cure}',
                   [f'{one.file} {one.shape}'.strip() or '.' for one in found],
                   cure if message else '')
