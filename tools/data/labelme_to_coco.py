"""Turn LabelMe files into one COCO file.

    python tools/data/labelme_to_coco.py my_cattle --out my_cattle/data.json

A LabelMe file lies beside its image, or --images says where the images are. Shapes of one
group_id are one animal; a polygon inside another one of its group is a hole. A LabelMe file
without shapes makes an image without animals. The LabelMe files are never written to.
"""
import argparse
import sys
from collections.abc import Sequence

import _data_cli


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = _data_cli.converter_parser(
        __doc__, 'folders with LabelMe files, sub-folders included')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Convert the labels; returns the exit status."""
    return _data_cli.convert('labelme', parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())
