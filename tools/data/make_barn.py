"""Draw the barn set: top-down images of cattle, with labels.

    python tools/data/make_barn.py data/barn
"""
import argparse
import os
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[2]


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Draw top-down barn scenes with semantic PNGs, LabelMe polygons and COCO '
        'files.')
    parser.add_argument('folder', type=Path, help='where to write, for example data/barn')
    parser.add_argument('--scenes', type=int, default=200, help='labelled images (default: 200)')
    parser.add_argument('--val', type=float, default=0.2,
                        help='share of them kept for validation (default: 0.2)')
    parser.add_argument('--size', type=int, nargs='+', default=[256], metavar='PIXELS',
                        help='one number, or height and width (default: 256)')
    parser.add_argument('--seed', type=int, default=0,
                        help='another seed, other scenes (default: 0)')
    parser.add_argument('--unlabeled', type=int, default=0,
                        help='further images without labels (default: 0)')
    cores = len(os.sched_getaffinity(0))
    parser.add_argument('--jobs', type=int, default=cores,
                        help=f'processes (default: the cores of this machine, {cores})')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace a barn set that was made with other values')
    args = parser.parse_args(argv)
    if len(args.size) > 2:
        parser.error(f'--size takes one number, or height and width; got {len(args.size)}')
    return args


def main(argv: Optional[List[str]] = None) -> int:
    args = parse_args(argv)
    # imported here so that --help answers at once
    sys.path.insert(0, str(ROOT))
    from plugin.datasets.synthetic_barn import BarnSpec, make_barn
    try:
        spec = BarnSpec(args.scenes, args.val, (args.size[0], args.size[-1]), args.seed,
                        args.unlabeled)
        drawn = make_barn(args.folder, spec, args.jobs, args.overwrite)
    except ValueError as error:
        return _fail(error)
    except OSError as error:
        hint = '' if isinstance(error, FileExistsError) else '; what is done is kept, run again'
        return _fail(f'{error}{hint}')
    except BrokenProcessPool:
        return _fail('a process was killed, perhaps for want of memory; '
                     'run again with a smaller --jobs, what is done is kept')
    except KeyboardInterrupt:
        return _fail('interrupted; run the same command again to draw the rest', 130)
    splits = [split for split, _ in spec.members()]
    counts = ', '.join(f'{splits.count(name)} {name}' for name in dict.fromkeys(splits))
    state = f'drew {drawn} images' if drawn else 'already complete'
    print(f'{args.folder}: {state} ({counts})')
    return 0


def _fail(message: object, status: int = 1) -> int:
    print(f'make_barn: {message}', file=sys.stderr)
    return status


if __name__ == '__main__':
    sys.exit(main())
