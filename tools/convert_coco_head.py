#!/usr/bin/env python
"""Turn a COCO checkpoint of Mask R-CNN into one that finds some of its classes only.

The classifier, box and mask rows of the kept classes become the heads of the new model, which
finds them before any training. With --drop-heads the checkpoint only initialises a training.
"""
import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

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
    args = parser.parse_args(argv)
    if args.drop_heads and args.names:
        parser.error('--as names kept classes: give it with --keep, not with --drop-heads')
    return args


def target_of(args: argparse.Namespace) -> Path:
    """The file to write."""
    source = args.checkpoint
    if not source.is_file():
        raise FileNotFoundError(f'{source} is no file: download the checkpoint first')
    names = ['no', 'heads'] if args.drop_heads else args.names or args.keep
    label = re.sub(r'[^\w-]+', '-', '-'.join(names))
    target = args.out or source.with_name(f'{source.stem}_{label}.pth')
    if target.exists() and target.resolve() == source.resolve():
        raise FileExistsError(f'--out {target} is the checkpoint itself: give another name')
    if target.is_dir():
        raise IsADirectoryError(f'--out {target} is a folder: give the name of a file')
    if target.exists() and not args.overwrite:
        raise FileExistsError(f'{target} exists: give another --out, or --overwrite to replace it')
    return target


def read_checkpoint(path: Path) -> dict:
    """Read what MMEngine would load."""
    from mmengine.runner import CheckpointLoader
    try:
        checkpoint = CheckpointLoader.load_checkpoint(str(path), map_location='cpu',
                                                      logger='silent')
    except OSError:
        raise
    except Exception as error:  # unpickling anything may raise anything
        reason = str(error).strip().split('\n')[0]
        raise ValueError(f'{path} is no checkpoint of PyTorch ({type(error).__name__}: {reason}): '
                         'download it again, or give another file') from error
    state_dict = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else None
    if not hasattr(state_dict, 'items'):
        raise ValueError(f'{path} holds no state dict: give a checkpoint of MMDetection')
    return checkpoint


def main(argv=None) -> int:
    """Convert the checkpoint; returns the exit status."""
    args = parse_args(argv)
    import torch

    from plugin.models.convert_coco_head import convert_checkpoint
    from plugin.utils import atomic_path
    try:
        target = target_of(args)
        converted = convert_checkpoint(read_checkpoint(args.checkpoint), args.keep, args.names)
        with atomic_path(target) as path:
            torch.save(converted, path)
    except (OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
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
