#!/usr/bin/env python
"""Turn a COCO checkpoint of Mask R-CNN into one that finds some of its classes only.

The classifier, box and mask rows of the kept classes become the heads of the new model, which
finds them before any training. With --drop-heads the checkpoint only initialises a training.
"""
import argparse
import sys
from pathlib import Path

import _cli

EXAMPLES = """examples:
  python tools/convert_coco_head.py mask_rcnn.pth --keep cow --as cattle
  python tools/convert_coco_head.py mask_rcnn.pth --keep cow sheep --out weights/farm.pth
  python tools/convert_coco_head.py mask_rcnn.pth --drop-heads

The checkpoint is a file of MMDetection 2 or 3, of Mask R-CNN or Cascade Mask R-CNN with any
backbone. The classes of the config must be those of --as, in this order. Load the new file with
tools/predict.py or tools/test.py, or train from it with --cfg-options load_from=FILE."""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', type=Path, help='file of MMDetection')
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument('--keep', nargs='+', metavar='CLASS', help='classes to keep')
    what.add_argument('--drop-heads', action='store_true',
                      help='leave out all that belongs to classes')
    parser.add_argument('--as', nargs='+', metavar='NAME', dest='names',
                        help='their new names, one for each (default: as they are)')
    parser.add_argument('--out', type=Path, metavar='FILE',
                        help='file to write (default: CHECKPOINT_NAMES.pth beside the checkpoint)')
    parser.add_argument('--overwrite', action='store_true', help='replace FILE if it exists')
    _cli.add_trust(parser)
    args = parser.parse_args(argv)
    if args.drop_heads and args.names:
        parser.error('--as names kept classes: give it with --keep, not with --drop-heads')
    return args


def main(argv=None) -> int:
    """Convert the checkpoint; returns the exit status."""
    args = parse_args(argv)
    with _cli.plain_errors():
        from plugin.models.weights.coco_head import convert
        target, converted = convert(args.checkpoint, args.out, keep=args.keep, names=args.names,
                                    overwrite=args.overwrite)
    number = len(converted['state_dict'])
    if args.drop_heads:
        print(f'{target}: {number} tensors without heads; train before it can find anything')
    else:
        classes = converted['meta']['dataset_meta']['classes']
        print(f'{target}: {number} tensors; classes {", ".join(classes)} '
              f'(were {", ".join(args.keep)})')
    return 0


if __name__ == '__main__':
    sys.exit(main())
