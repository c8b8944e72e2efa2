#!/usr/bin/env python
"""Lay out ISBI 2012 for training: single images, class ids, and lists for cross-validation.

    python tools/data/prepare_isbi.py train-volume.tif train-labels.tif --out data/isbi2012
    python tools/data/prepare_isbi.py isbi/images isbi/labels --folds 3 --seed 0

takes the two stacks of the challenge, or two folders of images of the same names, and writes
images/<name>.png, labels/<name>.png (0 membrane, 1 cell) and fold<k>/train.txt and val.txt. The
sources are never written to. The same seed gives the same folds.
"""
import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import _data_cli


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = _data_cli.parser_for(__doc__)
    parser.add_argument('pictures', type=Path, help='train-volume.tif, or a folder of images')
    parser.add_argument('labels', type=Path, help='train-labels.tif, or a folder of labels with '
                        'the same names: 0 membrane, 255 (or 1) cell')
    parser.add_argument('--out', type=Path, default=Path('data/isbi2012'), metavar='DIR',
                        help='default: %(default)s')
    parser.add_argument('--folds', type=int, default=3, help='parts of which each is once the '
                        'validation set (default: %(default)s; 0 writes no lists)')
    parser.add_argument('--seed', type=int, default=0, help='another seed, other folds')
    args = parser.parse_args(argv)
    if args.folds < 0 or args.folds == 1 or args.seed < 0:
        parser.error(f'--folds {args.folds} --seed {args.seed}: give 2 folds or more (0 for '
                     'none), and a seed of 0 or more')
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Lay out the set; returns the exit status."""
    args = parse_args(argv)
    with _data_cli.plain_errors():
        from plugin.datasets.preparation import prepare_isbi
        done = prepare_isbi(args.pictures, args.labels, args.out, folds=args.folds, seed=args.seed)
        print(f'{len(done.names)} images, {100 * done.cells:.1f} % of the pixels are cells, '
              f'{args.folds} folds: {args.out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
