#!/usr/bin/env python
"""Train a config on K folds of its data: how good it is, and how sure that is.

Every labelled image is validated once, by a network that was not trained on it. Images that
look alike stay in one fold, and so do those of one camera, farm or video with --group-by. What was
stopped goes on when the same command is run again.
"""
import argparse
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import _checkpoints
import _cli

TOOLS = Path(__file__).resolve().parent
DONE = 'fold_done.json'
GRACE = 60  # seconds that a training has to end after Ctrl-C
OWN = {'--work-dir': 'kfold.py chooses the folders of the folds',
       '--resume': 'kfold.py goes on by itself when it is run again',
       '--launcher': 'give --processes N',
       '--local_rank': 'give --processes N'}
EXAMPLES = """  python tools/kfold.py configs/fcn8s_barn.py --folds 5
  python tools/kfold.py configs/mask-rcnn_mnv2_pigs.py --group-by "^(cam\\d+)_"
  python tools/kfold.py configs/unet_isbi.py --folds 3 --amp
  python tools/kfold.py configs/fcn8s_barn.py --processes 2

Arguments that are not listed here go to train.py. The scores are those of the last validation of
each fold: a best checkpoint is chosen by its own fold, and flatters."""


def parse_args(argv=None):
    """Read the command line; returns the own arguments, and those of train.py."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
    parser.allow_abbrev = False
    parser.add_argument('--folds', type=int, default=5, metavar='K', help='default: 5')
    parser.add_argument('--seed', type=int, help='another seed, other folds (default: 0)')
    parser.add_argument('--group-by', metavar='REGEX',
                        help='what finds the name of the camera, farm or video in a file name, '
                        r'for example "^(cam\d+)_"; one name, one fold')
    parser.add_argument('--duplicates', choices=['together', 'report', 'ignore'],
                        default='together', help='near-duplicate images: keep them in one fold '
                        '(default), only report those in different ones, or do not look')
    parser.add_argument('--distance', type=int, metavar='BITS', help='images are near-duplicates '
                        'if so many of 64 bits of their perceptual hashes differ (default: 10)')
    parser.add_argument('--data', choices=['train', 'train+val'], help='what is divided (default: '
                        'train+val; the labelled training images of a semi-supervised config, '
                        'which is compared with its supervised twin by --data train for both)')
    parser.add_argument('--work-dir', type=Path, metavar='DIR', help='folder for the folds '
                        '(default: work_dirs/<name of the config>_kfold)')
    parser.add_argument('--processes', type=int, default=1, metavar='N',
                        help='processes of a training, one a GPU (default: 1)')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(),
                        help='threads that read the data (default: all cores)')
    parser.add_argument('--no-report', dest='report', action='store_false',
                        help='leave out the page over all folds')
    _checkpoints.add_trust(parser)
    args, passed = parser.parse_known_args(argv)
    for word in passed:
        if word.partition('=')[0] in OWN:
            parser.error(f'{word}: {OWN[word.partition("=")[0]]}')
    for name, least in (('folds', 2), ('processes', 1), ('jobs', 1), ('seed', 0)):
        value = getattr(args, name)
        if value is not None and value < least:
            parser.error(f'--{name} {value}: give {least} or more')
    return args, passed


def main(argv=None) -> int:
    """Train all folds; returns the exit status."""
    args, passed = parse_args(argv)
    try:
        with _cli.plain_errors(args.debug):
            return kfold(args, passed)
    except KeyboardInterrupt:
        _cli.say('\nstopped; the same command goes on')
        return _cli.INTERRUPTED


def kfold(args: argparse.Namespace, passed: Sequence[str]) -> int:
    """Make the folds, train those that are left, and sum up."""
    sys.path.append(str(TOOLS / 'data'))
    from plugin.runs.kfold import plan, scores
    cfg = _cli.load_config(args.config, args.cfg_options)
    work_dir = args.work_dir or Path('work_dirs') / f'{Path(args.config).stem}_kfold'
    with locked(work_dir) as lock:
        plan = plan.make_plan(cfg, args, passed, work_dir)
        found = []
        for number, fold in enumerate(plan.folds):
            title = (f'fold {number} of 0..{len(plan.folds) - 1}: {fold.sizes[0]} images to '
                     f'train on, {fold.sizes[1]} to validate')
            done = fold.work_dir / DONE
            if not is_done(done, plan.fingerprint):
                _cli.say(f'\n{title}')
                status = run_training(command_of(args, passed, plan.options, fold), lock)
                if status:
                    return stopped(number, status, fold.work_dir)
                finish(done, plan.fingerprint, scores.read_scores(fold.work_dir))
            else:
                _cli.say(f'{title}; done before')
            found.append(json.loads(done.read_text(encoding='utf-8'))['scores'])
        joint = scores.join_scores(found)
        paths = scores.write_scores(
            dict(config=args.config, folds=[str(fold.work_dir) for fold in plan.folds], **joint),
            work_dir)
    _cli.say('')
    scores.print_scores(joint)
    _cli.say('\n'.join(f'wrote {path}' for path in paths))
    if args.report:
        report([fold.work_dir for fold in plan.folds], work_dir / 'report.html')
    return 0


@contextlib.contextmanager
def locked(work_dir: Path):
    """Keep a second process from training the same folds; yields what holds the lock."""
    import fcntl
    if work_dir.exists() and not work_dir.is_dir():
        raise FileExistsError(f'the work directory {work_dir} is a file: give another one')
    work_dir.mkdir(parents=True, exist_ok=True)
    with (work_dir / '.lock').open('w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f'{work_dir} is being worked on by another kfold.py: wait for it, or '
                             'give another --work-dir') from None
        yield file


def command_of(args: argparse.Namespace, passed: Sequence[str], options: Sequence[str],
               fold) -> list[str]:
    """The command that trains one fold, from where it was stopped."""
    own = ['--work-dir', str(fold.work_dir), '--resume', 'auto', *passed]
    if args.trust_checkpoint:
        own.append('--trust-checkpoint')
    if args.debug:
        own.append('--debug')
    if options:
        own += ['--cfg-options', *options]
    if args.processes > 1:
        return [str(TOOLS / 'dist_train.sh'), str(fold.config), str(args.processes), *own]
    return [sys.executable, str(TOOLS / 'train.py'), str(fold.config), *own]


def run_training(command: Sequence[str], lock) -> int:
    """Train one fold, and wait for its end, also after Ctrl-C; returns the exit status."""
    # a training that outlives this process keeps the lock
    with subprocess.Popen(command, pass_fds=[lock.fileno()]) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:  # a launcher that is killed would leave its processes behind
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.terminate()
                process.wait()
            raise


def is_done(path: Path, fingerprint: str) -> bool:
    """Whether a fold was trained as planned."""
    return (path.is_file()
            and json.loads(path.read_text(encoding='utf-8'))['fingerprint'] == fingerprint)


def finish(path: Path, fingerprint: str, scores: dict) -> None:
    """Note that a fold is done, with its scores."""
    from plugin.utils import write_atomically
    write_atomically(path, json.dumps(dict(fingerprint=fingerprint, scores=scores), indent=1))


def stopped(number: int, status: int, work_dir: Path) -> int:
    """Say how a fold ended that did not end well; returns the exit status."""
    if status in (_cli.INTERRUPTED, -2):
        raise KeyboardInterrupt
    how = f'signal {-status}' if status < 0 else f'status {status}'
    print(f'error: the training of fold {number} ended with {how} (see {work_dir}); what is done '
          'is kept, the same command goes on', file=sys.stderr)
    return _cli.ERROR


def report(folders: Sequence[Path], page: Path) -> None:
    """Write one page over all folds; the scores are safe without it."""
    tool = TOOLS / 'report.py'
    ended = subprocess.run([sys.executable, str(tool), *map(str, folders), '--out', str(page)])
    if ended.returncode:
        _cli.warn(f'{page} was not written (see above); try again with python tools/report.py '
                  f'{" ".join(map(str, folders))} --out {page}')


if __name__ == '__main__':
    sys.exit(main())
