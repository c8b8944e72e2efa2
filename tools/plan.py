#!/usr/bin/env python
"""Write a config whose limits, anchors and image size follow the data, with the reasons.

Looks at the outlines of the training and the validation set; the test set chooses nothing.
"""
import argparse
import sys

import _cli

EXAMPLES = """  python tools/plan.py configs/mask-rcnn_mnv2_cattle.py --out configs/planned.py
  python tools/train.py configs/planned.py"""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES, 'config of a model of animals')
    parser.add_argument('--out', required=True, metavar='FILE', help='the config to write')
    parser.add_argument('--overwrite', action='store_true', help='replace an older file')
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Plan; returns the exit status."""
    args = parse_args(argv)
    try:
        with _cli.plain_errors(args.debug):
            from plugin.datasets.doctor import plan
            for one in plan(args.config, args.out, options=args.cfg_options,
                            overwrite=args.overwrite):
                print(f'{".".join(one.key)}: {one.reason}')
            print(f'wrote {args.out}')
    except KeyboardInterrupt:
        return _cli.stopped('; nothing was written')
    return 0


if __name__ == '__main__':
    sys.exit(main())
