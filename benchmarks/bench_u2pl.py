#!/usr/bin/env python
"""Time and memory of U2PL after the logits: ours, and class by class with banks on the CPU.

The step begins with logits and representations at the size of the features and ends with the
gradients of the student's: entropy, thresholds, unsupervised loss, anchors, banks (full),
contrastive loss. The peer does what the published code does, in its order, with Python lists of CPU
tensors as banks. Both take turns in one run; peak memory beyond the inputs and the banks is
measured in a process of its own for each.

    OMP_NUM_THREADS=2 python benchmarks/bench_u2pl.py
    python benchmarks/bench_u2pl.py --device cuda

On a GPU our step runs under ``torch.cuda.set_sync_debug_mode('error')``.
"""
import argparse
import contextlib
import functools
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from parts import peak_memory
from peers.published_u2pl import PublishedContrast, published_full_size
from rich.console import Console
from rich.table import Table

from plugin.models.semi.contrast import ContrastiveLoss
from plugin.models.semi.entropy import masked_quantile
from plugin.models.semi.losses import unsupervised_loss
from plugin.models.semi.pseudo_labels import predict_pseudo_labels, reliable_labels

ALPHA = 0.2


def make_inputs(args: argparse.Namespace) -> SimpleNamespace:
    """What the networks give for 2 N images: blobs of classes, unsure at their borders."""
    torch.manual_seed(0)
    side = (args.size - 1) // args.stride + 1
    shape = (2 * args.images, args.classes, side, side)
    coarse = torch.randn(*shape[:2], 9, 9)
    coarse[:, args.present:] -= 3  # unlikely everywhere
    teacher = F.interpolate(coarse, shape[2:], mode='bicubic') * 4 + 0.3 * torch.randn(shape)
    labels = F.interpolate(teacher[:args.images], (args.size, args.size)).argmax(1)
    labels[:, :, -args.size // 20:] = 255
    features = (shape[0], args.channels, side, side)
    inputs = SimpleNamespace(
        labels=labels, teacher_logits=teacher, teacher_features=torch.randn(features),
        student_logits=teacher[args.images:] + torch.randn(args.images, *shape[1:]),
        student_features=torch.randn(features))
    inputs = SimpleNamespace(**{name: value.to(args.device) for name, value in
                                vars(inputs).items()})
    inputs.student_logits.requires_grad_(True)
    inputs.student_features.requires_grad_(True)
    inputs.is_labeled = torch.arange(shape[0], device=args.device) < args.images
    return inputs


class Ours:
    """The step with the functions of this project."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.loss = ContrastiveLoss(
            args.classes, args.channels, num_anchors=args.anchors, num_negatives=args.negatives,
            bank=dict(capacity=args.capacity, background_capacity=args.background_capacity))
        self.loss.to(args.device)
        bank = self.loss.bank
        bank.keys[:-1] = F.normalize(torch.randn_like(bank.keys[:-1]), dim=1)
        bank.filled.copy_(bank.capacity)

    def full_size(self, inputs: SimpleNamespace) -> tuple:
        """The part at the images' size: unsupervised loss, and what the other part needs."""
        number, size = len(inputs.labels), inputs.labels.shape[1:]
        logits = F.interpolate(inputs.teacher_logits[number:], size, mode='bilinear',
                               align_corners=True)
        valid = torch.ones(logits[:, 0].shape, dtype=torch.bool, device=logits.device)
        pseudo = predict_pseudo_labels(logits, valid)
        del logits
        gamma = masked_quantile(pseudo.entropy, valid, 1 - ALPHA)
        labels = reliable_labels(pseudo, gamma)
        loss = unsupervised_loss(inputs.student_logits, labels, valid, align_corners=True)
        small = inputs.teacher_logits.shape[2:]
        labels = torch.cat([inputs.labels, labels])[:, None].float()
        labels = F.interpolate(labels, small)[:, 0].long()
        unsure = (pseudo.entropy > gamma).float()[:, None]
        unsure = F.interpolate(unsure, small)[:, 0].bool()
        unreliable = torch.cat([torch.zeros_like(unsure), unsure])
        return loss, (labels, labels != 255, unreliable)

    def contrast(self, inputs: SimpleNamespace, selected: tuple) -> torch.Tensor:
        """The part at the size of the features."""
        return self.loss(inputs.student_features, inputs.teacher_features, inputs.teacher_logits,
                         *selected, inputs.is_labeled)['loss']


class Published:
    """The step with what the published code does."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.loss = PublishedContrast(args.classes, args.channels, args.anchors, args.negatives,
                                      args.capacity, args.background_capacity)

    def full_size(self, inputs: SimpleNamespace) -> tuple:
        """See :meth:`Ours.full_size`."""
        return published_full_size(inputs.student_logits, inputs.teacher_logits, inputs.labels,
                                   100 * ALPHA)

    def contrast(self, inputs: SimpleNamespace, selected: tuple) -> torch.Tensor:
        """See :meth:`Ours.contrast`."""
        return self.loss(inputs.student_features, inputs.teacher_features, inputs.teacher_logits,
                         *selected)


METHODS = {'published': Published, 'ours': Ours}


def step(method, inputs: SimpleNamespace, device: str) -> dict[str, float]:
    """Seconds of one step and of its part at the size of the features."""
    inputs.student_logits.grad = inputs.student_features.grad = None
    clock = functools.partial(_now, device)
    start = clock()
    loss, selected = method.full_size(inputs)
    middle = clock()
    contrast = method.contrast(inputs, selected)
    contrast.backward()
    small = clock() - middle
    loss.backward()
    return dict(total=clock() - start, features=small)


def _now(device: str) -> float:
    if device == 'cuda':
        # clocks wait for the GPU, also where our step must not
        mode = torch.cuda.get_sync_debug_mode()
        torch.cuda.set_sync_debug_mode(0)
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode(mode)
    return time.perf_counter()


@contextlib.contextmanager
def no_synchronisation(wanted: bool):
    """Raise where the host waits for the GPU."""
    if wanted:
        torch.cuda.set_sync_debug_mode('error')
    try:
        yield
    finally:
        if wanted:
            torch.cuda.set_sync_debug_mode(0)


def measure_time(args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Median seconds of each method, the methods taking turns."""
    inputs = make_inputs(args)
    methods = {name: build(args) for name, build in METHODS.items()}
    taken: dict[str, list[dict]] = {name: [] for name in methods}
    for turn in range(args.steps + 1):
        for name, method in methods.items():
            watched = args.device == 'cuda' and name == 'ours' and turn > 0 and not args.let_wait
            with no_synchronisation(watched):
                seconds = step(method, inputs, args.device)
            if turn:  # the first step warms up
                taken[name].append(seconds)
    return {name: {part: statistics.median(one[part] for one in steps) for part in steps[0]}
            for name, steps in taken.items()}


def measure_memory(name: str, args: argparse.Namespace) -> float:
    """Peak MB of one step beyond the inputs and the banks; on a CPU in a fresh process."""
    tiny = argparse.Namespace(**{**vars(args), 'size': 33, 'channels': 8, 'capacity': 64,
                                 'background_capacity': 64})
    # code is loaded when it is first used, and counts as memory
    step(METHODS[name](tiny), make_inputs(tiny), args.device)
    inputs, method = make_inputs(args), METHODS[name](args)
    gc.collect()
    before = peak_memory.held(args.device)
    peak_memory.forget_peak(args.device)
    step(method, inputs, args.device)
    return (peak_memory.peak(args.device) - before) / 1e6


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    args = parse(argv)
    if args.memory_of:
        print(measure_memory(args.memory_of, args))
        return
    words = sys.argv[1:] if argv is None else list(argv)
    memory = {}
    for name in METHODS:
        printed = subprocess.run([sys.executable, __file__, *words, '--memory-of', name],
                                 check=True, stdout=subprocess.PIPE, text=True).stdout
        memory[name] = float(printed.split()[-1])
    Console(width=110).print(make_table(args, measure_time(args), memory))


def make_table(args: argparse.Namespace, seconds: dict[str, dict[str, float]],
               memory: dict[str, float]) -> Table:
    """What was measured, and how many times ours is better."""
    rows = {
        'total, s': [seconds[name]['total'] for name in METHODS],
        'at the size of the features, s': [seconds[name]['features'] for name in METHODS],
        'peak memory beyond inputs and banks, MB': [memory[name] for name in METHODS]}
    table = Table(title=f'U2PL after the logits: {args.images} + {args.images} images of '
                        f'{args.size} x {args.size} with {args.present} of {args.classes} classes, '
                        f'{args.device}, {torch.get_num_threads()} threads, median of {args.steps}')
    for column in ('', *METHODS, 'ratio'):
        table.add_column(column)
    for title, (published, ours) in rows.items():
        table.add_row(title, *(f'{value:.0f}' if value >= 100 else f'{value:.2f}'
                               for value in (published, ours)), f'{published / ours:.1f}')
    return table


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options, whose defaults are those of VOC."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--pictures', type=int, default=4, dest='images',
                        help='labelled ones, and as many unlabelled ones [4]')
    for name, default, text in (
            ('size', 513, 'side of an image in pixels'), ('stride', 4, 'of the features'),
            ('classes', 21, ''), ('present', 10, 'classes that the images show'),
            ('channels', 256, 'of the representations'), ('anchors', 50, 'of a class'),
            ('negatives', 256, 'of an anchor'), ('capacity', 30000, 'keys of a class'),
            ('background-capacity', 50000, 'keys of class 0'), ('steps', 7, 'timed ones')):
        parser.add_argument(f'--{name}', type=int, default=default, help=f'{text} [{default}]')
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cpu')
    parser.add_argument('--let-wait', action='store_true',
                        help='do not raise where our step waits for the GPU')
    parser.add_argument('--memory-of', choices=tuple(METHODS), help='measure only this')
    return parser.parse_args(argv)


if __name__ == '__main__':
    main()
