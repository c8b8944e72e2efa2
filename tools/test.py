#!/usr/bin/env python
"""Measure a trained model on the test set of its config."""
import argparse
import sys

import _cli

EXAMPLES = """  python tools/test.py configs/fcn8s_barn.py work_dirs/fcn8s_barn/iter_800.pth
  python tools/test.py CONFIG CHECKPOINT --out predictions/ --show-dir overlays/
  tools/dist_test.sh CONFIG CHECKPOINT 4"""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
    parser.add_argument('checkpoint', help='checkpoint to measure')
    parser.add_argument('--work-dir', help='folder for the log and the scores '
                        '(default: work_dirs/<name of the config>)')
    parser.add_argument('--out', metavar='DIR', help='also write each prediction: as PNG, ids as '
                        'they are submitted to benchmarks, or as COCO results')
    parser.add_argument('--show-dir', metavar='DIR', help='also draw truth and prediction over '
                        'each image')
    _cli.add_tta(parser)
    _cli.add_trust(parser)
    _cli.add_launcher(parser)
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Test; returns the exit status."""
    args = parse_args(argv)
    try:
        with _cli.plain_errors(args.debug):
            from plugin.runs import test
            test(args.config, args.checkpoint, work_dir=args.work_dir, out=args.out,
                 show_dir=args.show_dir, tta=args.tta, options=args.cfg_options,
                 launcher=args.launcher, local_rank=args.local_rank)
    except KeyboardInterrupt:
        return _cli.stopped('; nothing was measured')
    return 0


if __name__ == '__main__':
    sys.exit(main())
