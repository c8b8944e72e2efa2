#!/usr/bin/env python
"""Compute weights that balance the classes of a training set in the loss.

Prints a line for the config; --out writes a file that loss_decode.class_weight takes as well.
"""
import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import _data_cli

EXAMPLES = """  python tools/data/class_weights.py configs/segnet-basic_camvid.py
  python tools/data/class_weights.py configs/fcn8s_voc.py --mode inverse --out weights/voc.json

then in the config:
  loss_decode=dict(type='BalancedCrossEntropyLoss', class_weight='weights/voc.json')"""


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = _data_cli.config_parser(__doc__, EXAMPLES)
    parser.add_argument('--mode', choices=['median', 'inverse'], default='median',
                        help='median frequency balancing (default), or the same share of the loss '
                        'for every class')
    parser.add_argument('--out', type=Path, metavar='FILE.json', help='write the weights here')
    parser.add_argument('--overwrite', action='store_true', help='replace an older file')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(), help='default: all cores')
    args = parser.parse_args(argv)
    if args.jobs < 1:
        parser.error(f'--jobs {args.jobs}: give 1 or more')
    if args.out is not None and args.out.suffix != '.json':
        parser.error(f'--out {args.out} does not end in .json')
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Compute the weights; returns the exit status."""
    args = parse_args(argv)
    with _data_cli.plain_errors(debug=args.debug):
        from plugin.datasets.doctor import weigh_classes
        from plugin.datasets.doctor.printing import print_weights
        print_weights(weigh_classes(
            args.config, options=args.cfg_options, mode=args.mode, out=args.out,
            overwrite=args.overwrite, jobs=args.jobs))
        if args.out is not None:
            print(f'wrote {args.out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
