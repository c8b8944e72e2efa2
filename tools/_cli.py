"""What the tools share on the command line.

Nothing heavy is imported before it is needed, so that ``--help`` answers at once.
"""
import argparse
import contextlib
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# the tools of a checkout use its plugin, installed or not; the package `pasture` finds its own
if Path(__file__).resolve().parent.name == 'tools':
    sys.path.insert(0, str(ROOT))

# Threads of GNU's OpenMP that wait for each other keep their cores for some time: a tenth of the
# usual one leaves them to loaders and other programs sooner. It is read when torch is loaded, and
# would go before the user's policy. What it costs: benchmarks/waiting.py
if 'OMP_WAIT_POLICY' not in os.environ:
    os.environ.setdefault('GOMP_SPINCOUNT', '30000')

USAGE, ERROR, INTERRUPTED = 2, 1, 130
FULL_DISK = 'hint: free some space, or write to another disk'
# where checkpoints are written
FULL_DISK_TRAINING = ('hint: free some space; complete checkpoints are kept, so that a training '
                      'goes on with --resume')


def parser_for(doc: str, examples: str,
               config: str = 'config file, e.g. configs/fcn8s_barn.py', several: bool = False
               ) -> argparse.ArgumentParser:
    """Make the parser of a tool with the arguments all of them have; it takes several configs."""
    parser = argparse.ArgumentParser(
        description=doc, epilog=f'examples:\n{examples}',
        formatter_class=argparse.RawDescriptionHelpFormatter)
    more: dict[str, Any] = dict(nargs='+', metavar='config') if several else {}
    parser.add_argument('configs' if several else 'config', **more,
                        help=f'{config}; a config is a Python program and is run: use only those '
                        'that you trust')
    parser.add_argument('--cfg-options', nargs='+', action='extend', type=_option, default=[],
                        metavar='KEY=VALUE', help='set values of the config, e.g. '
                        'train_cfg.max_iters=100; lists as "[a,b]" or a,b')
    parser.add_argument('--debug', action='store_true',
                        default=os.environ.get('PASTURE_DEBUG', '') not in ('', '0'),
                        help='show where in the code an error comes from (or PASTURE_DEBUG=1)')
    return parser


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Add what the launchers of several processes pass."""
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none',
                        help='what started the processes (see dist_train.sh, slurm_train.sh)')
    # torchrun and its predecessors spell it in both ways
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help=argparse.SUPPRESS)


@contextlib.contextmanager
def plain_errors(debug: bool = False, name: str = 'error',
                 hint: str = FULL_DISK) -> Iterator[None]:
    """Turn the mistakes of a user into one sentence and exit status 1.

    Args:
        debug (bool): Let every error through with its traceback.
        name (str): What the sentence begins with.
        hint (str): Said where the disk is full; '' for nothing.
    """
    try:
        yield
    except Exception as error:
        if debug:
            raise
        # MMEngine reports some errors through warnings before it raises them
        sys.stdout.flush()
        if type(error).__name__ == 'StackError':  # nothing of plugin can be imported
            print(f'{name}: {error}', file=sys.stderr, flush=True)
            raise SystemExit(ERROR) from None
        try:
            from plugin.utils.errors import is_full_disk, is_mistake, sentence
        except ImportError:
            raise error from None
        if not is_mistake(error):
            raise
        rank = os.environ.get('RANK', '0')
        where = f'process {rank}: ' if rank != '0' else ''
        print(f'{name}: {where}{sentence(error)}', file=sys.stderr, flush=True)
        if hint and is_full_disk(error):
            print(hint, file=sys.stderr)
        raise SystemExit(ERROR) from None


class Ending:
    """What ends a tool.

    Attributes:
        number (int): Of the signal; that of Ctrl-C if no other one came.
    """

    number = signal.SIGINT

    @property
    def status(self) -> int:
        """The exit status that programs have after this signal."""
        return 128 + self.number

    @property
    def cause(self) -> str:
        """The signal in words; empty for Ctrl-C, which the user knows of."""
        return '' if self.number == signal.SIGINT else f' by {signal.Signals(self.number).name}'


@contextlib.contextmanager
def signals_as_ctrl_c() -> Iterator[Ending]:
    """Let SIGTERM and SIGHUP end the block in order, as Ctrl-C does, by a ``KeyboardInterrupt``.

    A signal that is ignored already, as ``nohup`` does with SIGHUP, stays ignored.
    """
    ending = Ending()
    before: dict[signal.Signals, Any] = {}

    def end(number: int, frame: object) -> None:
        ending.number = signal.Signals(number)
        for one in before:  # a closed terminal sends several: the next must not stop the tidying up
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    # Windows has no SIGHUP
    for name in ('SIGTERM', 'SIGHUP') if os.name == 'posix' else ('SIGTERM', ):
        number = getattr(signal, name)
        if signal.getsignal(number) != signal.SIG_IGN:
            before[number] = signal.signal(number, end) or signal.SIG_DFL
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stopped(text: str, ending: Ending | None = None) -> int:
    """Say after a signal what is done, once for all processes; returns the exit status."""
    ending = ending or Ending()
    # plugin.utils.console may not be there yet
    if os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) == '0':
        # after SIGHUP the terminal may have gone
        with contextlib.suppress(OSError):
            print(f'\nstopped{ending.cause}{text}', flush=True)
    return ending.status


def _option(text: str) -> str:
    if not re.fullmatch(r'[^=\s][^=]*=.*', text, re.DOTALL):
        raise argparse.ArgumentTypeError(f'{text!r} is not KEY=VALUE')
    return text


def cores() -> int:
    """Number of cores that this process may use."""
    # of a cluster's machine, only some may be ours
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share(text: str) -> float:
    """A number from 0 to 1."""
    with contextlib.suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f'{text} is not a number from 0 to 1')


def distance(text: str) -> float:
    """A number of pixels from 0."""
    with contextlib.suppress(ValueError):
        if 0 <= float(text) < float('inf'):
            return float(text)
    raise argparse.ArgumentTypeError(f'{text} is no distance in pixels, 0 or more')


def positive(text: str) -> int:
    """A whole number from 1."""
    with contextlib.suppress(ValueError):
        if int(text) >= 1:
            return int(text)
    raise argparse.ArgumentTypeError(f'{text} is not a whole number, 1 or more')


def rate(text: str) -> float:
    """A number above 0."""
    with contextlib.suppress(ValueError):
        if 0 < float(text) < float('inf'):
            return float(text)
    raise argparse.ArgumentTypeError(f'{text} is not a number above 0')


def score_and_patience(text: str) -> str | tuple[str, int]:
    """A score, as ``loss``, or a score and a number of validations, as ``loss:5``."""
    score, colon, patience = text.rpartition(':')
    if text and not colon:
        return text
    if not score or not re.fullmatch(r'[1-9]\d*', patience):
        raise argparse.ArgumentTypeError(f'{text!r} is not SCORE or SCORE:PATIENCE, such as loss:5')
    return score, int(patience)


def count(text: str) -> int:
    """A whole number from 0."""
    with contextlib.suppress(ValueError):
        if int(text) >= 0:
            return int(text)
    raise argparse.ArgumentTypeError(f'{text} is not a whole number, 0 or more')


def port(text: str) -> int:
    """A port of the network."""
    if text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f'{text} is no port, 1 to 65535')


def add_tta(parser) -> None:
    """Add ``--tta`` to a tool that predicts."""
    parser.add_argument('--tta', action='store_true',
                        help='average over several scales and mirrorings of each image, those '
                        'of tta_pipeline in the config; takes a dozen times as long '
                        '(semantic models)')


def add_tracking(parser: argparse.ArgumentParser) -> None:
    """Add what is for videos whose animals are followed."""
    group = parser.add_argument_group('each animal of a video once')
    group.add_argument('--track', action='store_true', help='follow the animals of videos, of '
                       'folders of numbered frames, and of cameras (camera:0, rtsp://...), and '
                       'count each once')
    group.add_argument('--gate', action='append', default=[], metavar='LINE',
                       help='count who crosses a line, in both directions: x1,y1,x2,y2 in pixels '
                       '(forward is to the right of it, seen from its start), or a LabelMe file '
                       'with lines; may be given several times')
    group.add_argument('--pen', nargs='?', action='append', default=[], metavar='FILE',
                       help='count how many are there at the same time: in the polygons of a '
                       'LabelMe file (default: in the whole picture)')
    group.add_argument('--pass', nargs='?', action='append', default=[], metavar='FILE',
                       dest='passing', help='count tracks, where each animal passes once: in the '
                       'polygons of a LabelMe file (default: in the whole picture)')
    group.add_argument('--anchor', choices=['centre', 'foot'], default='centre', help='the point '
                       'of an animal that crosses: the centre of its outline, for cameras that '
                       'look down, or its foot, for those at the side (default: centre)')
    group.add_argument('--memory', type=distance, default=2.0, metavar='SECONDS',
                       help='for which an animal that is hidden keeps its id (default: 2)')
    group.add_argument('--fps', type=rate, metavar='N', help='frames a second, in the place '
                       'of what a video says; of a folder of frames (default: 25)')


def check_tracking(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Stop at options that would do nothing."""
    if args.track:
        if args.probabilities or args.data or args.simplify is not None:
            parser.error('--probabilities, --data and --simplify are not for --track')
        if args.batch > 1 or args.launcher != 'none':
            parser.error('--batch and --launcher are not for --track: frames go one after another')
        return
    for name in ('gate', 'pen', 'passing', 'anchor', 'memory', 'fps'):
        if getattr(args, name) != parser.get_default(name):
            parser.error(f'--{"pass" if name == "passing" else name} needs --track')


def add_auto_batch(parser) -> None:
    """Add ``--auto-batch``."""
    parser.add_argument('--auto-batch', action='store_true',
                        help='train with the largest batch that fits into the memory of the GPU, '
                        'and scale the learning rate with it; a resumed training keeps its batch')


def add_logger(parser) -> None:
    """Add ``--logger``."""
    parser.add_argument('--logger', action='append', default=[],
                        choices=['mlflow', 'tensorboard', 'wandb'],
                        help='also write for this tracker, into the work directory; nothing '
                        'leaves the machine (WANDB_MODE and MLFLOW_TRACKING_URI change that); '
                        'may be given several times')


class _Trust(argparse.Action):
    """Notes in the environment, which the readers ask and other processes inherit."""

    def __init__(self, option_strings, dest, **kwargs) -> None:
        super().__init__(option_strings, dest, nargs=0, **kwargs)

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        os.environ['PASTURE_TRUST_CHECKPOINT'] = '1'
        setattr(namespace, self.dest, True)


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add ``--trust-checkpoint`` to a tool that loads one."""
    parser.add_argument('--trust-checkpoint', action=_Trust, default=False,
                        help='run whatever code the checkpoint holds; without it, only tensors '
                        'and plain values are read')
