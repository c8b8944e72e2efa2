#!/usr/bin/env python
"""Time of a training step of FCN-8s: geometry 'same' against the published pad-100 network.

Both networks have VGG16's full width and take turns in one run, so that the ratio does not depend
on what else the machine does.
"""
import argparse
import statistics
import time

import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import register_all_modules
from rich.console import Console
from rich.table import Table

import plugin  # noqa: F401


def build(geometry: str, device: str):
    """FCN-8s of VOC with its optimizer."""
    model = MODELS.build(dict(
        type='EncoderDecoder',
        backbone=dict(type='FCNVGG16', geometry=geometry),
        decode_head=dict(type='FCNSkipHead', in_channels=[256, 512, 4096], num_classes=21,
                         geometry=geometry)))
    model.init_weights()
    model = model.to(device).train()
    return model, torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)


def step(model, optimizer, inputs, samples) -> float:
    """Seconds of one training step."""
    if inputs.is_cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    loss, _ = model.parse_losses(model.loss(inputs, samples))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if inputs.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', type=int, default=512, help='side of the image in pixels')
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--steps', type=int, default=3, help='timed steps of each')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    args = parser.parse_args()

    register_all_modules()
    torch.manual_seed(0)
    shape = (args.size, args.size)
    inputs = torch.randn(args.batch, 3, *shape, device=args.device)
    samples = [
        SegDataSample(gt_sem_seg=PixelData(data=torch.randint(21, (1, *shape), device=args.device)))
        for _ in range(args.batch)
    ]
    networks = {name: build(name, args.device) for name in ('same', 'caffe')}
    seconds = {name: [] for name in networks}
    for turn in range(args.steps + 1):
        for name, network in networks.items():
            taken = step(*network, inputs, samples)
            if turn:  # the first step allocates
                seconds[name].append(taken)

    median = {name: statistics.median(values) for name, values in seconds.items()}
    table = Table(title=f'FCN-8s, one training step, {args.batch} x {args.size} x {args.size}, '
                        f'{args.device}, {torch.get_num_threads()} threads')
    for column in ('geometry', 'median s', 'ratio'):
        table.add_column(column)
    for name, value in median.items():
        table.add_row(name, f'{value:.3f}', f'{value / median["caffe"]:.2f}')
    Console().print(table)


if __name__ == '__main__':
    main()
