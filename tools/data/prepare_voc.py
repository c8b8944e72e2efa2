"""Lay out PASCAL VOC 2012, alone or with the masks of SBD, for training.

    python tools/data/prepare_voc.py --voc VOCtrainval_11-May-2012.tar --sbd benchmark.tgz
    python tools/data/prepare_voc.py --voc11 seg11valid.txt

Archives may also be the folders the archives were unpacked to; these are never written to.
What is there already is kept, so that a run which was stopped can be run again.
"""
import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import _data_cli

GO_ON = 'what is done is kept: run the same command again to go on'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = _data_cli.parser_for(__doc__)
    parser.add_argument('--voc', type=Path, help='VOCtrainval_11-May-2012.tar or its folder; '
                        'needed unless OUT/VOC2012 has it')
    parser.add_argument('--sbd', type=Path, help='benchmark.tgz of SBD or its folder')
    parser.add_argument('--voc11', type=Path, help='VOC 2011, its archive or folder, for the lists '
                        'that FCN is scored on; or seg11valid.txt as published')
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


def main(argv: Sequence[str] | None = None) -> int:
    """Lay out the set; returns the exit status, 1 if it is not complete."""
    args = parse_args(argv)
    with _data_cli.plain_errors(go_on=GO_ON, stopped=f'interrupted: {GO_ON}'):
        from plugin.datasets.preparation.voc import prepare_voc, print_voc
        done = prepare_voc(args.out, voc=args.voc, sbd=args.sbd, voc11=args.voc11, copy=args.copy,
                           allow_partial=args.allow_partial, jobs=args.jobs)
        print_voc(done)
    return 0 if done.is_complete or args.allow_partial else 1


if __name__ == '__main__':
    sys.exit(main())
