"""Turn labels of the VGG Image Annotator (VIA 1 and 2, JSON) into one COCO file.

    python tools/data/via_to_coco.py via_project.json --images images --out data.json

Both saved projects and exported annotations are read. Polygons, rectangles, circles and ellipses
are taken. The class is the value of the only region attribute, or of the one named by
--attribute; without any, --as names all.
"""
import argparse
import sys
from collections.abc import Sequence

import _data_cli


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = _data_cli.converter_parser(__doc__, 'VIA files, or folders of them')
    parser.add_argument('--attribute', help='the region attribute that names the class')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Convert the labels; returns the exit status."""
    args = parse_args(argv)
    return _data_cli.convert('via', args, attribute=args.attribute)


if __name__ == '__main__':
    sys.exit(main())
