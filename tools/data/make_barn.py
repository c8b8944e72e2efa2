"""Draw the barn set: top-down images of cattle, with labels.

    python tools/data/make_barn.py data/barn
"""
import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import _data_cli


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Draw top-down barn scenes with semantic PNGs, LabelMe polygons and COCO '
        'files.')
    parser.add_argument('folder', type=Path, help='where to write, for example data/barn')
    parser.add_argument('--scenes', type=int, default=200, help='labelled images (default: 200)')
    parser.add_argument('--val', type=float, default=0.2,
                        help='share of them kept for validation (default: 0.2)')
    parser.add_argument('--size', type=int, nargs='+', default=[256], metavar='PIXELS',
                        help='one number, or height and width (default: 256)')
    parser.add_argument('--seed', type=int, default=0,
                        help='another seed, other scenes (default: 0)')
    parser.add_argument('--unlabeled', type=int, default=0,
                        help='further images without labels (default: 0)')
    parser.add_argument('--covered', type=float, default=0.0, metavar='SHARE',
                        help='share of the training animals that lie in a region to ignore '
                        'instead of being outlined (default: 0)')
    parser.add_argument('--omitted', type=float, default=0.0, metavar='SHARE',
                        help='share of them that are not labelled at all; with one seed the same '
                        'animals as --covered (default: 0)')
    cores = _data_cli.cores()
    parser.add_argument('--jobs', type=int, default=cores,
                        help=f'processes (default: the cores of this machine, {cores})')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace a barn set that was made with other values')
    args = parser.parse_args(argv)
    if len(args.size) > 2:
        parser.error(f'--size takes one number, or height and width; got {len(args.size)}')
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the set; returns the exit status."""
    args = parse_args(argv)
    with _data_cli.plain_errors(
            'make_barn', go_on='what is done is kept, run again',
            stopped='make_barn: interrupted; run the same command again to draw the rest'):
        from plugin.datasets.synthetic_barn import BarnSpec, make_barn
        spec = BarnSpec(args.scenes, args.val, (args.size[0], args.size[-1]), args.seed,
                        args.unlabeled, args.covered, args.omitted)
        drawn = make_barn(args.folder, spec, args.jobs, args.overwrite)
        splits = [split for split, _ in spec.members()]
        counts = ', '.join(f'{splits.count(name)} {name}' for name in dict.fromkeys(splits))
        state = f'drew {drawn} images' if drawn else 'already complete'
        print(f'{args.folder}: {state} ({counts})')
    return 0


if __name__ == '__main__':
    sys.exit(main())
