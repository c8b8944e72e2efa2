"""Time of SegMetric and of MMSegmentation's IoUMetric for one image.

Both metrics process the same predictions in one run: blobs of classes as a network gives
them, with a ragged border and ignored pixels. The time is that of ``process()`` as a whole.

    OMP_NUM_THREADS=1 python benchmarks/seg_metric.py
"""
import argparse
import statistics
import time

import torch
import torch.nn.functional as F
from mmengine.logging import MMLogger
from mmseg.evaluation import IoUMetric
from prettytable import PrettyTable

from plugin.evaluation import SegMetric

CASES = [(375, 500, 2), (375, 500, 21), (375, 500, 150), (1024, 2048, 19)]


def make_sample(height: int, width: int, num_classes: int) -> dict:
    """A sample as ``Evaluator`` hands it to a metric: int64 maps of shape (1, H, W)."""
    coarse = torch.randn(1, num_classes, 12, 16)
    truth = F.interpolate(coarse, (height, width), mode='bicubic').argmax(1)
    other = F.interpolate(torch.randn_like(coarse), (height, width), mode='bicubic').argmax(1)
    prediction = torch.where(torch.rand(1, height, width) < 0.8, truth, other)
    truth[torch.rand(1, height, width) < 0.05] = 255
    return {'pred_sem_seg': {'data': prediction}, 'gt_sem_seg': {'data': truth}}


def measure(metrics: list, samples: list[dict], repeats: int) -> list[float]:
    """Median milliseconds of ``process()`` per image, the metrics taking turns."""
    times: list[list[float]] = [[] for _ in metrics]
    for turn in range(repeats + 3):
        for metric, taken in zip(metrics, times, strict=True):
            start = time.perf_counter()
            metric.process(None, samples)
            elapsed = time.perf_counter() - start
            metric.results.clear()
            if turn >= 3:  # the first turns warm the caches
                taken.append(elapsed * 1e3 / len(samples))
    return [statistics.median(taken) for taken in times]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--repeats', type=int, default=50, help='turns for each metric')
    args = parser.parse_args()
    MMLogger.get_instance('benchmark', log_level='ERROR')
    torch.manual_seed(0)
    table = PrettyTable(['image', 'classes', 'IoUMetric ms', 'SegMetric ms', 'times faster'])
    for height, width, num_classes in CASES:
        metrics = [IoUMetric(), SegMetric()]
        for metric in metrics:
            metric.dataset_meta = {'classes': [str(i) for i in range(num_classes)]}
        samples = [make_sample(height, width, num_classes) for _ in range(4)]
        slow, fast = measure(metrics, samples, args.repeats)
        table.add_row([f'{width}x{height}', num_classes, f'{slow:.2f}', f'{fast:.2f}',
                       f'{slow / fast:.1f}'])
    print(f'process() per image, median of {args.repeats}, {torch.get_num_threads()} threads')
    print(table)


if __name__ == '__main__':
    main()
