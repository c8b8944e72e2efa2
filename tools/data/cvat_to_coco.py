"""Turn exports of CVAT ("CVAT for images 1.1", XML) into one COCO file.

    python tools/data/cvat_to_coco.py export/annotations.xml --images export/images --out data.json

Polygons, boxes, ellipses and masks are taken; those of one group_id in an image are one animal.
Images are found by their names in the XML, below --images or beside the XML.
"""
import argparse
import sys
from collections.abc import Sequence

import _data_cli


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    return _data_cli.converter_parser(__doc__, 'XML files, or folders of them').parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Convert the labels; returns the exit status."""
    return _data_cli.convert('cvat', parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())
