#!/usr/bin/env python
"""Choose the images of a training set that are labelled; the others count as unlabelled.

    python tools/data/make_partition.py data/camvid/images/train --ratio 1/8 \\
        --labels data/camvid/labels/train --out data/partitions/camvid/46
    python tools/data/make_partition.py data/animals7/train.json --number 22 \\
        --out data/partitions/animals7/22
    python tools/data/make_partition.py data/pigs/train.json --number 22 --balance instances \\
        --out data/partitions/pigs/22
    python tools/data/make_partition.py data/cityscapes/leftImg8bit/train --list labeled.txt \\
        --picture-suffix _leftImg8bit.png --out data/partitions/cityscapes/744

writes labeled.txt and unlabeled.txt, one name a line; for a COCO file labeled.json,
unlabeled.json and unlabeled.txt. The choice shows every class where that is possible, and is
alike to the whole set by classes and areas, with --balance instances also by the number of
instances of each image, for models that count. --list takes the labelled images from a published list instead.
"""
import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import _data_cli


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = _data_cli.parser_for(__doc__)
    parser.add_argument('source', type=Path, help='the training set: a folder of images, a list '
                        'of names (.txt), or a COCO file (.json)')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='where to write')
    parser.add_argument('--ratio', metavar='1/8', help='share of labelled images, rounded up')
    parser.add_argument('--number', type=int, help='number of labelled images instead; with '
                        '--list, how many it must have')
    parser.add_argument('--list', type=Path, metavar='FILE', help='take the images of a '
                        'published list; an unlabeled.txt beside it must name all others')
    parser.add_argument('--balance', choices=['classes', 'instances'], default='classes',
                        help='what is to be alike in the labelled images and all: classes and '
                        'their areas (default), or also the number of instances (COCO files)')
    parser.add_argument('--seed', type=int, default=0, help='another seed, another choice')
    parser.add_argument('--labels', type=Path, metavar='DIR', help='folder of the label maps, for '
                        'all that is not COCO; may be left out with --list')
    parser.add_argument('--classes', type=_data_cli.names, metavar='A,B', help='names of the '
                        'classes, or a type of data set that knows them, for example '
                        'CamVidDataset')
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


def main(argv: Sequence[str] | None = None) -> int:
    """Divide a training set; returns the exit status."""
    args = parse_args(argv)
    with _data_cli.plain_errors():
        from plugin.datasets.splits import partition
        from plugin.datasets.splits.printing import print_partition
        done = partition(
            args.source, args.out, ratio=args.ratio, number=args.number, published=args.list,
            balance=args.balance, seed=args.seed, labels=args.labels, classes=args.classes,
            image_suffix=args.picture_suffix, label_suffix=args.label_suffix,
            overwrite=args.overwrite, jobs=args.jobs)
        print_partition(done, args.list, args.balance)
    return 0


if __name__ == '__main__':
    sys.exit(main())
