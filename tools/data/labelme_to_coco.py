"""Turn LabelMe files into one COCO file.

    python tools/data/labelme_to_coco.py my_cattle --out my_cattle/data.json

A LabelMe file lies beside its image, or --images says where the images are. Shapes of one
group_id are one animal; a polygon inside another one of its group is a hole. A LabelMe file
without shapes makes an image without animals. The LabelMe files are never written to.
"""
import argparse
import sys
from pathlib import Path
from typing import Any, Optional, Sequence

sys.path.insert(0, str(Path(__file__).parent))
from _convert import convert, label_files, parser_for, show  # noqa: E402


def read(args: argparse.Namespace, builder: Any) -> None:
    """Read all LabelMe files of the sources."""
    from plugin.datasets.labels.labelme import read_labelme
    files = label_files(args.sources, '.json', skip=[args.out])
    read_labelme(show(files, 'LabelMe'), builder, [args.images] if args.images else [])


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = parser_for(__doc__, 'folders with LabelMe files, sub-folders included')
    return convert(parser.parse_args(argv), read)


if __name__ == '__main__':
    sys.exit(main())
