#!/usr/bin/env python
"""Take the network that predicts out of a checkpoint of a semi-supervised training.

The result is a plain checkpoint for the supervised config: tools/test.py and tools/predict.py
need neither the student nor the unlabelled images any more.
"""
import argparse
import sys
from pathlib import Path

import _cli

EXAMPLES = """examples:
  python tools/export_teacher.py work_dirs/u2pl_barn/best_mIoU_iter_1200.pth teacher.pth
  python tools/test.py configs/suponly_barn.py teacher.pth

A training writes segmentor.pth (last) and best_segmentor.pth (best) by itself at its end."""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', type=Path, help='file of a semi-supervised training')
    parser.add_argument('out', type=Path, help='file to write')
    parser.add_argument('--network', choices=['teacher', 'student', 'second'],
                        help='which one (default: the teacher, or the student without one)')
    parser.add_argument('--overwrite', action='store_true', help='replace OUT if it exists')
    _cli.add_trust(parser)
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Export the network; returns the exit status."""
    args = parse_args(argv)
    with _cli.plain_errors():
        from plugin.models.weights.teacher import export
        exported = export(args.checkpoint, args.out, network=args.network,
                          overwrite=args.overwrite)
    classes = exported['meta'].get('dataset_meta', {}).get('classes', ())
    names = f'; classes {", ".join(classes)}' if classes else ''
    print(f'{args.out}: {len(exported["state_dict"])} tensors{names}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
