#!/usr/bin/env python
"""Tell what one or several runs did, in one HTML file that opens without network."""
import argparse
import os
import sys
from pathlib import Path

import _cli

EXAMPLES = """  python tools/report.py work_dirs/fcn8s_barn
  python tools/report.py work_dirs/suponly_barn work_dirs/u2pl_barn --out compared.html"""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f'examples:\n{EXAMPLES}',
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work_dirs', nargs='+', type=Path, metavar='WORK_DIR',
                        help='where a training or a test left its files; several are shown side '
                        'by side')
    parser.add_argument('--out', type=Path, metavar='FILE',
                        help='page to write (default: report.html in the work directory; for '
                        'several ./report.html)')
    parser.add_argument('--debug', action='store_true',
                        default=os.environ.get('PASTURE_DEBUG', '') not in ('', '0'),
                        help='show where in the code an error comes from (or PASTURE_DEBUG=1)')
    args = parser.parse_args(argv)
    if args.out is not None and args.out.suffix.lower() not in ('.html', '.htm'):
        parser.error(f'--out {args.out} does not end with .html')
    return args


def main(argv=None) -> int:
    """Write the page; returns the exit status."""
    args = parse_args(argv)
    with _cli.plain_errors(args.debug):
        from plugin.runs import report
        report(args.work_dirs, out=args.out)
    return 0


if __name__ == '__main__':
    sys.exit(main())
