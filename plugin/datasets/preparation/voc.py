"""PASCAL VOC 2012, alone or with the masks of SBD, laid out for training."""
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from mmcv.transforms import LoadImageFromFile
from mmseg.datasets import LoadAnnotations

from plugin.utils import UserError, first_few, write_atomically
from plugin.utils.console import progress, say

from ..doctor.preflight import check_dataset
from ..voc import VOCSegDataset
from .voc_files import published_files, sbd_to_png
from .voc_lists import LISTS, VOC11_PLACE, bring_voc11, write_list

COUNTS = dict(train=1464, val=1449, train_aug=10582, sbd_train=8498, train11=1112, seg11valid=736)
# whose masks each list is used with; the others are VOC's own
MASKS = dict(train_aug='SegmentationClassAug', sbd_train='SegmentationClassSBD')
VOC_FOLDERS = ('JPEGImages', 'SegmentationClass', 'SegmentationObject')
SBD_LISTS = ('train.txt', 'val.txt')
VOC_PLACE = ('VOCtrainval_11-May-2012.tar from the PASCAL VOC 2012 page '
             '(host.robots.ox.ac.uk, "Development kit")')
SBD_PLACE = 'benchmark.tgz from the "Semantic Boundaries Dataset and Benchmark" page of Berkeley'
BATCH = 256


class VocSet(NamedTuple):
    """What :func:`prepare_voc` laid out.

    Attributes:
        home (Path): The folder, ``VOC2012``.
        counts (dict[str, int]): Number of images of each list, each checked with its label.
        lacking (list[str]): Names to train on that have no image or no mask.
        with_sbd (bool): Whether SBD was given.
    """

    home: Path
    counts: dict[str, int]
    lacking: list[str]
    with_sbd: bool

    @property
    def wrong(self) -> set[str]:
        """The lists that have another number of images than the published ones."""
        return {split for split, count in self.counts.items() if count != COUNTS[split]}

    @property
    def is_complete(self) -> bool:
        """Whether all that was published is there."""
        return not self.wrong and not self.lacking


def prepare_voc(out: str | Path, *, voc: str | Path | None = None, sbd: str | Path | None = None,
                voc11: str | Path | None = None, copy: bool = False,
                allow_partial: bool = False, jobs: int = 1) -> VocSet:
    """Lay out PASCAL VOC 2012, alone or with the masks of SBD.

    The sources are never written to. What is there already is kept, so that a run which was
    stopped can be run again.

    Args:
        out (str | Path): Where ``VOC2012`` is made.
        voc (str | Path, optional): ``VOCtrainval_11-May-2012.tar``, or the folder it was unpacked
            to. May be left out if ``VOC2012`` has it.
        sbd (str | Path, optional): ``benchmark.tgz``, or its folder.
        voc11 (str | Path, optional): For the scores of FCN, which are those of VOC 2011: its
            archive or folder, or the published ``seg11valid.txt``. Only its lists are read.
        copy (bool): Copy the images and masks of a folder; without it they are symbolic links.
        allow_partial (bool): Write the lists of SBD even if images or masks are missing.
        jobs (int): Threads that turn masks into PNG.

    Returns:
        VocSet: What is there now.

    Raises:
        OSError: If a source is missing.
        UserError: If a source is none, or a label holds a value that is no class.
    """
    home, source = Path(out) / 'VOC2012', None if voc is None else Path(voc)
    if source and source.resolve() not in (Path(out).resolve(), home.resolve()):
        _bring_voc(source, home, copy)
    elif not (home / 'JPEGImages').is_dir():
        raise FileNotFoundError(f'{home} has no JPEGImages: give --voc with {VOC_PLACE}')
    splits: list[str] = []
    lacking: list[str] = []
    if sbd is not None:
        mixed, lacking = _mix(home, _bring_sbd(Path(sbd), home, jobs))
        if not lacking or allow_partial:
            splits = [split for split, names in mixed.items() if names]
            for split in splits:
                write_list(home, split, mixed[split])
    splits += ['train', 'val']
    if voc11 is not None:
        splits += bring_voc11(Path(voc11), home)
    counts = {split: _check(home, split, MASKS.get(split, 'SegmentationClass'))
              for split in splits}
    return VocSet(home, counts, lacking, sbd is not None)


def print_voc(done: VocSet) -> None:
    """Print what is there and what is missing."""
    for split, count in done.counts.items():
        note = f', not the published {COUNTS[split]}' if split in done.wrong else ''
        say(f'{split}: {count} images, every label within 0..20 and 255{note}')
    if done.lacking:
        say(f'{", ".join(MASKS)}: no image or no mask for {first_few(done.lacking)}')
    if done.lacking or done.wrong & set(MASKS):
        say(f'SBD is not complete: get {SBD_PLACE}')
    if done.wrong & {'train', 'val'}:
        say(f'VOC is not complete: get {VOC_PLACE}')
    if done.wrong & {'train11', 'seg11valid'}:
        say(f'the lists of VOC 2011 are not complete: get {VOC11_PLACE}')
    if not done.with_sbd:
        say(f'without SBD: for voc_sbd configs give --sbd with {SBD_PLACE}')
    say(f'VOC lies in {done.home}')


def _read_names(path: Path) -> list[str]:
    """Names in a list, one a line; none if there is no such list."""
    if not path.is_file():
        return []
    return path.read_text(encoding='utf-8').split()


def _bring_voc(source: Path, home: Path, copy: bool) -> None:
    """Link, copy or unpack the images, masks and lists of VOC to ``home``."""
    found = set()
    for file in progress(published_files(source, (*VOC_FOLDERS, LISTS)), 'VOC'):
        found.add(file.folder)
        target = home / file.folder / file.name
        if target.is_file() and target.stat().st_size == file.size:
            continue
        if file.path is None or copy or file.folder == LISTS:
            write_atomically(target, file.read())
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.symlink_to(file.path.resolve())
    missing = [folder for folder in (*VOC_FOLDERS[:2], LISTS) if folder not in found]
    if missing:
        raise UserError(f'{source} has no folder {missing[0]}: give {VOC_PLACE}')


def _sbd_batches(source: Path, done: set[str],
                 lists: dict[str, list[str]]) -> Iterator[list[tuple[str, bytes]]]:
    """Yield names and contents of masks not done yet; what the lists say goes to ``lists``."""
    def masks() -> Iterator[tuple[str, bytes]]:
        for file in progress(published_files(source, ('cls', 'dataset')), 'SBD'):
            if file.folder == 'dataset' and file.name in SBD_LISTS:
                lists[file.name] = file.read().decode().split()
            elif file.folder == 'cls' and file.name.endswith('.mat'):
                name = file.name[:-len('.mat')]
                if name not in done:
                    yield name, file.read()

    stream = masks()
    while batch := list(islice(stream, BATCH)):
        yield batch


def _bring_sbd(source: Path, home: Path, jobs: int) -> dict[str, list[str]]:
    """Turn the masks of SBD into PNG; return its lists."""
    folder = home / 'SegmentationClassSBD'
    done = {path.stem for path in folder.glob('[!.]*.png')}
    lists: dict[str, list[str]] = {}
    with ThreadPoolExecutor(jobs) as pool:
        # in batches, because a pool would read the whole archive ahead
        for batch in _sbd_batches(source, done, lists):
            stems, contents = zip(*batch)
            for stem, png in zip(stems, pool.map(sbd_to_png, stems, contents), strict=True):
                write_atomically(folder / f'{stem}.png', png)
    # the folder "dataset" itself may have been given, under any name
    for list_name in SBD_LISTS if not lists else ():
        lists[list_name] = _read_names(source / list_name)
    if not any(lists.values()):
        raise UserError(f'{source} has no dataset/train.txt and val.txt: give {SBD_PLACE}')
    return {list_name: lists.get(list_name, []) for list_name in SBD_LISTS}


def _mix(home: Path,
         sbd_lists: Mapping[str, Sequence[str]]) -> tuple[dict[str, list[str]], list[str]]:
    """Add VOC's masks to SBD's; return the lists to train on, and names without a file."""
    folder, sbd = home / 'SegmentationClassAug', home / 'SegmentationClassSBD'
    lists = {split: _read_names(home / LISTS / f'{split}.txt') for split in ('train', 'val')}
    sbd_names = {name for names in sbd_lists.values() for name in names}
    names = sorted((sbd_names | set(lists['train'])) - set(lists['val']))
    for name in sorted({*names, *lists['val']}):
        # VOC's own mask, with its borders, wins over that of SBD
        own, target = home / 'SegmentationClass' / f'{name}.png', folder / f'{name}.png'
        source = own if own.is_file() else sbd / f'{name}.png'
        if source.is_file():
            content = source.read_bytes()
            if not target.is_file() or target.read_bytes() != content:
                write_atomically(target, content)
    wanted = dict(train_aug=names, sbd_train=sbd_lists['train.txt'])
    found = {split: [name for name in wanted[split]
                     if (home / masks / f'{name}.png').is_file()
                     and (home / 'JPEGImages' / f'{name}.jpg').is_file()]
             for split, masks in MASKS.items()}
    lacking = {name for split in wanted for name in set(wanted[split]) - set(found[split])}
    return found, sorted(lacking)


def _check(home: Path, split: str, labels: str) -> int:
    """Check every image and label of a list; return their number."""
    dataset = VOCSegDataset(
        data_root=str(home), ann_file=f'{LISTS}/{split}.txt',
        data_prefix=dict(img_path='JPEGImages', seg_map_path=labels),
        serialize_data=False, pipeline=[LoadImageFromFile(), LoadAnnotations()])
    check_dataset(dataset)
    return len(dataset)
