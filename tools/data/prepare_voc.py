"""Lay out PASCAL VOC 2012, alone or with the masks of SBD, for training.

    python tools/data/prepare_voc.py --voc VOCtrainval_11-May-2012.tar --sbd benchmark.tgz

Both may also be the folders the archives were unpacked to; these are never written to.
What is there already is kept, so that a run which was stopped can be run again.
"""
import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Set, Tuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

COUNTS = dict(train=1464, val=1449, train_aug=10582)
VOC_FOLDERS = ('JPEGImages', 'SegmentationClass', 'SegmentationObject')
LISTS = 'ImageSets/Segmentation'
SBD_LISTS = ('train.txt', 'val.txt')
VOC_PLACE = ('VOCtrainval_11-May-2012.tar from the PASCAL VOC 2012 page '
             '(host.robots.ox.ac.uk, "Development kit")')
SBD_PLACE = 'benchmark.tgz from the "Semantic Boundaries Dataset and Benchmark" page of Berkeley'
BATCH = 256


def parse_args(argv: Sequence[str] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--voc', type=Path, help='VOCtrainval_11-May-2012.tar or its folder; '
                        'needed unless OUT/VOC2012 has it')
    parser.add_argument('--sbd', type=Path, help='benchmark.tgz of SBD or its folder')
    parser.add_argument('--out', type=Path, default=Path('data/VOCdevkit'),
                        help='default: %(default)s')
    parser.add_argument('--copy', action='store_true',
                        help='copy images and masks of a --voc folder; without it they are '
                        'symbolic links, which take no space but need the folder to stay')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(), help='default: all cores')
    parser.add_argument('--allow-partial', action='store_true',
                        help='accept other numbers of images than the published ones')
    args = parser.parse_args(argv)
    if args.jobs < 1:
        parser.error(f'--jobs {args.jobs} does no work: give 1 or more')
    return args


def read_names(path: Path) -> List[str]:
    """Names in a list, one a line; none if there is no such list."""
    if not path.is_file():
        return []
    return path.read_text(encoding='utf-8').split()


def show(iterable, text: str):
    """Show a progress bar where there is a terminal."""
    from rich.console import Console
    from rich.progress import track
    console = Console(stderr=True)
    return track(iterable, text, total=None, console=console, disable=not console.is_terminal)


def bring_voc(source: Path, home: Path, copy: bool) -> None:
    """Link, copy or unpack the images, masks and lists of VOC to ``home``."""
    from voc_files import published_files

    from plugin.utils import write_atomically
    found = set()
    for file in show(published_files(source, (*VOC_FOLDERS, LISTS)), 'VOC'):
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


def sbd_batches(source: Path, done: Set[str], names: List[str]) -> Iterator[Tuple[List, List]]:
    """Yield the names and contents of masks not done yet; what the lists say goes to ``names``."""
    from voc_files import published_files

    def masks():
        for file in show(published_files(source, ('cls', 'dataset')), 'SBD'):
            if file.folder == 'dataset' and file.name in SBD_LISTS:
                names.extend(file.read().decode().split())
            elif file.folder == 'cls' and file.name.endswith('.mat'):
                name = file.name[:-len('.mat')]
                if name not in done:
                    yield name, file.read()

    stream = masks()
    while batch := list(islice(stream, BATCH)):
        yield tuple(zip(*batch))


def bring_sbd(source: Path, home: Path, jobs: int) -> List[str]:
    """Turn the masks of SBD into PNG, except where VOC has its own; return the names of SBD."""
    from voc_files import sbd_to_png

    from plugin.utils import write_atomically
    folder = home / 'SegmentationClassAug'
    done = {p.stem for f in (folder, home / 'SegmentationClass') for p in f.glob('[!.]*.png')}
    names: List[str] = []
    # a forked child could inherit a lock that the progress bar's thread holds
    with ProcessPoolExecutor(jobs, mp_context=get_context('spawn')) as pool:
        run = map if jobs == 1 else partial(pool.map, chunksize=8)
        for stems, contents in sbd_batches(source, done, names):
            for stem, png in zip(stems, run(sbd_to_png, stems, contents)):
                write_atomically(folder / f'{stem}.png', png)
    # the folder "dataset" itself may have been given, under any name
    for list_name in SBD_LISTS if not names else ():
        names.extend(read_names(source / list_name))
    if not names:
        raise UserError(f'{source} has no dataset/train.txt and val.txt: give {SBD_PLACE}')
    return names


def mix(home: Path, sbd_names: Sequence[str]) -> Tuple[List[str], List[str]]:
    """Add VOC's masks to SBD's; return the names to train on, and those without a file."""
    from plugin.utils import write_atomically
    folder = home / 'SegmentationClassAug'
    lists = {split: read_names(home / LISTS / f'{split}.txt') for split in ('train', 'val')}
    names = sorted((set(sbd_names) | set(lists['train'])) - set(lists['val']))
    for name in lists['train'] + lists['val']:
        own, target = home / 'SegmentationClass' / f'{name}.png', folder / f'{name}.png'
        if own.is_file():
            content = own.read_bytes()
            if not target.is_file() or target.read_bytes() != content:
                write_atomically(target, content)
    lacking = [name for name in names if not (folder / f'{name}.png').is_file()
               or not (home / 'JPEGImages' / f'{name}.jpg').is_file()]
    return names, lacking


def check(home: Path, split: str, labels: str) -> int:
    """Check every image and label of a list; return their number."""
    from mmcv.transforms import LoadImageFromFile
    from mmseg.datasets import LoadAnnotations

    from plugin.datasets import VOCSegDataset
    from plugin.datasets.doctor.preflight import check_files
    dataset = VOCSegDataset(
        data_root=str(home), ann_file=f'{LISTS}/{split}.txt',
        data_prefix=dict(img_path='JPEGImages', seg_map_path=labels),
        serialize_data=False, pipeline=[LoadImageFromFile(), LoadAnnotations()])
    check_files(dataset)
    return len(dataset)


def report(counts: Dict[str, int], lacking: Sequence[str]) -> bool:
    """Print what is there and what is missing; return whether all of it is there."""
    from plugin.utils import first_few
    wrong = {split for split, count in counts.items() if count != COUNTS[split]}
    for split, count in counts.items():
        note = f', not the published {COUNTS[split]}' if split in wrong else ''
        print(f'{split}: {count} images, every label within 0..20 and 255{note}')
    if lacking:
        print(f'train_aug: no image or no mask for {first_few(lacking)}')
    if lacking or 'train_aug' in wrong:
        print(f'SBD is not complete: get {SBD_PLACE}')
    if wrong & {'train', 'val'}:
        print(f'VOC is not complete: get {VOC_PLACE}')
    return not wrong and not lacking


def prepare(args: argparse.Namespace) -> int:
    """Do all steps; return the exit code."""
    from plugin.utils import write_atomically
    home = args.out / 'VOC2012'
    if args.voc and args.voc.resolve() not in (args.out.resolve(), home.resolve()):
        bring_voc(args.voc, home, args.copy)
    elif not (home / 'JPEGImages').is_dir():
        raise FileNotFoundError(f'{home} has no JPEGImages: give --voc with {VOC_PLACE}')
    counts, lacking = {}, []
    if args.sbd:
        names, lacking = mix(home, bring_sbd(args.sbd, home, args.jobs))
        if not lacking or args.allow_partial:
            usable = sorted(set(names) - set(lacking))
            write_atomically(home / LISTS / 'train_aug.txt', ''.join(f'{n}\n' for n in usable))
            counts['train_aug'] = check(home, 'train_aug', 'SegmentationClassAug')
    for split in ('train', 'val'):
        counts[split] = check(home, split, 'SegmentationClass')
    whole = report(counts, lacking)
    if not args.sbd:
        print(f'without SBD: for voc_sbd configs give --sbd with {SBD_PLACE}')
    print(f'VOC lies in {home}')
    return 0 if whole or args.allow_partial else 1


def main(argv: Sequence[str] = None) -> int:
    args = parse_args(argv)
    try:
        return prepare(args)
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        if isinstance(error, OSError) and error.errno is not None:
            print('what is done is kept: run the same command again to go on', file=sys.stderr)
        return 1
    except BrokenProcessPool:
        print(f'error: a process was killed, most likely for want of memory: use less than '
              f'--jobs {args.jobs}; what is done is kept', file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main())
