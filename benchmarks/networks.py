#!/usr/bin/env python
"""Networks side by side: scores, parameters, multiply-adds, time and memory.

Each network is built from its config with random weights and predicts images of the size that its
test pipeline makes. Parameters include auxiliary heads, which predict nothing. Multiply-adds are
those of convolutions and matrix products, one for a multiplication and its addition. Milliseconds
are the median of many images, one at a time, from the normalised image to its labels; the
networks take turns. Peak memory is that of a process of its own beyond what it held before the
network was built, weights included: of one predicted image, and of two training steps with the
config's batch, crop and optimiser. With --onnx, networks and their exported graphs take turns, from
the normalised image to its logits.

    python benchmarks/networks.py
    python benchmarks/networks.py --scores work_dirs --out table.md
    python benchmarks/networks.py configs/fcn8s_voc.py configs/pspnet_r101_voc.py --size 500 375

The scores are those of the last validation of ``<work_dirs>/<config>``, from ``scores.json``.
"""
import argparse
import json
import logging
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from parts.network_cost import (
    build,
    count,
    image_size,
    measure_memory,
    predict,
    random_image,
    read,
)
from torch import Tensor, nn

from plugin.utils import write_atomically

ROOT = Path(__file__).resolve().parents[1]
NETWORKS = ('fcn32s_mnv2', 'fcn16s_mnv2', 'fcn8s_mnv2', 'pspnet_mnv2', 'deeplabv3_mnv2',
            'deeplabv3plus_mnv2', 'refinenet_mnv2', 'segnet-basic', 'unet')
COLUMNS = ('network', 'mIoU, %', 'PA, %', 'parameters, M', 'multiply-adds, G', 'ms an image',
           'ratio', 'ms by onnxruntime', 'peak of an image, MB', 'peak of a training step, MB')
UNKNOWN = '–'


class Row(NamedTuple):
    """What is known of one network; sizes are (height, width)."""

    name: str
    size: tuple[int, int]
    parameters: int
    multiply_adds: float
    seconds: float
    memory: dict[str, float]
    scores: dict[str, float] | None
    onnx_seconds: float | None = None


def measure_time(predictors: dict[Any, Callable[[Tensor], Any]], images: dict[Any, Tensor],
                 args: argparse.Namespace) -> dict[Any, float]:
    """Median seconds an image of each predictor, all taking turns."""
    taken: dict[Any, list[float]] = {name: [] for name in predictors}
    for turn in range(args.images + 2):
        for name, predictor in predictors.items():
            _finish(args.device)
            start = time.perf_counter()
            predictor(images[name])
            _finish(args.device)
            if turn > 1:  # the first ones warm up
                taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def exported(model: nn.Module, classes: int) -> Callable[[Tensor], Any]:
    """The network as onnxruntime runs it, with as many threads."""
    from plugin.models.onnx import OnnxNetwork, facts_of, to_onnx
    facts = facts_of(model, config='', checkpoint='', classes=['class'] * classes,
                     palette=[[0, 0, 0]] * classes)
    return OnnxNetwork(to_onnx(model, metadata=facts.to_metadata()).SerializeToString())


def _finish(device: str) -> None:
    if device == 'cuda':
        torch.cuda.synchronize()


def measure_in_child(path: str, size: tuple[int, int], args: argparse.Namespace) -> dict:
    """:func:`measure_memory` in a process of its own."""
    command = [sys.executable, __file__, path, '--memory-only', '--device', args.device,
               '--threads', str(args.threads), '--size', *map(str, size)]
    # blocks that the C library keeps for later would hide what the network takes
    env = dict(os.environ, MALLOC_MMAP_THRESHOLD_='65536')
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True,
                             env=env).stdout
    return json.loads(printed.splitlines()[-1])


def read_scores(folder: str | None, name: str) -> dict[str, float] | None:
    """Scores in percent that the training of this config left behind."""
    if folder is None:
        return None
    path = Path(folder) / name / 'scores.json'
    if not path.is_file():
        print(f'warning: {path} does not exist: run python tools/train.py configs/{name}.py '
              f'--work-dir {path.parent}', file=sys.stderr)
        return None
    return json.loads(path.read_text(encoding='utf-8'))['scores']


def measure(args: argparse.Namespace) -> list[Row]:
    """One row for each config."""
    cfgs = {Path(path).stem: read(path) for path in args.configs}
    sizes = {name: image_size(cfg, name, args.size) for name, cfg in cfgs.items()}
    memory = {Path(path).stem: measure_in_child(path, sizes[Path(path).stem], args)
              for path in args.configs}
    models = {name: build(cfg, args.device).eval() for name, cfg in cfgs.items()}
    images = {name: random_image(model, sizes[name]) for name, model in models.items()}
    predictors = {name: partial(predict, model) for name, model in models.items()}
    if args.onnx:
        predictors.update({(name, 'onnx'): exported(model, cfgs[name].num_classes)
                           for name, model in models.items()})
        images.update({(name, 'onnx'): images[name] for name in models})
    seconds = measure_time(predictors, images, args)
    return [Row(name, sizes[name], *count(model, sizes[name]), seconds[name], memory[name],
                read_scores(args.scores, name), seconds.get((name, 'onnx')))
            for name, model in models.items()]


def markdown(rows: Sequence[Row], args: argparse.Namespace) -> str:
    """The table, and a line that names the machine; without columns for what nobody measured."""
    lines = []
    for row in rows:
        score = row.scores or {}
        figures = [score.get('mIoU'), score.get('PA'), row.parameters / 1e6,
                   row.multiply_adds / 1e9, row.seconds * 1e3, row.seconds / rows[0].seconds,
                   row.onnx_seconds and row.onnx_seconds * 1e3,
                   row.memory['image'], row.memory['training']]
        lines.append([row.name, *map(_figure, figures)])
    kept = [place for place, title in enumerate(COLUMNS)
            if any(line[place] != UNKNOWN for line in lines)]
    table = [[COLUMNS[place] for place in kept], ['---', *['---:'] * (len(kept) - 1)],
             *([line[place] for place in kept] for line in lines)]
    sizes = sorted({f'{row.size[1]}x{row.size[0]}' for row in rows})
    where = (f'Images of {", ".join(sizes)}, one at a time; {machine(args.device)}, '
             f'{args.threads} thread(s), median of {args.images}.')
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in table) + f'\n\n{where}\n'


def _figure(value: float | None) -> str:
    """Three digits or so."""
    if value is None:
        return UNKNOWN
    return f'{value:.0f}' if value >= 100 else f'{value:.1f}' if value >= 10 else f'{value:.2f}'


def machine(device: str) -> str:
    """Name of the processor or of the GPU, and PyTorch's version."""
    name = platform.processor() or platform.machine()
    if device == 'cuda':
        name = torch.cuda.get_device_name()
    elif Path('/proc/cpuinfo').is_file():
        names = [line.split(':', 1)[1].strip() for line in Path('/proc/cpuinfo').read_text()
                 .splitlines() if line.startswith('model name')]
        name = f'{os.cpu_count()} cores of {names[0]}' if names else name
    return f'{name}, PyTorch {torch.__version__}'


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('configs', nargs='*', help='configs of semantic networks '
                        '[those that train on CamVid in minutes]')
    parser.add_argument('--scores', metavar='DIR', help='folder of the work directories')
    parser.add_argument('--out', help='also write the table into this file')
    parser.add_argument('--size', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'),
                        help="of an image [the test pipeline's]")
    parser.add_argument('--pictures', type=int, default=30, dest='images',
                        help='timed ones [30]')
    parser.add_argument('--threads', type=int, default=len(os.sched_getaffinity(0)),
                        help='[all cores]')
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cpu')
    parser.add_argument('--onnx', action='store_true', help='also time the exported networks')
    parser.add_argument('--memory-only', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    args.configs = args.configs or [str(ROOT / f'configs/{name}_camvid.py') for name in NETWORKS]
    for path in args.configs:
        if not Path(path).is_file():
            parser.error(f'{path} does not exist; the configs are in {ROOT / "configs"}')
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    args = parse(argv)
    torch.set_num_threads(args.threads)
    if args.memory_only:
        path, = args.configs
        print(json.dumps(measure_memory(read(path), tuple(args.size), args.device)))
        return
    text = markdown(measure(args), args)
    print(text, end='')
    if args.out:
        write_atomically(args.out, text)


if __name__ == '__main__':
    # configs tell which variables of the environment they read
    logging.disable(logging.WARNING)
    warnings.filterwarnings('ignore')
    main()
