#!/usr/bin/env python
"""Split a COCO file into parts for training, validation and test, or into folds.

    python tools/data/split_coco.py data/cattle/data.json --val 0.2 --test 0.1

writes train.json, val.json and test.json beside data.json. Together they are exactly the input.
Where the training images are in a file of their own, --val 0.5 --test 0.5 divides the others.
Near-duplicate images land on one side, and so do the images of one camera, farm or video if
--group-by tells them apart. The counts of animals per image are alike on all sides.
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


def main(argv: Sequence[str] | None = None) -> int:
    """Split a file; returns the exit status."""
    args = parse_args(argv)
    with _data_cli.plain_errors():
        from plugin.datasets.splits import split
        from plugin.datasets.splits.printing import print_split
        done = split(args.data, val=args.val, test=args.test, folds=args.folds, seed=args.seed,
                     group_by=args.group_by, duplicates=args.duplicates, distance=args.distance,
                     images=args.images, out_dir=args.out_dir, overwrite=args.overwrite,
                     jobs=args.jobs)
        print_split(done, group_by=args.group_by, duplicates=args.duplicates)
    return 0


if __name__ == '__main__':
    sys.exit(main())
