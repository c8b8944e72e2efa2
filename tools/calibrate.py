#!/usr/bin/env python
"""Find the threshold and the intervals of counts anew on the validation images of a config.

For a checkpoint that keeps none, for images of another farm, and for other settings of the
suppression. The weights stay as they are.
"""
import argparse
import sys

import _cli

EXAMPLES = """  python tools/calibrate.py CONFIG CHECKPOINT --out calibrated.pth
  python tools/calibrate.py CONFIG CHECKPOINT --out masks.pth --cfg-options \\
      model.roi_head.type=MaskNMSRoIHead model.test_cfg.rcnn.mask_nms.iou=0.5"""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
    parser.add_argument('checkpoint', help='trained weights')
    parser.add_argument('--out', required=True, metavar='FILE', help='the checkpoint to write')
    parser.add_argument('--work-dir', help='folder for the log and the scores '
                        '(default: work_dirs/<name of the config>)')
    parser.add_argument('--overwrite', action='store_true', help='replace an older file')
    _cli.add_trust(parser)
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Calibrate; returns the exit status."""
    args = parse_args(argv)
    try:
        with _cli.plain_errors(args.debug):
            from plugin.runs import calibrate
            calibrate(args.config, args.checkpoint, args.out, work_dir=args.work_dir,
                      options=args.cfg_options, overwrite=args.overwrite)
    except KeyboardInterrupt:
        return _cli.stopped('; nothing was written')
    return 0


if __name__ == '__main__':
    sys.exit(main())
