#!/usr/bin/env python
"""Compute weights that balance the classes of a training set in the loss.

Prints a line for the config; --out writes a file that loss_decode.class_weight takes as well.
"""
import argparse
import json
import os
import sys
from pathlib import Path
from typing import List, Optional, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import _cli  # noqa: E402

DIGITS = 4  # of a weight
EXAMPLES = """  python tools/data/class_weights.py configs/segnet-basic_camvid.py
  python tools/data/class_weights.py configs/fcn8s_voc.py --mode inverse --out weights/voc.json

then in the config:
  loss_decode=dict(type='BalancedCrossEntropyLoss', class_weight='weights/voc.json')"""


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
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


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Compute the weights; returns the exit status."""
    args = parse_args(argv)
    with _cli.plain_errors(args.debug):
        weigh(args)
    return 0


def weigh(args: argparse.Namespace) -> None:
    """Count the classes, print their weights, and write them."""
    if args.out is not None and args.out.exists() and not args.overwrite:
        raise FileExistsError(f'{args.out} exists already: choose another name, or replace it '
                              'with --overwrite')
    cfg = _cli.load_config(args.config, args.cfg_options)
    if not cfg.get('train_dataloader'):
        raise UserError(f'{args.config} has no train_dataloader')
    from mmengine.registry import DATASETS, init_default_scope

    from plugin.datasets.doctor.class_counts import count_classes
    from plugin.models.losses.class_weights import class_weights
    from plugin.utils import write_atomically
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    pixels, sizes = count_classes(dataset, args.jobs)
    weights = [float(f'{weight:.{DIGITS}g}')
               for weight in class_weights(pixels, sizes, args.mode)]
    print_table(dataset.metainfo['classes'], pixels, weights)
    print(f'class_weight={weights}')
    if args.out is not None:
        write_atomically(args.out, json.dumps(weights) + '\n')
        print(f'wrote {args.out}')


def print_table(classes: Sequence[str], pixels, weights: List[float]) -> None:
    """Show in how many images and on how many pixels each class is, and what it weighs."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from plugin.datasets.doctor.class_counts import absent_classes
    table = Table('class')
    for name in ('images', 'pixels', 'weight'):
        table.add_column(name, justify='right')
    for k, (name, weight) in enumerate(zip(classes, weights, strict=True)):
        table.add_row(escape(name), f'{(pixels[:, k] > 0).sum():,}', f'{pixels[:, k].sum():,}',
                      str(weight))
    Console().print(table)
    absent = absent_classes(classes, pixels)
    if absent:
        print(f'no image of the training set shows {", ".join(absent)}: weight 0')


if __name__ == '__main__':
    sys.exit(main())
