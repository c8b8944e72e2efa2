#!/usr/bin/env python
"""Take the network that predicts out of a checkpoint of a semi-supervised training.

The result is a plain checkpoint for the supervised config: tools/test.py and tools/predict.py
need neither the student nor the unlabelled images any more.
"""
import argparse
import sys
from pathlib import Path

from _checkpoints import add_trust, check_target, read_checkpoint

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

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
    add_trust(parser)
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Export the network; returns the exit status."""
    args = parse_args(argv)
    try:
        check_target(args.checkpoint, args.out, args.overwrite)
        from plugin.models.weights.teacher import export_segmentor
        from plugin.utils import write_checkpoint
        exported = export_segmentor(read_checkpoint(args.checkpoint), args.network)
        write_checkpoint(exported, args.out)
    except (OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    classes = exported['meta'].get('dataset_meta', {}).get('classes', ())
    names = f'; classes {", ".join(classes)}' if classes else ''
    print(f'{args.out}: {len(exported["state_dict"])} tensors{names}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
