"""Turn labels of YOLO-seg (a text file an image) into one COCO file.

    python tools/data/yolo_to_coco.py my_set --out my_set/data.json

A row is a class number and x y of each point, as shares of width and height; a row of five numbers
is a box, taken as a rectangle. Labels lie beside their images, or in labels/ where the images
are in images/. Names of the classes are read from data.yaml or classes.txt in a SOURCE or above it,
or given by --names. An empty file makes an image without animals.
"""
import argparse
import sys
from collections.abc import Sequence

import _data_cli


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = _data_cli.converter_parser(
        __doc__, 'folders with label files, sub-folders included')
    parser.add_argument('--names', metavar='A,B', help='names of the classes 0, 1, ...; or a file '
                        'with one name a line, or with names: as data.yaml has it')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Convert the labels; returns the exit status."""
    args = parse_args(argv)
    return _data_cli.convert('yolo', args, names=args.names)


if __name__ == '__main__':
    sys.exit(main())
