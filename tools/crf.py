#!/usr/bin/env python
"""Let a dense CRF sharpen saved probabilities, several images at a time.

The probabilities are .npy or .npz files of (classes, height, width), float16, float32 or float64,
under the names of the images and in the same subfolders, as tools/predict.py --probabilities
writes them.
"""
import argparse
import contextlib
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import NamedTuple

import _cli

EXAMPLES = """examples:
  python tools/predict.py CONFIG CHECKPOINT pictures/ --probabilities --out outputs
  python tools/crf.py outputs/probabilities pictures/ --out sharper
  python tools/crf.py outputs/probabilities pictures/ --out sharper --bilateral 4 67 3 \\
      --gaussian 3 1 --jobs 8

results in the folder --out:
  masks/NAME.png           the classes as PNG with the palette of VOC; the values are the class ids
  probabilities/NAME.npy   with --probabilities: the marginals, float16 (classes, height, width)"""


class Job(NamedTuple):
    """An image to refine: its probabilities, the image, and the name of its results."""

    probabilities: Path
    image: Path
    name: str


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('probabilities', type=Path, help='folder of .npy or .npz files')
    parser.add_argument('pictures', type=Path, help='folder of the images')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR',
                        help='folder of the results')
    parser.add_argument('--iterations', type=int, default=10, help='default: 10')
    parser.add_argument('--bilateral', type=float, nargs=3, default=(4, 121, 5),
                        metavar=('WEIGHT', 'XY', 'RGB'), help='kernel over places (pixels) and '
                        'colours (0..255) (default: 4 121 5, as DeepLab v1)')
    parser.add_argument('--gaussian', type=float, nargs=2, default=(3, 3),
                        metavar=('WEIGHT', 'XY'), help='kernel over places (default: 3 3)')
    parser.add_argument('--probabilities', dest='marginals', action='store_true',
                        help='also write the marginals')
    parser.add_argument('--jobs', type=int, help='images at a time (default: all cores)')
    parser.add_argument('--debug', action='store_true',
                        default=os.environ.get('PASTURE_DEBUG', '') not in ('', '0'),
                        help='show where in the code an error comes from (or PASTURE_DEBUG=1)')
    args = parser.parse_args(argv)
    if args.jobs is not None and args.jobs < 1:
        parser.error(f'--jobs {args.jobs}: give 1 or more')
    return args


def main(argv=None) -> int:
    """Refine; returns the exit status, 1 if an image could not be done."""
    args = parse_args(argv)
    stage = dict(started=False, failed=0)
    try:
        with _cli.plain_errors(args.debug, running=lambda: stage['started']):
            refine(args, stage)
    except KeyboardInterrupt:
        print(f'\nstopped; what was done is in {args.out}')
        return _cli.INTERRUPTED
    return _cli.ERROR if stage['failed'] else 0


def refine(args: argparse.Namespace, stage: dict) -> None:
    """Pair the files and go through them."""
    # before the heavy imports: what is not there is known at once
    jobs = find_jobs(args.probabilities, args.pictures, args.out)
    from plugin.models.postprocess import DenseCRF
    from plugin.models.postprocess.dense_crf import usable_cores
    crf = DenseCRF(iterations=args.iterations,
                   bilateral=dict(zip(('weight', 'xy', 'rgb'), args.bilateral)),
                   gaussian=dict(zip(('weight', 'xy'), args.gaussian)))
    stage['started'] = True
    one = partial(refine_one, crf, args.out, args.marginals)
    stage['failed'] = run_all(one, jobs, min(args.jobs or usable_cores(), len(jobs)))
    failed = f', {stage["failed"]} could not be done' if stage['failed'] else ''
    print(f'{len(jobs) - stage["failed"]} of {len(jobs)} images refined{failed}; '
          f'results in {args.out}')


def find_jobs(probabilities: Path, images: Path, out: Path) -> list[Job]:
    """Pair the files of probabilities with images of the same name.

    Raises:
        FileNotFoundError: If there are none, or an image is missing.
        UserError: If results would replace the probabilities, or two files have one name.
    """
    from plugin.inference.inputs import find_inputs
    from plugin.utils import first_few
    for folder in (probabilities, images):
        if not folder.is_dir():
            raise FileNotFoundError(f'{folder} is no folder')
    if (out / 'probabilities').resolve() == probabilities.resolve():
        raise UserError(f'the results in {out} would replace the probabilities: '
                         'give another --out')
    files: dict[str, Path] = {}
    for path in sorted(probabilities.rglob('*.np[yz]')):
        name = path.relative_to(probabilities).with_suffix('').as_posix()
        if path.name.startswith('.'):
            continue
        if name in files:
            raise UserError(f'{files[name]} and {path} have the same name: remove one of them')
        files[name] = path
    if not files:
        raise FileNotFoundError(f'{probabilities} holds no probabilities (.npy, .npz); '
                                'tools/predict.py --probabilities writes them')
    known = {item.name: item.path for item in find_inputs([str(images)], out)}
    missing = [name for name in files if name not in known]
    if missing:
        raise FileNotFoundError(f'{images} has no image for {len(missing)} of {len(files)} '
                                f'probabilities: {first_few(missing)}')
    return [Job(path, known[name], name) for name, path in files.items()]


def run_all(one, jobs: list[Job], processes: int) -> int:
    """Refine every image; returns how many could not be done."""
    from multiprocessing import get_context

    from rich.console import Console
    from rich.progress import Progress
    failed = 0
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(Progress(console=Console(stderr=True)))
        task = progress.add_task('images', total=len(jobs))
        # forked: a fresh process would import everything again
        pool = ProcessPoolExecutor(processes, get_context('fork'), signal.signal,
                                   (signal.SIGINT, signal.SIG_IGN))
        # on an error or Ctrl-C those not begun are dropped
        stack.callback(pool.shutdown, cancel_futures=True)
        waiting = {pool.submit(one, job): job for job in jobs}
        for future in as_completed(waiting):
            try:
                problem = future.result()
            except BrokenProcessPool as error:
                raise SystemExit('error: a process was ended from outside, most often for want of '
                                 'memory; use fewer --jobs') from error
            if problem:
                failed += 1
                print(f'skipped: {problem}', file=sys.stderr)
            progress.advance(task)
    return failed


def refine_one(crf, out: Path, marginals: bool, job: Job) -> str:
    """Write the results of an image; returns why that cannot be done, or nothing."""
    import cv2
    import numpy as np

    from plugin.inference.writers import save_array, save_mask
    try:
        shares = read_probabilities(job.probabilities)
        content = np.fromfile(job.image, np.uint8)
        image = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
        if image is None:
            return f'{job.image} is {"no image" if content.size else "empty"}'
        if shares.ndim and len(shares) > 256:
            return f'{job.probabilities}: {len(shares)} classes do not fit into a PNG'
        refined = crf(shares, image[..., ::-1])
    except ValueError as error:
        # one bad file must not cost the others their results
        return f'{job.probabilities}: {error}'
    sys.path.insert(0, str(Path(__file__).parent / 'data'))
    from voc_files import voc_palette
    save_mask(out / 'masks' / f'{job.name}.png', refined.argmax(0), voc_palette())
    if marginals:
        save_array(out / 'probabilities' / f'{job.name}.npy', refined.astype(np.float16))
    return ''


def read_probabilities(path: Path):
    """Read (C, H, W) from a .npy file, or a .npz file that holds one array.

    Raises:
        UserError: If it is no such file.
    """
    import tokenize
    import zipfile
    import zlib

    import numpy as np
    try:
        content = np.load(path, allow_pickle=False)
        # what a file is decides its content, whatever its suffix
        if isinstance(content, np.ndarray):
            return content
        with content:
            if len(content.files) != 1:
                raise UserError(f'it holds {len(content.files)} arrays: give one')
            return content[content.files[0]]
    except (EOFError, tokenize.TokenError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f'it cannot be read ({error})') from error


if __name__ == '__main__':
    sys.exit(main())
