"""Time of a detector by PyTorch and by its bundle, from the pixels of a picture to its masks.

Both take turns, picture by picture, with as many threads, in one process; the bundle's program is
the one that is copied into the folder. Counts are compared as well, and the whole run of both
commands on the same folder can be timed with `time`.

    OMP_NUM_THREADS=1 python benchmarks/bundle.py configs/mask-rcnn_mnv2_pigs.py CHECKPOINT \
        FOLDER_OF_THE_BUNDLE pictures/*.jpg
"""
import argparse
import statistics
import time
from pathlib import Path

import cv2
import torch
from prettytable import PrettyTable

from plugin.inference import load_model
from plugin.inference.bundle import predict as program


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('bundle', type=Path)
    parser.add_argument('pictures', nargs='+')
    parser.add_argument('--turns', type=int, default=3)
    args = parser.parse_args()
    threads = torch.get_num_threads()
    detector = load_model(args.config, args.checkpoint, device='cpu')
    model = program.Model(args.bundle, threads=threads)
    detector.score_thr = model.score_thr
    images = [cv2.imread(path) for path in args.pictures]
    ways = dict(pytorch=detector, bundle=model.animals)
    for way in ways.values():
        way(images[0])
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    processor: dict[str, float] = dict.fromkeys(ways, 0.0)
    same = 0
    for turn in range(args.turns):
        for image in images:
            found = {}
            for name, way in ways.items():
                start, used = time.perf_counter(), time.process_time()
                found[name] = len(way(image))
                seconds[name].append(time.perf_counter() - start)
                processor[name] += time.process_time() - used
            same += turn == 0 and found['pytorch'] == found['bundle']
    table = PrettyTable(['', 'median ms', 'CPU ms, mean'])
    for name, times in seconds.items():
        table.add_row([name, f'{statistics.median(times) * 1e3:.1f}',
                       f'{processor[name] / len(times) * 1e3:.1f}'])
    print(table)
    ratio = statistics.median(seconds['pytorch']) / statistics.median(seconds['bundle'])
    print(f'{ratio:.2f} times as fast, {processor["pytorch"] / processor["bundle"]:.2f} times by '
          f'the time of the processor, on {threads} thread(s); the same counts in {same} of '
          f'{len(images)} pictures at the threshold {model.score_thr:.3f}')


if __name__ == '__main__':
    main()
