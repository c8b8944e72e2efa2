"""Time and memory of tiled prediction, beside MMSegmentation's slide mode on the same windows.

FCN-8s on MobileNetV2 with 21 classes predicts square images whole. `tile` with
``border='inside', blend='mean'`` lays the same windows and gives the same logits as `slide`; the
other rows are its defaults, with and without logits. The modes take turns for the time; each
has a process of its own for its peak memory, which is counted from before the prediction.

    OMP_NUM_THREADS=1 python benchmarks/tiling.py
    OMP_NUM_THREADS=2 python benchmarks/tiling.py --large 10000

The second command predicts one image of 10,000 x 10,000 pixels by a narrow network, from 8 bits
to labels, without keeping its logits, which would take 8.4 GB; `slide` holds three times that.
"""
import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import register_all_modules
from parts import peak_memory
from prettytable import PrettyTable

import plugin  # noqa: F401

THREADS = torch.get_num_threads()
CLASSES, WINDOW, STRIDE, OVERLAP = 21, 512, 384, 128
SAME = dict(crop_size=(WINDOW, WINDOW), stride=(STRIDE, STRIDE))
MODES = {
    'slide': dict(mode='slide', **SAME),
    'tile, the same windows': dict(mode='tile', border='inside', blend='mean', **SAME),
    'tile': dict(mode='tile', **SAME),
    'tile, keep_logits=False': dict(mode='tile', keep_logits=False, **SAME),
}


def network(width: float) -> torch.nn.Module:
    """FCN-8s on a MobileNetV2 of this width, with random weights."""
    torch.manual_seed(0)
    channels = [int(8 * max(1, round(one * width / 8))) for one in (32, 96, 320)]
    model = MODELS.build(ConfigDict(
        type='EncoderDecoder', test_cfg=MODES['slide'],
        data_preprocessor=dict(type='SegDataPreProcessor', mean=[120.] * 3, std=[60.] * 3,
                               bgr_to_rgb=True),
        backbone=dict(type='MobileNetV2', widen_factor=width, out_indices=(2, 4, 6),
                      norm_cfg=dict(type='BN')),
        decode_head=dict(type='FCNSkipHead', in_channels=channels, num_classes=CLASSES)))
    # the score layers of FCN start at zero
    for parameter in model.decode_head.parameters():
        if parameter.requires_grad and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


@torch.no_grad()
def predict(model: torch.nn.Module, settings: dict[str, Any], image: torch.Tensor) -> Any:
    """The sample of an image, (3, H, W) uint8 or normalised (1, 3, H, W)."""
    model.test_cfg = ConfigDict(settings)
    size = tuple(image.shape[-2:])
    sample = SegDataSample(metainfo=dict(ori_shape=size, img_shape=size, pad_shape=size))
    if image.dtype == torch.uint8:
        return model.test_step(dict(inputs=[image], data_samples=[sample]))[0]
    return model.predict(image, [sample])[0]


def in_a_child(work: Callable[[], Any]) -> dict[str, Any]:
    """Run ``work`` in a process of its own: its result, its seconds and its peak megabytes."""
    def run(pipe) -> None:
        torch.set_num_threads(THREADS)
        peak_memory.forget_peak()  # that of the parent
        before, start = peak_memory.held(), time.perf_counter()
        result = work()
        pipe.send(dict(result=result, seconds=time.perf_counter() - start,
                       peak=(peak_memory.peak() - before) / 2 ** 20))

    mine, its = multiprocessing.Pipe()
    # forked: what the libraries themselves take is in both
    process = multiprocessing.get_context('fork').Process(target=run, args=(its, ))
    process.start()
    its.close()
    try:
        return mine.recv()
    except EOFError:
        raise SystemExit('error: the measured process ended early, most often for want of '
                         'memory') from None
    finally:
        process.join()


def compare(side: int, turns: int) -> list[list]:
    """Rows of the table for images of ``side`` x ``side`` pixels."""
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, 3, side, side, generator=generator)

    def peak(settings):
        def work():
            predict(model, settings, image)
        return in_a_child(work)['peak']

    def times():
        taken: dict[str, list[float]] = {name: [] for name in MODES}
        for _ in range(turns + 1):
            for name, settings in MODES.items():
                start = time.perf_counter()
                found = predict(model, settings, image)
                taken[name].append(time.perf_counter() - start)
                if name == 'slide':
                    slid = found.seg_logits.data
                elif name == 'tile, the same windows':
                    assert (found.seg_logits.data - slid).abs().max() <= 1e-4 * slid.abs().max()
        # the first turn warms up
        return {name: statistics.median(values[1:]) for name, values in taken.items()}

    # built before the processes are forked, run only in them: threads do not survive a fork
    model = network(1.0)
    seconds = in_a_child(times)['result']
    return [[f'{side}x{side}', name, f'{seconds[name]:.2f}',
             f'{seconds["slide"] / seconds[name]:.2f}x', f'{peak(settings):.0f}']
            for name, settings in MODES.items()]


def large(side: int) -> None:
    """Predict one large image and print what it took."""
    model = network(0.25)
    pattern = np.random.default_rng(0).integers(0, 256, (3, 512, 512), np.uint8)
    repeats = -(-side // 512)
    image = torch.from_numpy(np.tile(pattern, (1, repeats, repeats))[:, :side, :side].copy())
    settings = dict(mode='tile', crop_size=(WINDOW, WINDOW), overlap=(64, 64), keep_logits=False)

    def work():
        labels = predict(model, settings, image).pred_sem_seg.data
        assert tuple(labels.shape) == (1, side, side)
        return labels.element_size() * labels.numel() / 2 ** 20

    taken = in_a_child(work)
    floats = image.numel() * 4 / 2 ** 20
    print(f'{side}x{side} pixels, {CLASSES} classes, windows of {WINDOW}, overlap 64, '
          f'{THREADS} threads: {taken["seconds"]:.0f} s, peak memory '
          f'{taken["peak"]:.0f} MB. The normalised image is {floats:.0f} MB of that (and once '
          f'more while it is made), the labels {taken["result"]:.0f} MB; the logits would be '
          f'{CLASSES * side * side * 4 / 2 ** 20:.0f} MB.')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--sides', type=int, nargs='+', default=[1024, 2048],
                        help='of the images, in pixels')
    parser.add_argument('--turns', type=int, default=3, help='how often each is timed')
    parser.add_argument('--large', type=int, metavar='SIDE', help='only one image of this side')
    args = parser.parse_args()
    # a child waits for ever for threads that its parent had
    torch.set_num_threads(1)
    register_all_modules()
    if args.large is not None:
        large(args.large)
        return
    table = PrettyTable(['image', 'mode', 's', 'of slide', 'peak MB'])
    for side in args.sides:
        table.add_rows(compare(side, args.turns))
    print(f'windows of {WINDOW} at a stride of {STRIDE}, {CLASSES} classes, '
          f'{THREADS} threads')
    print(table)


if __name__ == '__main__':
    main()
