#!/usr/bin/env python
"""Split a COCO file into parts for training, validation and test, or into folds.

    python tools/data/split_coco.py data/cattle/data.json --val 0.2 --test 0.1

writes train.json, val.json and test.json beside data.json. Together they are exactly the input.
Near-duplicate images land on one side, and so do the images of one camera, farm or video if
--group-by tells them apart. The counts of animals per image are alike on all sides.
"""
import argparse
import json
import os
import re
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

sys.path.insert(0, str(Path(__file__).parent))
from _convert import stop_plainly  # noqa: E402

OWN_NAME = re.compile(r'(train|val|test|fold\d+_(train|val))\.json')
# a set of duplicates of more than this share of all images is often one camera
LARGE_SET = 0.1
SHOWN = 20  # sets of duplicates


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('data', type=Path, help='COCO file, for example data/cattle/data.json')
    parser.add_argument('--val', type=float, help='share for validation, for example 0.2')
    parser.add_argument('--test', type=float, help='share for the test, for example 0.1')
    parser.add_argument('--folds', type=int, metavar='K', help='K folds instead, as fold0_val.json')
    parser.add_argument('--seed', type=int, default=0, help='another seed, another split')
    parser.add_argument('--group-by', metavar='REGEX',
                        help='what finds the name of the camera, farm or video in a file name, '
                        r'for example "^(cam\d+)_"; one name, one side')
    parser.add_argument('--duplicates', choices=['together', 'report', 'ignore'],
                        default='together', help='near-duplicate images: keep them on one side '
                        '(default), only report those on different sides, or do not look at the '
                        'images at all')
    parser.add_argument('--distance', type=int, metavar='BITS',
                        help='images are near-duplicates if so many of the 64 bits of their '
                        'perceptual hashes differ, or fewer (default: 10)')
    parser.add_argument('--images', type=Path, metavar='DIR', help='folder of the images '
                        '(default: that of the COCO file, or images in it)')
    parser.add_argument('--out-dir', type=Path, metavar='DIR',
                        help='where to write (default: beside the COCO file)')
    parser.add_argument('--overwrite', action='store_true', help='replace an earlier split')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(), help='default: all cores')
    args = parser.parse_args(argv)
    if args.jobs < 1:
        parser.error(f'--jobs {args.jobs} does no work: give 1 or more')
    if args.seed < 0:
        parser.error(f'--seed {args.seed} is negative: give 0 or more')
    return args


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    if not path.is_file():
        raise FileNotFoundError(f'{path} is no file: give the COCO file that a converter of '
                                'tools/data wrote')
    try:
        return json.loads(path.read_text(encoding='utf-8-sig'))
    except ValueError as error:
        raise UserError(f'{path} is no JSON in UTF-8 ({error}): write it anew') from error


def free_targets(data: Path, folder: Path, names: Sequence[str], overwrite: bool) -> List[Path]:
    """Paths of the files to write, none of which may be the input or a file to be kept."""
    from plugin.utils import first_few
    targets = [folder / f'{name}.json' for name in names]
    if data.resolve() in [target.resolve() for target in targets]:
        raise FileExistsError(f'{data} has the name of a part: give another --out-dir')
    existing = [str(target) for target in targets if target.exists()]
    if existing and not overwrite:
        raise FileExistsError(f'{first_few(existing)} exists: give another --out-dir, or '
                              '--overwrite to replace it')
    return targets


def find_images(data: Path, images: Optional[Path], names: Sequence[str]) -> List[Path]:
    """Paths of the images."""
    from plugin.datasets.labels.image_files import fullest_folder
    from plugin.utils import first_few
    folders = [images] if images else [data.parent, data.parent / 'images']
    folder, absent = fullest_folder(names, folders)
    if absent:
        raise FileNotFoundError(
            f'{len(absent)} of {len(names)} images are not in {folder} '
            f'({first_few(absent)}): give their folder as --images, or '
            '--duplicates ignore')
    return [folder / name for name in names]


def find_duplicates(args: argparse.Namespace, names: Sequence[str]):
    """Numbers of the sets of near-duplicates, one an image."""
    from rich.console import Console
    from rich.progress import track

    from plugin.datasets.doctor.near_duplicates import DISTANCE, hash_images, label_duplicates
    from plugin.utils import first_few
    paths = find_images(args.data, args.images, names)
    console = Console(stderr=True)
    hashes = list(track(hash_images(paths, args.jobs), 'images', total=len(paths),
                        console=console, disable=not console.is_terminal))
    flat = [name for name, one in zip(names, hashes) if one.flat]
    if flat:
        print(f'{len(flat)} image(s) of one colour cannot be compared: {first_few(flat)}')
    return label_duplicates(hashes, DISTANCE if args.distance is None else args.distance)


def find_groups(pattern: str, names: Sequence[str]) -> List[Optional[str]]:
    """Names of the groups, one an image; says which images have none."""
    from plugin.datasets.splits.coco_split import names_of_groups
    from plugin.utils import first_few
    groups = names_of_groups(names, pattern)
    alone = [name for name, group in zip(names, groups) if group is None]
    print(f'--group-by "{pattern}" finds {len(set(groups) - {None})} groups')
    if alone:
        print(f'{len(alone)} image(s) do not match, each a group of its own: {first_few(alone)}')
    return groups


def write_all(contents: Dict[Path, Any]) -> None:
    """Write JSON files, all of them or none."""
    from plugin.utils import atomic_path
    with ExitStack() as stack:
        # files get their names when the stack is left, after the last one is written
        for path, content in contents.items():
            # ASCII only: half a surrogate pair, as in some file names, is no UTF-8
            stack.enter_context(atomic_path(path)).write_text(json.dumps(content))


def report_duplicates(duplicates, names: Sequence[str], parts: Sequence[str], mode: str) -> None:
    """Say which images are near-duplicates, and where they are."""
    from plugin.utils import first_few
    sets: Dict[int, List[int]] = {}
    for place, label in enumerate(duplicates):
        sets.setdefault(label, []).append(place)
    several = [places for places in sets.values() if len(places) > 1]
    where = 'kept on one side'
    if mode == 'report':
        several = [places for places in several if len({parts[k] for k in places}) > 1]
        where = 'on different sides'
    print(f'near-duplicates {where}: {sum(map(len, several))} images in {len(several)} sets')
    for places in sorted(several, key=len, reverse=True)[:SHOWN]:
        print(f'  {first_few([f"{names[k]} ({parts[k]})" for k in places])}')
    if len(several) > SHOWN:
        print(f'  and {len(several) - SHOWN} smaller sets')
    largest = max(map(len, several), default=0)
    if mode == 'together' and largest > max(2, LARGE_SET * len(names)):
        print(f'the largest set holds {largest} of {len(names)} images, perhaps all of one '
              'camera that stands still: a lower --distance links fewer')


def print_tables(splits: Dict[str, Any], groups: Dict[str, Sequence[int]]) -> None:
    """Show the parts side by side."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from plugin.datasets.splits.coco_split import summarise
    console = Console()
    table = Table()
    for name in ('part', 'images', 'share', 'animals', 'an image', 'empty', 'groups'):
        table.add_column(name, justify='left' if name == 'part' else 'right')
    counts = {name: summarise(split, groups[name]) for name, split in splits.items()}
    total = sum(count.images for count in counts.values())
    for name, count in counts.items():
        table.add_row(name, str(count.images), f'{count.images / total:.1%}',
                      str(count.animals), f'{count.animals / count.images:.2f}',
                      str(count.empty), str(count.groups))
    console.print(table)
    classes = {category['id']: str(category.get('name'))
               for category in next(iter(splits.values())).get('categories', [])}
    if len(classes) > 1:
        table = Table('class')
        for name in splits:
            table.add_column(name, justify='right')
        found = {name: Counter(ann.get('category_id') for ann in split['annotations']
                               if not ann.get('iscrowd')) for name, split in splits.items()}
        for label, title in classes.items():
            table.add_row(escape(title), *(str(found[name][label]) for name in splits))
        console.print(table)


def note_stale(folder: Path, targets: Sequence[Path]) -> None:
    """Say which files of an earlier split lie beside the new ones."""
    from plugin.utils import first_few
    stale = sorted(path.name for path in folder.iterdir()
                   if OWN_NAME.fullmatch(path.name) and path not in targets)
    if stale:
        print(f'{folder} also holds {first_few(stale)} of an earlier split: do not use it beside '
              'the new parts, which may share images with it')


def split(args: argparse.Namespace) -> int:
    """Do all steps; return the exit status."""
    from plugin.datasets.splits import coco_split
    from plugin.utils import first_few
    shares = coco_split.part_shares(args.val, args.test, args.folds)
    content = read_json(args.data)
    coco_split.check_coco(content, str(args.data))
    out = args.out_dir or args.data.parent
    files = list(shares) if args.folds is None else [
        f'{fold}_{side}' for fold in shares for side in ('train', 'val')]
    targets = free_targets(args.data, out, files, args.overwrite)
    names = [image['file_name'] for image in content['images']]
    labellings: List[Sequence] = [range(len(names))]
    if args.group_by is not None:
        labellings.append(find_groups(args.group_by, names))
    if args.duplicates != 'ignore':
        duplicates = find_duplicates(args, names)
        if args.duplicates == 'together':
            labellings.append(duplicates)
    groups = coco_split.join_labels(*labellings)
    parts = coco_split.assign_images(content, list(shares.values()), groups, args.seed)
    places = {name: parts == k for k, name in enumerate(shares)}
    splits = {name: coco_split.take_images(content, place) for name, place in places.items()}
    wholes = splits if args.folds is None else {
        f'{name}_{side}': coco_split.take_images(content, place == (side == 'val'))
        for name, place in places.items() for side in ('train', 'val')}
    write_all(dict(zip(targets, wholes.values())))
    if args.duplicates != 'ignore':
        report_duplicates(duplicates, names, [list(shares)[part] for part in parts],
                          args.duplicates)
    print_tables(splits, {name: groups[place] for name, place in places.items()})
    note_stale(out, targets)
    print(f'wrote {first_few([target.name for target in targets], 20)} to {out}')
    return 0


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Split a file; returns the exit status."""
    args = parse_args(argv)
    return stop_plainly(lambda: split(args))


if __name__ == '__main__':
    sys.exit(main())
