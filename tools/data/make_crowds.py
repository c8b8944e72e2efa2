"""Paste the outlined animals of a COCO file into crowds, with masks of what remains visible.

    python tools/data/make_crowds.py data/pigs/test.json --out data/crowds

Takes instances from this file only: one call for each of train.json, val.json and test.json makes
a set whose parts share nothing. CATTLE_ROOT=data/crowds lets the configs of cattle read it.
"""
import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import _data_cli


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = _data_cli.parser_for(__doc__)
    parser.add_argument('data', type=Path, help='COCO file, for example data/pigs/test.json')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR',
                        help='where images/ and a COCO file of the same name are written')
    parser.add_argument('--images', type=Path, metavar='DIR', help='folder of the images '
                        '(default: that of the COCO file, or images in it)')
    parser.add_argument('--number', type=int, default=50, help='images to make (default: 50)')
    parser.add_argument('--least', type=int, default=5,
                        help='animals that are pasted into an image at least (default: 5)')
    parser.add_argument('--most', type=int, default=20, help='and at most (default: 20)')
    parser.add_argument('--cover', type=float, default=0.8, help='area of those together, as a '
                        'share of the image (default: 0.8)')
    parser.add_argument('--spread', type=float, default=1.5,
                        help='factor by which their sizes differ at most (default: 1.5)')
    parser.add_argument('--light', type=float, default=0.2,
                        help='share by which their brightness changes at most (default: 0.2)')
    parser.add_argument('--visible', type=float, default=0.25, help='an animal of which less is '
                        'visible is almost hidden (default: 0.25)')
    parser.add_argument('--hidden', choices=['ignore', 'drop'], default='ignore',
                        help='mark these as crowd, neither learned nor counted (default), or '
                        'leave them out')
    parser.add_argument('--seed', type=int, default=0, help='another seed, other crowds')
    parser.add_argument('--overwrite', action='store_true', help='replace older crowds')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Make crowds; returns the exit status."""
    args = parse_args(argv)
    with _data_cli.plain_errors():
        from plugin.datasets.crowds import make_crowds
        done = make_crowds(
            args.data, args.out, images=args.images, number=args.number, least=args.least,
            most=args.most, cover=args.cover, spread=args.spread, light=args.light,
            visible=args.visible, hidden=args.hidden, seed=args.seed, overwrite=args.overwrite)
        print(f'{done.file}: {len(done.counts)} images, {min(done.counts)} to {max(done.counts)} '
              f'animals an image; {done.pasted} pasted, {done.hidden} almost hidden '
              f'({"ignored" if args.hidden == "ignore" else "left out"}), {done.vanished} hidden; '
              f'{done.cut} outlines at the border of their image were not pasted; '
              f'{done.ignored} regions to ignore and crowds of the images are kept')
    return 0


if __name__ == '__main__':
    sys.exit(main())
