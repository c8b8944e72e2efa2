#!/usr/bin/env python
"""Say what is wrong with data before an hour is lost: files, labels, classes, copies, space.

Looks at every image and label that a config reads, or that lie in a folder, or that a COCO file
names. Exit status: 0 without errors (there may be warnings), 1 with errors, 2 if there was
nothing to look at.
"""
import argparse
import contextlib
import sys
from pathlib import Path

import _cli

EXAMPLES = """  python tools/check_data.py configs/fcn8s_barn.py
  python tools/check_data.py data/cattle/labelme
  python tools/check_data.py data/cattle/train.json --images data/cattle/pictures
  python tools/check_data.py configs/fcn8s_barn.py --json report.json"""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES, 'config file, folder (images and labels, VOC, '
                             'COCO, LabelMe) or COCO file')
    parser.add_argument('--images', type=Path, metavar='FOLDER', help='folder of the images of '
                        'a COCO file or of LabelMe files (default: beside them)')
    parser.add_argument('--work-dir', help='where the checkpoints would be written '
                        '(default: as tools/train.py)')
    parser.add_argument('--jobs', type=int, default=_cli.cores(), metavar='N',
                        help='processes that read images (default: all cores)')
    parser.add_argument('--json', nargs='?', const='-', metavar='FILE',
                        help='write the findings as JSON into a file, or print nothing else')
    args = parser.parse_args(argv)
    if args.jobs < 1:
        parser.error(f'--jobs {args.jobs} does no work: give 1 or more')
    if args.images is not None and not args.images.is_dir():
        parser.error(f'--images {args.images} is no folder: give that of the images')
    return args


def main(argv=None) -> int:
    """Look at the data; returns the exit status."""
    args = parse_args(argv)
    # what MMEngine says of a config goes to the standard output, which may be the JSON's
    quiet = contextlib.redirect_stdout(sys.stderr if args.json == '-' else sys.stdout)
    try:
        with _cli.plain_errors(args.debug):
            with quiet:
                from plugin.datasets.doctor import examine, write_report
                report = examine(args.config, images=args.images, options=args.cfg_options,
                                 work_dir=args.work_dir, jobs=args.jobs)
            write_report(report, args.json)
    except KeyboardInterrupt:
        print('\ninterrupted: nothing was changed', file=sys.stderr)
        return _cli.INTERRUPTED
    except SystemExit:
        # what plain_errors said is no verdict on the data
        return _cli.USAGE
    return _cli.ERROR if report.counts['error'] else 0


if __name__ == '__main__':
    sys.exit(main())
