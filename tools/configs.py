#!/usr/bin/env python
"""Copy the configs that come with Pasture into a folder, to change them there."""
import argparse
import sys

import _cli

EXAMPLES = """examples:
  pasture configs
  pasture configs my_project/configs
"""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', nargs='?', default='configs',
                        help='where to, _base_ included (default: configs)')
    parser.add_argument('--overwrite', action='store_true', help='replace files that are there')
    parser.add_argument('--debug', action='store_true',
                        help='show where in the code an error comes from')
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Copy; returns the exit status."""
    args = parse_args(argv)
    with _cli.plain_errors(args.debug):
        from plugin.utils.config import copy_configs
        files = copy_configs(args.folder, overwrite=args.overwrite)
        print(f'{args.folder}: {len(files)} files')
    return 0


if __name__ == '__main__':
    sys.exit(main())
