#!/usr/bin/env python
"""Time and memory of looking at many images and labels, beside merely reading them once.

Writes a folder of images (noise, so that none resembles another) with a label map each, and has
tools/check_data.py look at it in a process of its own; a second process reads each file once by
OpenCV. Seconds include the start of either; those of the processor add up over all cores.

    python benchmarks/check_folder.py
    python benchmarks/check_folder.py --pictures 1000 --jobs 1
"""
import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from prettytable import PrettyTable

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT, CLASSES = 640, 480, 3
READ = """
import sys
from pathlib import Path
import cv2
for path in sorted(Path(sys.argv[1]).rglob('*.*')):
    assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED) is not None
"""


class Cost(NamedTuple):
    """Of a process and its children."""

    seconds: float
    processor: float
    megabytes: float


def generate(folder: Path, count: int) -> None:
    """Write ``count`` images and label maps, as a folder data set has them."""
    rng = np.random.default_rng(0)
    for name in ('images', 'labels'):
        (folder / name).mkdir()
    for number in range(count):
        coarse = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        image = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        label = cv2.resize(rng.integers(0, CLASSES, (6, 8), dtype=np.uint8), (WIDTH, HEIGHT),
                           interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(folder / f'images/{number:06d}.jpg'), image)
        cv2.imwrite(str(folder / f'labels/{number:06d}.png'), label)


def measure(command: list[str]) -> Cost:
    """What a command took, which must say that all is well."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f'error: {" ".join(command[:2])} ended with {done.returncode}:\n'
                         f'{done.stdout}{done.stderr}')
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # in kilobytes, as Linux counts it: of the largest process so far
    return Cost(seconds, used, after.ru_maxrss / 1e3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--pictures', type=int, default=10000, dest='images',
                        help='default: %(default)s')
    parser.add_argument('--jobs', type=int, help='processes that read images [all cores]')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        generate(Path(name), args.images)
        jobs = [] if args.jobs is None else ['--jobs', str(args.jobs)]
        # the smaller first: the peak of memory is that of the largest so far
        reading = measure([sys.executable, '-c', READ, name])
        looking = measure([sys.executable, str(ROOT / 'tools/check_data.py'), name, *jobs])
    table = PrettyTable(['images', '', 'seconds', 'of processor', 'peak MB of a process'])
    for title, cost in (('read once, one process', reading), ('looked at', looking)):
        table.add_row([args.images, title, f'{cost.seconds:.1f}', f'{cost.processor:.1f}',
                       f'{cost.megabytes:.0f}'])
    print(table)
    print(f'ratio of seconds {looking.seconds / reading.seconds:.2f}, of processor '
          f'{looking.processor / reading.processor:.2f}')


if __name__ == '__main__':
    main()
