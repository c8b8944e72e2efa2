"""What threads that wait by spinning cost: alone on the machine, and beside another program.

Threads of OpenMP wait for each other after each operator. By default they spin for some
milliseconds, which takes cores from whatever else runs: the processes that load data, other
programs. The commands let them spin for a tenth of that time (GOMP_SPINCOUNT=30000) unless the user
says otherwise; with OMP_WAIT_POLICY=PASSIVE they sleep at once.

Each line is one command on the generated barn, run in all three ways in turns: training without and
with processes that load, test, and prediction. "busy" is beside a program that keeps one core busy.
Run it on a quiet machine; the last columns are the ratios to spinning as long as OpenMP does.

    python benchmarks/waiting.py
    python benchmarks/waiting.py --tasks train --iterations 20 --turns 1
"""
import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from prettytable import PrettyTable

ROOT = Path(__file__).resolve().parents[1]
# GNU's OpenMP spins so often where no policy is set; the variable goes before the policy
POLICIES = {'long': dict(GOMP_SPINCOUNT='300000'), 'short': dict(GOMP_SPINCOUNT='30000'),
            'sleep': dict(OMP_WAIT_POLICY='PASSIVE')}
TASKS = ('train', 'loaders', 'test', 'predict')
CONFIG = 'configs/fcn8s_barn.py'
RANDOM_WEIGHTS = """
import sys
import torch
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from plugin.inference.predictor import build_model
from plugin.utils.config import load_config
with DefaultScope.overwrite_default_scope('mmseg'):
    model = build_model(load_config('fcn8s_barn', []), MODELS)
torch.save(dict(state_dict=model.state_dict()), sys.argv[1])
"""


def seconds(task: str, policy: str, place: Path, iterations: int) -> float:
    """Seconds an iteration, or an image."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ('OMP_WAIT_POLICY', 'GOMP_SPINCOUNT')}
    environment |= dict(POLICIES[policy], BARN_ROOT=str(place / 'barn'), PYTHONPATH=str(ROOT))
    work = place / f'{task} {policy}'
    options = ['--work-dir', str(work), '--cfg-options', 'default_hooks.logger.interval=1']
    if task == 'predict':
        words = ['benchmarks/predict.py', '--kinds', 'semantic', '--turns', '1', '--json',
                 '--images', str(iterations), '--folder', str(place / 'barn/images/val')]
    elif task == 'test':
        words = ['tools/test.py', CONFIG, str(place / 'random.pth'), *options]
    else:
        workers = ['train_dataloader.num_workers=0'] if task == 'train' else []
        words = ['tools/train.py', CONFIG, '--no-check', *options, *workers,
                 f'train_cfg.max_iters={iterations}', f'train_cfg.val_interval={iterations}']
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, text=True,
                          capture_output=True)
    if done.returncode:
        raise SystemExit(f'error: {" ".join(words)} ended with {done.returncode}\n{done.stderr}')
    if task == 'predict':
        return json.loads(done.stdout.splitlines()[-1])['whole']
    return logged(work, task)


def logged(work: Path, task: str) -> float:
    """The time of an iteration in the log of a training or a test."""
    lines = [json.loads(line) for path in work.rglob('*.json') for line in
             path.read_text('utf-8').splitlines() if line.startswith('{"')]
    if task == 'test':
        return next(line['time'] for line in lines if 'time' in line)
    times = [line['time'] for line in lines if 'loss' in line]
    return statistics.median(times[len(times) // 3:])


@contextlib.contextmanager
def beside(busy: bool) -> Iterator[None]:
    """Keep a core busy while the block lasts."""
    if not busy:
        yield
        return
    with subprocess.Popen([sys.executable, '-c', 'while True: pass']) as other:
        try:
            yield
        finally:
            other.kill()


def prepare(place: Path) -> None:
    """Draw the barn, and write random weights."""
    environment = {**os.environ, 'BARN_ROOT': str(place / 'barn'), 'PYTHONPATH': str(ROOT)}
    for words in (['tools/data/make_barn.py', str(place / 'barn'), '--scenes', '60'],
                  ['-c', RANDOM_WEIGHTS, str(place / 'random.pth')]):
        subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, check=True,
                       capture_output=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--tasks', nargs='+', choices=TASKS, default=TASKS)
    parser.add_argument('--iterations', type=int, default=60)
    parser.add_argument('--turns', type=int, default=3, help='how often each is run')
    args = parser.parse_args(argv)
    table = PrettyTable(['command', 'machine', *(f'{policy} ms' for policy in POLICIES),
                         'short to long', 'sleep to long'])
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        for task in args.tasks:
            for busy in (False, True):
                taken: dict[str, list[float]] = {policy: [] for policy in POLICIES}
                for _ in range(args.turns):
                    for policy, values in taken.items():
                        with beside(busy), tempfile.TemporaryDirectory() as work:
                            for name in ('barn', 'random.pth'):
                                (Path(work) / name).symlink_to(Path(folder) / name)
                            values.append(seconds(task, policy, Path(work), args.iterations))
                        print(f'{task}, {"busy" if busy else "quiet"}, {policy}: '
                              f'{1000 * values[-1]:.1f} ms', flush=True)
                middle = [statistics.median(values) for values in taken.values()]
                table.add_row([task, 'busy' if busy else 'quiet',
                               *(f'{1000 * value:.1f}' for value in middle),
                               *(f'{value / middle[0]:.2f}' for value in middle[1:])])
    print(table)


if __name__ == '__main__':
    main()
