"""Turn a COCO file, or predictions, into LabelMe files, one an image.

    python tools/data/coco_to_labelme.py data.json --images images --out labels
    python tools/data/coco_to_labelme.py results.json --labels cattle --images new --out new

An image without animals gets a file without shapes. Files that are there already stay as they
are, unless --overwrite is given. In LabelMe, open the folder of the images; if the files lie
elsewhere, choose that folder by "File, Change Output Dir".
"""
import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import _data_cli


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = _data_cli.parser_for(__doc__)
    parser.add_argument('source', type=Path, help='a COCO file, or COCO results')
    parser.add_argument('--images', type=Path, required=True, help='folder of the images')
    parser.add_argument('--out', type=Path, required=True, help='folder for the LabelMe files; '
                        'may be that of the images')
    parser.add_argument('--data', type=Path, help='for results: the COCO file with the images '
                        'and classes they are about')
    parser.add_argument('--labels', type=_data_cli.names, default=[], metavar='A,B', help='for '
                        'results without --data: names of the classes 1, 2, ...')
    parser.add_argument('--score-thr', type=float, default=0.0,
                        help='for results: leave out what scores less (default: 0)')
    parser.add_argument('--overwrite', action='store_true', help='replace LabelMe files')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the LabelMe files; returns the exit status."""
    args = parse_args(argv)
    with _data_cli.plain_errors():
        from plugin.datasets.labels import to_labelme
        from plugin.datasets.labels.printing import print_labelme
        print_labelme(args.out, to_labelme(
            args.source, args.out, images=args.images, data=args.data, labels=args.labels,
            score_thr=args.score_thr, overwrite=args.overwrite))
    return 0


if __name__ == '__main__':
    sys.exit(main())
