"""Data sets of a config turned into parts; what cannot be read becomes a finding."""
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mmdet.datasets import CocoDataset
from mmengine import fileio
from mmengine.registry import DATASETS

from ..cattle import CattleDataset, CattleSegDataset
from ..folder import SegFolderDataset
from ..labels.coco_faults import CocoError, CocoFault
from ..labels.coco_file import CocoFile, category_ids, parse_coco, told_notes
from ..labels.regions import once
from ..unlabeled import UnlabeledDataset
from .findings import Report
from .looking import Looker
from .parts import DataPart, Outline, mend_classes
from .seen import Entry


def read_parts(leaves: Iterable[tuple[str, str, Mapping[str, Any]]],
               report: Report) -> list[DataPart]:
    """Turn data sets into parts.

    Args:
        leaves (iterable): Role, name and config of each data set.
        report (Report): Takes what is wrong with their lists and files of annotations.

    Returns:
        list[DataPart]: Those that can be looked at. One with the same files as an earlier one, as a
        test set that is the validation set, is left out.
    """
    parts: list[DataPart] = []
    for role, name, leaf in leaves:
        # a data set may stop at anything, and the others are still worth a look
        try:
            dataset = DATASETS.build(dict(mend_classes(leaf, name, report), lazy_init=True))
            part = _reader(dataset)(dataset, role, name, report)
        except CocoError as error:
            _report_faults(error.faults, name, report)
            continue
        except Exception as error:
            # the test set is built by tests alone: a training goes without
            spare = role == 'test' and isinstance(error, FileNotFoundError)
            report.add_error('data-set', error, name, 'warning' if spare else 'error')
            continue
        twin = next((one.name for one in parts if _same_files(one, part)), None)
        if twin is None:
            parts.append(part)
        else:
            report.add('note', 'same-part', f'{name} has the same files as {twin}', [name])
    return parts


def _reader(dataset: Any) -> Callable[[Any, str, str, Report], DataPart]:
    if isinstance(dataset, (CocoDataset, CattleSegDataset)):
        return _read_outlines
    if isinstance(dataset, SegFolderDataset) and not isinstance(dataset, UnlabeledDataset):
        return _read_folder
    return _read_any


def _same_files(one: DataPart, other: DataPart) -> bool:
    return (one.role in ('val', 'test') and other.role in ('val', 'test')
            and set(one.entries) == set(other.entries) and one.outlines == other.outlines)


def _part(dataset: Any, role: str, name: str, entries: list[Entry], **more: Any) -> DataPart:
    metainfo = dataset.metainfo
    return DataPart(name, role, Looker(dataset), entries,
                    classes=tuple(metainfo.get('classes') or ()),
                    palette=list(metainfo.get('palette') or ()),
                    steps=list(dataset.pipeline.transforms), **more)


def _read_any(dataset: Any, role: str, name: str, report: Report) -> DataPart:
    dataset.full_init()
    return _part(dataset, role, name,
                 [Entry.of(dataset.get_data_info(place)) for place in range(len(dataset))])


def _read_folder(dataset: SegFolderDataset, role: str, name: str, report: Report) -> DataPart:
    """Pair images and labels as far as they go."""
    names, images, labels = dataset.index_names()
    for fault in dataset.name_faults(names, images, labels):
        # an image without label can be looked at
        report.add('error', fault.kind, fault.fault, [f'{name}: {one}' for one in fault.names],
                   fault.cure)
    twice = sorted(one for one, count in Counter(names).items() if count > 1)
    if twice:
        report.add('warning', 'listed-twice', f'{dataset.ann_file} names {twice[0]} more than '
                   'once', [f'{name}: {one}' for one in twice], 'keep one line of each')
    found = [one for one in dict.fromkeys(names) if one in images]
    return _part(dataset, role, name,
                 [Entry(images[one], (labels or {}).get(one)) for one in found])


def _read_outlines(dataset: Any, role: str, name: str, report: Report) -> DataPart:
    """Read a COCO file."""
    coco = parse_coco(dataset.ann_file, dataset.backend_args)
    _report_faults(told_notes(coco, getattr(dataset, 'skip_categories', ())), name, report)
    labels = _labels(dataset, coco, name, report)
    prefix = dataset.data_prefix
    folder = prefix.get('img') or prefix.get('img_path') or ''
    entries, outlines = [], []
    for image in coco.images:
        path = fileio.join_path(folder, image['file_name'], backend_args=dataset.backend_args)
        entries.append(Entry(path, size=(image['height'], image['width'])))
        outlines.append([
            Outline(f'annotation {one["id"]} of {image["file_name"]}', labels[one['category_id']],
                    one['segmentation'], bool(one.get('iscrowd', 0)))
            for one in once(one for one in coco.annotations[image['id']]
                            if one['category_id'] in labels)])
    return _part(dataset, role, name, entries, outlines=outlines, folder=folder)


def _report_faults(faults: Sequence[CocoFault], name: str, report: Report) -> None:
    for fault in faults:
        report.add(fault.severity, fault.kind, fault.text,
                   [f'{name}: {place}' for place in fault.places], fault.cure)


def _labels(dataset: Any, coco: CocoFile, name: str, report: Report) -> dict[int, int]:
    """Class ids by category ids; reports where data set and file do not agree."""
    classes = list(dataset.metainfo['classes'])
    if isinstance(dataset, CattleSegDataset):
        classes = classes[1:]
    try:
        ids = category_ids(coco, classes, getattr(dataset, 'skip_categories', ()))
    except ValueError as error:
        _report_categories(dataset, coco, classes, name, report, error)
        return {coco.categories[one]: classes.index(one) for one in classes
                if one in coco.categories}
    if ids != sorted(ids, key=list(coco.categories.values()).index) and _is_stock(dataset):
        report.add('error', 'categories-order', f'{coco.path} has its categories in another order '
                   f'than the classes of the config, and {type(dataset).__name__} numbers them in '
                   'that of the file: classes would be exchanged', [name],
                   f'set classes={tuple(coco.categories)!r}, or use CattleDataset')
    return {category: label for label, category in enumerate(ids)}


def _report_categories(dataset: Any, coco: CocoFile, classes: list[str], name: str,
                       report: Report, error: ValueError) -> None:
    absent = [one for one in classes if one not in coco.categories]
    if absent or not _is_stock(dataset):
        report.add_error('categories', error, name)
        return
    unknown = [one for one in coco.categories if one not in classes]
    report.add('warning', 'categories-left-out', f'{coco.path} has the category {unknown[0]}, the '
               f'config does not: {type(dataset).__name__} leaves its annotations out',
               [f'{name}: {one}' for one in unknown],
               'add it to classes, if it is to be learnt')


def _is_stock(dataset: Any) -> bool:
    return isinstance(dataset, CocoDataset) and not isinstance(dataset, CattleDataset)
