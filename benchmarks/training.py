#!/usr/bin/env python
"""A training step of each config in several ways, side by side: processor time, wall time, losses.

A way is a list of changes of the config: of its precision, its memory layout, its proposals. All
ways of a config train on the same batches of its own data (data/README.md), one step each in turn,
from the same random weights or those of a checkpoint, with which a detector has the proposals of a
trained one. The loss is that of the first step. Processor time is that of all threads of this
process, so that other programs change it less than wall time, which is what a user waits; both are
medians of the steps after the first one. Loading of images is given by itself.

    python benchmarks/training.py
    python benchmarks/training.py configs/unet_camvid.py --steps 5 --threads 2
    python benchmarks/training.py configs/mask-rcnn_mnv2_pigs.py --weights iter_200.pth \\
        --way default_hooks.folding.enabled=False --way model.backbone.frozen_stages=2
"""
import argparse
import contextlib
import copy
import logging
import statistics
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import HOOKS, MODELS, init_default_scope
from mmengine.runner import Runner
from networks import machine
from torch import nn

from plugin.engine.checkpoints.archives import read_plain
from plugin.runs.loaders import mend_workers
from plugin.utils.config import load_config

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ('fcn8s_mnv2_camvid', 'segnet-basic_camvid', 'unet_camvid', 'refinenet_mnv2_camvid',
           'mask-rcnn_mnv2_pigs')
FIRST = 'default_hooks.layout=None'
LAST = 'default_hooks.layout.type=ChannelsLastHook'
SHORT = 'optim_wrapper.type=BFloat16OptimWrapper'
# hooks that change how a network computes and not what
ARRANGE = ('ChannelsLastHook', 'FoldedNormsHook')
# what is named on the command line compares with the config as it is
WAYS = ((FIRST, ), (LAST, ), (FIRST, SHORT), (LAST, SHORT))
NAMES = {FIRST: 'channels first', LAST: 'channels last', SHORT: 'bfloat16'}
COLUMNS = ('config', 'way', 'CPU s a step', 'ratio', 'wall s a step', 'ratio', 'first loss')


class Taken(NamedTuple):
    """Seconds of one step, and its loss."""

    cpu: float
    wall: float
    loss: float


class Way(NamedTuple):
    """A network with what trains it, and what its steps took."""

    name: str
    model: nn.Module
    wrapper: OptimWrapper
    taken: list[Taken]

    def median(self, what: str) -> float:
        """Of all steps but the first one, which warms up."""
        return statistics.median(getattr(one, what) for one in self.taken[1:])


def prepare(cfg: Config, name: str, weights: str | None) -> Way:
    """A network as the config trains it, with random weights or those of a checkpoint."""
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    if weights is not None:
        model.load_state_dict(read_plain(weights, map_location='cpu')['state_dict'])
    runner = argparse.Namespace(model=model, cfg=cfg)
    for hook in filter(None, cfg.default_hooks.values()):
        if hook.type in ARRANGE:
            made = HOOKS.build(hook)
            made.before_run(runner)
            made.before_train(runner)
    return Way(name, model, build_optim_wrapper(model, cfg.optim_wrapper), [])


def batches(cfg: Config, number: int) -> Iterator[Any]:
    """What the training of a config reads."""
    loader = cfg.train_dataloader
    loader.num_workers = 0
    mend_workers(cfg)
    iterator = iter(Runner.build_dataloader(loader, seed=0))
    for _ in range(number):
        yield next(iterator)


def step(way: Way, batch: Any) -> None:
    """One step of a training, and its time."""
    # preprocessing changes what it gets
    batch = copy.deepcopy(batch)
    torch.manual_seed(0)
    cpu, wall = time.process_time(), time.perf_counter()
    losses = way.model.train_step(batch, way.wrapper)
    way.taken.append(Taken(time.process_time() - cpu, time.perf_counter() - wall,
                           float(losses['loss'])))


def measure(path: str, args: argparse.Namespace) -> tuple[list[Way], float]:
    """All ways of one config, and the processor seconds that a batch took to load."""
    given = [tuple(way) for way in args.way]
    ways = [(), *given] if given else WAYS
    base = load_config(path)
    init_default_scope(base.default_scope)
    prepared = [prepare(load_config(path, way), named(way), args.weights) for way in ways]
    loading = []
    start = time.process_time()
    for batch in batches(base, args.steps + 1):
        loading.append(time.process_time() - start)
        for way in prepared:
            step(way, batch)
        start = time.process_time()
    return prepared, statistics.median(loading)


def named(way: Sequence[str]) -> str:
    """A way in words."""
    return ', '.join(NAMES.get(option, option) for option in way) or 'as it is'


def markdown(found: dict[str, tuple[list[Way], float]], args: argparse.Namespace) -> str:
    """The table, what loading takes, and a line that names the machine."""
    lines = ['| ' + ' | '.join(COLUMNS) + ' |', '|---|---|' + '---:|' * (len(COLUMNS) - 2)]
    for config, (ways, _) in found.items():
        for way in ways:
            cpu, wall = way.median('cpu'), way.median('wall')
            figures = (cpu, cpu / ways[0].median('cpu'), wall, wall / ways[0].median('wall'))
            lines.append(f'| {config} | {way.name} | '
                         + ' | '.join(f'{figure:.3g}' for figure in figures)
                         + f' | {way.taken[0].loss:.4g} |')
    loading = ', '.join(f'{config} {seconds:.2f}' for config, (_, seconds) in found.items())
    return ('\n'.join(lines) + f'\n\nLoading of a batch, CPU s: {loading}.\n{machine("cpu")}, '
            f'{args.threads} thread(s), median of {args.steps} steps.\n')


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('configs', nargs='*', help='[four of CamVid, and mask-rcnn_mnv2_pigs]')
    parser.add_argument('--way', nargs='+', action='append', default=[], metavar='KEY=VALUE',
                        help='changes of the config, against the config as it is; may be given '
                        'several times [precisions and memory layouts]')
    parser.add_argument('--weights', metavar='CHECKPOINT', help='of one config [random]')
    parser.add_argument('--steps', type=int, default=5, help='timed ones [5]')
    parser.add_argument('--threads', type=int, default=1, help='[1]')
    parser.add_argument('--quick', action='store_true', help='one timed step: does it run?')
    args = parser.parse_args(argv)
    if args.weights and len(args.configs) != 1:
        parser.error('--weights are those of one config: name it')
    args.configs = args.configs or [str(ROOT / f'configs/{name}.py') for name in CONFIGS]
    args.steps = 1 if args.quick else args.steps
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    args = parse(argv)
    torch.set_num_threads(args.threads)
    found = {}
    for path in args.configs:
        try:
            with contextlib.redirect_stdout(sys.stderr):
                found[Path(path).stem] = measure(path, args)
        except FileNotFoundError as error:
            print(f'{path} is left out: {error}', file=sys.stderr)
    if not found:
        raise SystemExit('error: the data of none of these configs are there (data/README.md)')
    print(markdown(found, args), end='')


if __name__ == '__main__':
    # building a network tells of every parameter
    logging.disable(logging.WARNING)
    warnings.filterwarnings('ignore')
    main()
