#!/usr/bin/env python
"""Show what the augmentation of a config really feeds the network."""
import argparse
import sys
from pathlib import Path

import _cli

EXAMPLES = """  python tools/browse.py configs/fcn8s_barn.py
  python tools/browse.py configs/fcn8s_voc.py --number 8 --seed 3 --out voc.png
  python tools/browse.py configs/fcn8s_voc.py --split val"""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
    parser.add_argument('--out', type=Path, metavar='FILE.png',
                        help='image to write (default: outputs/browse_<config>_<split>.png)')
    parser.add_argument('--number', type=_cli.positive, default=16,
                        help='of samples (default: 16)')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train',
                        help='which data loader of the config (default: train)')
    parser.add_argument('--seed', type=int, default=0, help='of the choice and the augmentation')
    args = parser.parse_args(argv)
    if args.out is not None and args.out.suffix.lower() not in ('.png', '.jpg'):
        parser.error(f'--out {args.out} is neither .png nor .jpg')
    return args


def main(argv=None) -> int:
    """Write the image; returns the exit status."""
    args = parse_args(argv)
    with _cli.plain_errors(args.debug):
        from plugin.runs import browse
        sheet = browse(args.config, out=args.out, number=args.number, split=args.split,
                       seed=args.seed, options=args.cfg_options)
        print(f'{sheet.shown} of {sheet.total} samples of the {args.split} set: {sheet.path}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
