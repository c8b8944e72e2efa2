#!/usr/bin/env python
"""Take the network that predicts out of a checkpoint of a semi-supervised training.

The result is a plain checkpoint for the supervised config: tools/test.py and tools/predict.py
need neither the student nor the unlabelled pictures any more.
"""
import argparse
import sys
from pathlib import Path

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
    return parser.parse_args(argv)


def check_paths(source: Path, target: Path, overwrite: bool) -> None:
    """Refuse what would fail or lose a file.

    Raises:
        OSError: If the checkpoint is no file, or the target must not be written.
    """
    if not source.is_file():
        raise FileNotFoundError(f'{source} is no file: give a checkpoint, for example '
                                'work_dirs/u2pl_barn/iter_1200.pth')
    if target.is_dir():
        raise IsADirectoryError(f'{target} is a folder: give the name of a file')
    if target.exists() and target.resolve() == source.resolve():
        raise FileExistsError(f'{target} is the checkpoint itself: give another name')
    if target.exists() and not overwrite:
        raise FileExistsError(f'{target} exists: give another name, or --overwrite to replace it')


def read_checkpoint(path: Path) -> dict:
    """Read what MMEngine would load.

    Raises:
        ValueError: If it is no checkpoint.
    """
    from mmengine.runner import CheckpointLoader
    try:
        checkpoint = CheckpointLoader.load_checkpoint(str(path), map_location='cpu',
                                                      logger='silent')
    except OSError:
        raise
    except Exception as error:  # unpickling anything may raise anything
        reason = str(error).strip().split('\n')[0]
        raise ValueError(f'{path} is no checkpoint of PyTorch ({type(error).__name__}: {reason}): '
                         'give another file') from error
    if not hasattr(checkpoint, 'get') or not hasattr(checkpoint.get('state_dict', checkpoint),
                                                     'items'):
        raise ValueError(f'{path} holds no state dict: give a checkpoint of a training')
    return checkpoint


def main(argv=None) -> int:
    """Export the network; returns the exit status."""
    args = parse_args(argv)
    try:
        check_paths(args.checkpoint, args.out, args.overwrite)
        from plugin.models.export_teacher import export_segmentor, save_segmentor
        exported = export_segmentor(read_checkpoint(args.checkpoint), args.network)
        save_segmentor(exported, args.out)
    except (OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    classes = exported['meta'].get('dataset_meta', {}).get('classes', ())
    names = f'; classes {", ".join(classes)}' if classes else ''
    print(f'{args.out}: {len(exported["state_dict"])} tensors{names}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
