#!/usr/bin/env python
"""Say what is wrong with data before an hour is lost: files, labels, classes, copies, space.

Looks at every image and label that a config reads, or that lie in a folder, or that a COCO file
names. Exit status: 0 without errors (there may be warnings), 1 with errors, 2 if there was
nothing to look at.
"""
import argparse
import contextlib
import json
import os
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
    parser.add_argument('--jobs', type=int, default=_cores(), metavar='N',
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
    try:
        report = examine(args)
        write(args, report)
    except KeyboardInterrupt:
        print('\ninterrupted: nothing was changed', file=sys.stderr)
        return _cli.INTERRUPTED
    except SystemExit:
        # what plain_errors said is no verdict on the data
        return _cli.USAGE
    return _cli.ERROR if report.counts['error'] else 0


def examine(args: argparse.Namespace):
    """Look at a config, a folder or a file."""
    # what MMEngine says of a config goes to the standard output, which may be the JSON's
    quiet = contextlib.redirect_stdout(sys.stderr if args.json == '-' else sys.stdout)
    with _cli.plain_errors(args.debug), quiet:
        target = Path(args.config)
        is_config = target.suffix in ('.py', '.yaml', '.yml') or not target.exists()
        if args.images is not None and is_config:
            raise UserError(f'{target} says itself where its images are: leave --images away')
        if is_config:
            cfg = _cli.load_config(args.config, args.cfg_options)
            _cli.set_work_dir(cfg, args.work_dir, args.config)
        from plugin.datasets.doctor import examine_config, examine_path
        if is_config:
            return examine_config(cfg, args.jobs)
        return examine_path(target, args.images, args.jobs)


def write(args: argparse.Namespace, report) -> None:
    """Print the report, and write it if that is asked for."""
    from plugin.datasets.doctor import print_report
    from plugin.utils import write_atomically
    text = json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + '\n'
    if args.json == '-':
        sys.stdout.write(text)
        return
    print_report(report)
    if args.json:
        with _cli.plain_errors(args.debug):
            write_atomically(args.json, text)


def _cores() -> int:
    # of a cluster's machine, only some may be ours
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()


if __name__ == '__main__':
    sys.exit(main())
