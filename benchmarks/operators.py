#!/usr/bin/env python
"""Operators of mmcv, compiled and in PyTorch: time and memory.

The operators get random boxes and maps of the sizes that Mask R-CNN has for images of 800 x 1333
pixels; where there are several lines for one, a smaller one follows. Then a detector with random
weights is trained on random images with ellipses as animals, and predicts them. Both kinds take
turns in one process; the ratio is that of the medians, and the spread is that of the ratio of
neighbouring turns, from the lower to the upper quartile. Peak memory is that of two training steps
and a prediction in a process of its own, the libraries included.

    python benchmarks/operators.py
    python benchmarks/operators.py configs/mask-rcnn_r50_cattle.py --size 640 640 --turns 5

Needs an mmcv with compiled operators, or there is nothing to compare with.
"""
import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
KINDS = ('compiled', 'pytorch')
USERS = ('nms', 'roi_align')


class Row(NamedTuple):
    """Seconds of both kinds, turn by turn."""

    name: str
    seconds: dict[str, list[float]]

    def figures(self) -> list[str]:
        """Cells of the table: milliseconds of both, the ratio, and its quartiles."""
        medians = [statistics.median(self.seconds[kind]) for kind in KINDS]
        ratios = [ours / theirs for theirs, ours in zip(*(self.seconds[kind] for kind in KINDS))]
        low, _, high = statistics.quantiles(ratios, n=4)
        return [self.name, *(f'{1e3 * seconds:.2f}' for seconds in medians),
                f'{medians[1] / medians[0]:.2f}', f'{low:.2f}-{high:.2f}']


def take_turns(name: str, run: Callable[[], object], kinds: dict[str, ModuleType], turns: int,
               device: str) -> Row:
    """Time a function with the operators of each kind."""
    seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for turn in range(turns + 1):
        for kind in KINDS:
            use(kinds[kind])
            torch.manual_seed(turn)
            finish(device)
            start = time.perf_counter()
            run()
            finish(device)
            if turn:  # the first one warms up
                seconds[kind].append(time.perf_counter() - start)
    return Row(name, seconds)


def use(operators: ModuleType) -> None:
    """Let ``mmcv.ops`` call these."""
    for name in USERS:
        sys.modules[f'mmcv.ops.{name}'].ext_module = operators  # type: ignore[attr-defined]


def finish(device: str) -> None:
    """Wait for a GPU."""
    if device == 'cuda':
        torch.cuda.synchronize()


def boxes_of(count: int, height: int, width: int, device: str) -> Tensor:
    """Boxes in an image, (N, 4), most of them small."""
    size = torch.rand(count, 2, device=device) ** 2 * min(height, width) * 0.8 + 16
    corner = torch.rand(count, 2, device=device) * torch.tensor([width, height], device=device)
    return torch.cat([corner, corner + size], 1)


def gradient(maps: Tensor, rois: Tensor, *options: object) -> Tensor:
    """Gradient of the sum of what RoIAlign pools."""
    from mmcv.ops import roi_align
    return torch.autograd.grad(roi_align(maps, rois, *options).sum(), maps)[0]


def operators(device: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Names of operators, and a call of each."""
    from mmcv.ops import batched_nms, nms, roi_align, soft_nms
    for count in (4000, 1000):
        boxes, scores = boxes_of(count, 800, 1333, device), torch.rand(count, device=device)
        yield f'nms, {count} boxes', partial(nms, boxes, scores, 0.7)
        level = torch.arange(count, device=device) % 5
        yield (f'batched_nms, {count} boxes of 5 levels',
               partial(batched_nms, boxes, scores, level, dict(iou_threshold=0.7)))
    boxes, scores = boxes_of(300, 800, 1333, device), torch.rand(300, device=device)
    for method in ('linear', 'gaussian'):
        yield (f'soft_nms {method}, 300 boxes',
               partial(soft_nms, boxes, scores, method=method, min_score=0.05))
    for count, bins, ratio in ((512, 7, 0), (512, 7, 2), (128, 14, 0), (128, 14, 2)):
        maps = torch.randn(1, 256, 100, 167, device=device, requires_grad=True)
        rois = torch.cat([torch.zeros(count, 1, device=device),
                          boxes_of(count, 400, 700, device)], 1)
        name = f'roi_align {bins}x{bins}, {count} regions, sampling_ratio={ratio}'
        options = (bins, 1 / 8, ratio)
        yield name, partial(roi_align, maps.detach(), rois, *options)
        yield f'{name}, with gradient', partial(gradient, maps, rois, *options)
    masks = (torch.rand(32, 1, 800, 1333, device=device) > 0.5).float()
    rois = torch.cat([torch.arange(32, device=device)[:, None],
                      boxes_of(32, 800, 1333, device)], 1)
    yield 'roi_align 28x28 of 32 masks', partial(roi_align, masks, rois, 28, 1.0, 0)


class Detector:
    """A detector with random weights, and steps of it on random images."""

    def __init__(self, path: str, size: Sequence[int] | None, device: str,
                 number: int | None = None):
        from mmdet.registry import MODELS
        from mmengine.config import Config
        from mmengine.optim import build_optim_wrapper
        from mmengine.registry import init_default_scope
        cfg = Config.fromfile(path)
        init_default_scope('mmdet')
        torch.manual_seed(0)
        self.device, self.size = device, tuple(size or _test_size(cfg))
        self.number = number or cfg.train_dataloader.batch_size
        self.model = MODELS.build(cfg.model).to(device)
        self.optim = build_optim_wrapper(self.model, cfg.optim_wrapper)
        self.data = [self._sample() for _ in range(self.number)]

    def _sample(self) -> tuple[Tensor, object]:
        import numpy as np
        from mmdet.structures import DetDataSample
        from mmdet.structures.mask import BitmapMasks
        from mmengine.structures import InstanceData
        height, width = self.size
        boxes = boxes_of(8, height, width, 'cpu').clamp(max=min(self.size))
        y, x = torch.arange(height)[:, None], torch.arange(width)
        masks = [((x - (x1 + x2) / 2) / (x2 - x1 + 1)) ** 2
                 + ((y - (y1 + y2) / 2) / (y2 - y1 + 1)) ** 2 < 0.25 for x1, y1, x2, y2 in boxes]
        sample = DetDataSample(metainfo=dict(
            img_shape=self.size, ori_shape=self.size, pad_shape=self.size, scale_factor=(1., 1.),
            batch_input_shape=self.size, img_id=0))
        sample.gt_instances = InstanceData(
            bboxes=boxes, labels=torch.zeros(len(boxes), dtype=torch.long),
            masks=BitmapMasks(np.stack([mask.numpy() for mask in masks]).astype(np.uint8),
                              height, width))
        return torch.randint(256, (3, height, width), dtype=torch.uint8), sample

    def _batch(self) -> dict:
        import copy
        images, samples = zip(*self.data)
        return dict(inputs=list(images), data_samples=[copy.deepcopy(s) for s in samples])

    def train(self) -> None:
        """One step of the optimiser."""
        self.model.train()
        self.model.train_step(self._batch(), self.optim)

    def predict(self) -> None:
        """Instances of the images."""
        self.model.eval()
        with torch.no_grad():
            self.model.test_step(self._batch())


def _test_size(cfg) -> tuple[int, int]:
    """(height, width) of what the test pipeline hands to the network."""
    for step in cfg.test_dataloader.dataset.pipeline:
        if step.type == 'Resize' and step.get('scale'):
            width, height = step.scale
            return height, width
    raise SystemExit('error: the test pipeline takes images of any size; '
                     'give one with --size HEIGHT WIDTH.')


def peak_of(kind: str, path: str, args: argparse.Namespace) -> float:
    """Peak MB of a process that trains and predicts with operators of one kind."""
    command = [sys.executable, __file__, path, '--memory-only', '--device', args.device,
               '--threads', str(args.threads)]
    command += ['--size', *map(str, args.size)] if args.size else []
    # blocks that the C library keeps for later would hide what is used
    env = dict(os.environ, PASTURE_OPS=kind, MALLOC_MMAP_THRESHOLD_='65536')
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True,
                             env=env).stdout
    return json.loads(printed.splitlines()[-1])


def memory_only(path: str, args: argparse.Namespace) -> None:
    """Print the peak MB of this process."""
    from parts.peak_memory import peak
    detector = Detector(path, args.size, args.device)
    for step in (detector.train, detector.train, detector.predict):
        step()
    print(peak(args.device) / 1e6)


def measure(args: argparse.Namespace) -> None:
    """Print the table, a line as soon as it is known."""
    import mmcv.ops  # noqa: F401, before its parts are looked up

    from plugin.ops import extension, serving
    if serving() != 'compiled':
        raise SystemExit('error: mmcv has no compiled operators here, with which the others '
                         'could be compared; tools/install.sh --compile builds them.')
    kinds = {'compiled': sys.modules['mmcv._ext'], 'pytorch': extension}
    print('| operator | compiled, ms | PyTorch, ms | ratio | spread |')
    print('|---|---:|---:|---:|---:|')
    torch.manual_seed(0)
    for name, run in operators(args.device) if not args.steps_only else ():
        _line(take_turns(name, run, kinds, args.turns, args.device).figures())
    for path in args.configs:
        detector = Detector(path, args.size, args.device)
        height, width = detector.size
        name = f'{Path(path).stem}, {detector.number} images of {width}x{height}'
        for title, run in (('training step', detector.train), ('prediction', detector.predict)):
            _line(take_turns(f'{title} of {name}', run, kinds, args.turns, args.device).figures())
        peaks = [peak_of(kind, path, args) for kind in KINDS]
        _line([f'peak memory of {name}, MB', *(f'{value:.0f}' for value in peaks),
               f'{peaks[1] / peaks[0]:.2f}', ''])
    print(f'\n{args.device}, {args.threads} thread(s), PyTorch {torch.__version__}, '
          f'{args.turns} turns; load of the machine {os.getloadavg()[0]:.1f}.')


def _line(cells: Sequence[str]) -> None:
    print('| ' + ' | '.join(cells) + ' |', flush=True)


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('configs', nargs='*', help='configs of detectors with masks '
                        '[mask-rcnn_mnv2_pigs]')
    parser.add_argument('--size', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'),
                        help="of an image [the test pipeline's]")
    parser.add_argument('--turns', type=int, default=15, help='timed ones [15]')
    parser.add_argument('--threads', type=int, default=len(os.sched_getaffinity(0)),
                        help='[all cores]')
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cpu')
    parser.add_argument('--steps-only', action='store_true', help='no single operators')
    parser.add_argument('--memory-only', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    args.configs = args.configs or [str(ROOT / 'configs/mask-rcnn_mnv2_pigs.py')]
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    args = parse(argv)
    torch.set_num_threads(args.threads)
    import plugin  # noqa: F401, registers what the configs name
    if args.memory_only:
        memory_only(args.configs[0], args)
    else:
        measure(args)


if __name__ == '__main__':
    # configs tell which variables of the environment they read
    logging.disable(logging.WARNING)
    warnings.filterwarnings('ignore')
    main()
