#!/usr/bin/env python
"""Choose the images of a training set that are labelled; the others count as unlabelled.

    python tools/data/make_partition.py data/camvid/images/train --ratio 1/8 \\
        --labels data/camvid/labels/train --out data/partitions/camvid/46
    python tools/data/make_partition.py data/animals7/train.json --number 22 \\
        --out data/partitions/animals7/22
    python tools/data/make_partition.py data/cityscapes/leftImg8bit/train --list labeled.txt \\
        --picture-suffix _leftImg8bit.png --out data/partitions/cityscapes/744

writes labeled.txt and unlabeled.txt, one name a line; for a COCO file labeled.json,
unlabeled.json and unlabeled.txt. The choice shows every class where that is possible, and is
alike to the whole set. --list takes the labelled images from a published list instead.
"""
import argparse
import json
import os
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

sys.path.insert(0, str(Path(__file__).parent))
from _convert import names as comma_list  # noqa: E402
from _convert import stop_plainly  # noqa: E402
from split_coco import read_json  # noqa: E402


class Source(NamedTuple):
    """A training set of N images.

    Attributes:
        names (list[str]): Bare names of lists, or file names of a COCO file.
        classes (list[str]): The C classes.
        pixels (np.ndarray | None): (N, C) pixels of each class; None without labels.
        content (dict | None): The COCO file.
    """

    names: List[str]
    classes: List[str]
    pixels: Any
    content: Optional[dict] = None


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', type=Path, help='the training set: a folder of images, a list '
                        'of names (.txt), or a COCO file (.json)')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='where to write')
    parser.add_argument('--ratio', metavar='1/8', help='share of labelled images, rounded up')
    parser.add_argument('--number', type=int, help='number of labelled images instead; with '
                        '--list, how many it must have')
    parser.add_argument('--list', type=Path, metavar='FILE', help='take the images of a '
                        'published list; an unlabeled.txt beside it must name all others')
    parser.add_argument('--seed', type=int, default=0, help='another seed, another choice')
    parser.add_argument('--labels', type=Path, metavar='DIR', help='folder of the label maps, for '
                        'all that is not COCO; may be left out with --list')
    parser.add_argument('--classes', type=comma_list, metavar='A,B', help='names of the classes, '
                        'or a type of data set that knows them, for example CamVidDataset')
    parser.add_argument('--picture-suffix', metavar='END', help='what to take off the file names '
                        'of images (default: .jpg, .png, ...)')
    parser.add_argument('--label-suffix', default='.png', metavar='END', help='what to put behind '
                        'the names of labels (default: .png)')
    parser.add_argument('--overwrite', action='store_true', help='replace an earlier partition')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(), help='default: all cores')
    args = parser.parse_args(argv)
    if args.list is not None and args.ratio is not None or (
            args.list is None and (args.ratio is None) == (args.number is None)):
        parser.error('give one of --ratio 1/8, --number 92, --list FILE')
    if args.jobs < 1 or args.seed < 0:
        parser.error(f'--jobs {args.jobs} --seed {args.seed}: give 1 or more, and 0 or more')
    return args


def read_source(args: argparse.Namespace) -> Source:
    """Read the training set."""
    if args.source.suffix == '.json':
        return coco_source(args.source)
    if args.labels is None and args.list is None:
        raise UserError('without labels nobody knows which images show which class: give '
                         '--labels, the folder of the label maps')
    names = listed(args)
    if args.labels is None:
        return Source(names, [], None)
    return labelled_source(args, names)


def coco_source(path: Path) -> Source:
    """Read a training set with outlines."""
    from plugin.datasets.labels.coco_file import read_coco
    from plugin.datasets.splits.coco_split import check_coco
    from plugin.datasets.doctor.class_counts import outline_pixels
    content = read_json(path)
    check_coco(content, str(path))
    coco = read_coco(str(path))
    names = [image['file_name'] for image in content['images']]
    return Source(names, ['background', *coco.categories], outline_pixels(coco), content)


def listed(args: argparse.Namespace) -> List[str]:
    """Names of the images of a folder, sorted, or of a list."""
    from plugin.datasets import UnlabeledDataset
    from plugin.datasets.splits.published_lists import bare_name, read_names
    if not args.source.is_dir():
        return [bare_name(name, args.picture_suffix) for name in read_names(args.source)]
    images = UnlabeledDataset(data_prefix=dict(img_path=str(args.source)),
                                img_suffix=args.picture_suffix)
    names = [bare_name(Path(image['img_path']).relative_to(args.source).as_posix(),
                       args.picture_suffix) for image in images]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f'images of {args.source} share the name {twice[0]}: rename or remove '
                         'one of them')
    return names


def labelled_source(args: argparse.Namespace, names: List[str]) -> Source:
    """Count the pixels of all label maps."""
    import numpy as np

    from plugin.datasets.doctor.class_counts import count_pixels
    counts = count_pixels([args.labels / f'{name}{args.label_suffix}' for name in names], args.jobs)
    # 255 is no class
    found = 1 + int(np.flatnonzero(counts[:, :255].any(0)).max(initial=-1))
    classes = class_names(args.classes, found)
    if found > len(classes):
        raise UserError(f'label id {found - 1} occurs in {args.labels}, and there are '
                         f'{len(classes)} classes: complete --classes, or set the pixels of no '
                         'class to 255')
    return Source(names, classes, counts[:, :len(classes)])


def class_names(given: Optional[List[str]], found: int) -> List[str]:
    """Names of the classes; their ids where nobody knows them."""
    if given is None:
        return [str(k) for k in range(found)]
    if len(given) > 1:
        return given
    from mmseg.registry import DATASETS
    kind = DATASETS.get(given[0])
    return list(kind.METAINFO['classes']) if kind else given


def chosen_by_list(args: argparse.Namespace, names: Sequence[str]):
    """Which images a published list names, (N, ) bool; the list must fit the set."""
    import numpy as np

    from plugin.datasets.splits.published_lists import check_published, check_rest, match_names, read_names
    lines = read_names(args.list)
    title = check_published(len(lines), len(names), args.number)
    labeled = set(match_names(lines, names, args.picture_suffix))
    rest = args.list.with_name('unlabeled.txt')
    if rest != args.list and rest.is_file():
        check_rest(rest, labeled, names, args.picture_suffix)
    print(f'{args.list}: {title}')
    return np.array([name in labeled for name in names])


def texts(source: Source, chosen: Sequence[bool]) -> Dict[str, str]:
    """Content of the files by their names."""
    from plugin.datasets.splits.coco_split import take_images
    sides = {'labeled': chosen, 'unlabeled': ~chosen}
    lists = {f'{side}.txt': '\n'.join(name for name, one in zip(source.names, taken) if one) + '\n'
             for side, taken in sides.items()}
    if source.content is None:
        return lists
    # ASCII only: half a surrogate pair, as in some file names, is no UTF-8
    return {**{f'{side}.json': json.dumps(take_images(source.content, taken))
               for side, taken in sides.items()}, 'unlabeled.txt': lists['unlabeled.txt']}


def free_targets(args: argparse.Namespace) -> None:
    """Stop before a file is replaced that should stay."""
    from plugin.utils import first_few
    ends = ('.json', '.txt')
    targets = [args.out / f'{side}{end}' for side in ('labeled', 'unlabeled') for end in ends]
    inputs = [path.resolve() for path in (args.source, args.list) if path is not None]
    if any(target.resolve() in inputs for target in targets):
        raise FileExistsError(f'{args.out} holds the input under the name of a result: give '
                              'another --out')
    existing = [str(target) for target in targets if target.exists()]
    if existing and not args.overwrite:
        raise FileExistsError(f'{first_few(existing)} exists: give another --out, or --overwrite '
                              'to replace it')


def write_all(folder: Path, contents: Dict[str, str]) -> None:
    """Write files, all of them or none."""
    from plugin.utils import atomic_path
    with ExitStack() as stack:
        # files get their names when the stack is left, after the last one is written
        for name, text in contents.items():
            temporary = stack.enter_context(atomic_path(folder / name))
            temporary.write_text(text, encoding='utf-8')


def print_table(source: Source, chosen: Sequence[bool]) -> None:
    """Show in how many images and on how many pixels each class is labelled."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from plugin.datasets.doctor.class_counts import absent_classes
    from plugin.utils import first_few
    table = Table('class')
    for name in ('labelled images', 'of', 'labelled pixels', 'of'):
        table.add_column(name, justify='right')
    few, every = source.pixels[chosen], source.pixels
    for k, name in enumerate(source.classes):
        table.add_row(escape(name), str((few[:, k] > 0).sum()), str((every[:, k] > 0).sum()),
                      f'{few[:, k].sum():,}', f'{every[:, k].sum():,}')
    Console().print(table)
    nowhere = absent_classes(source.classes, every)
    absent = [name for name in absent_classes(source.classes, few) if name not in nowhere]
    if absent:
        print(f'no labelled image shows {first_few(absent)}: label more images')
    if nowhere:
        print(f'no image of the training set shows {first_few(nowhere)}')


def partition(args: argparse.Namespace) -> int:
    """Do all steps; return the exit status."""
    from plugin.datasets.splits.partition import choose_labeled, labeled_number
    free_targets(args)
    source = read_source(args)
    if args.list is not None:
        chosen = chosen_by_list(args, source.names)
    else:
        number = labeled_number(len(source.names), args.ratio, args.number)
        chosen = choose_labeled(source.names, source.pixels, number, args.seed)
    contents = texts(source, chosen)
    write_all(args.out, contents)
    if source.pixels is not None:
        print_table(source, chosen)
    print(f'{chosen.sum()} labelled and {(~chosen).sum()} unlabelled images: wrote '
          f'{", ".join(contents)} to {args.out}')
    return 0


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Divide a training set; returns the exit status."""
    args = parse_args(argv)
    return stop_plainly(lambda: partition(args))


if __name__ == '__main__':
    sys.exit(main())
