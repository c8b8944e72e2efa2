"""The lists that the published FCN was trained and scored with, beside those of VOC 2012."""
from collections.abc import Mapping, Sequence
from pathlib import Path

from plugin.utils import UserError, first_few, write_atomically

from ..splits.published_lists import read_names
from .voc_files import published_files

LISTS = 'ImageSets/Segmentation'
VOC11_PLACE = ('seg11valid.txt of shelhamer/fcn.berkeleyvision.org (data/pascal), or the archive '
               'or folder of VOC 2011')


def bring_voc11(source: Path, home: Path) -> list[str]:
    """Write ``seg11valid.txt``, and from VOC 2011 itself also ``train11.txt``.

    Args:
        source (Path): The published ``seg11valid.txt``, which is taken as it is; or VOC 2011, of
            whose validation images those of SBD's training set are left out (arXiv 1411.4038,
            footnote 7).
        home (Path): The folder ``VOC2012``, with ``sbd_train.txt`` in the second case.

    Returns:
        list[str]: Names of the lists that were written.

    Raises:
        OSError: If the source is missing.
        UserError: If it is neither, or names images that VOC 2012 has no mask of.
    """
    if source.is_file() and source.suffix == '.txt':
        lists = dict(seg11valid=read_names(source))
    else:
        lists = _lists_of_voc11(source, home / LISTS / 'sbd_train.txt')
    _check_known(lists, home, source)
    for split, names in lists.items():
        write_list(home, split, names)
    return list(lists)


def write_list(home: Path, split: str, names: Sequence[str]) -> None:
    """Write the names of a list, one a line."""
    write_atomically(home / LISTS / f'{split}.txt', ''.join(f'{name}\n' for name in names))


def _lists_of_voc11(source: Path, sbd_train: Path) -> dict[str, list[str]]:
    found = {file.name: file.read().decode().split()
             for file in published_files(source, (LISTS, ))
             if file.name in ('train.txt', 'val.txt')}
    if len(found) < 2:
        raise UserError(f'{source} has no {LISTS}/train.txt and val.txt: give {VOC11_PLACE}')
    if not sbd_train.is_file():
        raise UserError(f'{sbd_train} does not exist, whose images are to be left out of the '
                        'validation: give --sbd as well, or the published seg11valid.txt')
    taken = set(read_names(sbd_train))
    return dict(train11=found['train.txt'],
                seg11valid=[name for name in found['val.txt'] if name not in taken])


def _check_known(lists: Mapping[str, Sequence[str]], home: Path, source: Path) -> None:
    for split, names in lists.items():
        unknown = [name for name in names
                   if not (home / 'SegmentationClass' / f'{name}.png').is_file()]
        if unknown:
            raise UserError(f'{source} names {first_few(unknown)} for {split}, of which '
                            f'{home}/SegmentationClass has no mask: complete VOC 2012, or give '
                            f'{VOC11_PLACE}')
