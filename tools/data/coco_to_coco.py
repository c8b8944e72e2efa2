"""Mend the COCO file of any tool, or several put together, into one that every tool here takes.

    python tools/data/coco_to_coco.py export.json --images images --out data.json
    python tools/data/coco_to_coco.py farm1/_annotations.coco.json farm2/_annotations.coco.json \\
        --images . --out data.json

Files of Roboflow, CVAT, Label Studio, VIA, COCO Annotator and others: ids as text or twice,
categories that only group others, outlines as flat lists, run lengths as Python shows bytes,
missing areas and boxes, paths of Windows, exchanged width and height, other encodings. What is
certain is mended, what is not is left out, and both are told by name. Images, annotations and
categories are numbered anew from 1.
"""
import argparse
import sys
from collections.abc import Sequence

import _data_cli


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = _data_cli.converter_parser(__doc__, 'COCO files, or folders of them')
    parser.add_argument('--crowds', choices=['keep', 'single'],
                        help='annotations marked iscrowd: keep them crowds (default), or take '
                        'each as a single animal, as CVAT writes what is drawn with a brush')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Convert the labels; returns the exit status."""
    args = parse_args(argv)
    return _data_cli.convert('coco', args, crowds=args.crowds)


if __name__ == '__main__':
    sys.exit(main())
