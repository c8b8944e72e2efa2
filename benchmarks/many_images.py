"""Predicts many small images, kills the command in the middle and lets it go on.

Prints the memory of all its processes along the way, which must not grow with the number of images,
and compares the tables with what they must be: every image once, in the order of the files. With
--compare also with those of an uninterrupted run, byte for byte.

    PYTHONPATH=. python benchmarks/many_images.py --images 20000
"""
import argparse
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from tests.helpers import tiny

ROOT = Path(__file__).resolve().parents[1]


def memory_of(process: int) -> float:
    """Megabytes that a process and its children have for themselves, or share among each other."""
    family, total = [process], 0
    for one in family:
        children = Path(f'/proc/{one}/task/{one}/children')
        rollup = Path(f'/proc/{one}/smaps_rollup')
        try:
            family += [int(word) for word in children.read_text().split()]
            total += sum(int(line.split()[1]) for line in rollup.read_text().splitlines()
                         if line.startswith('Pss:'))
        except OSError:  # it has ended
            continue
    return total / 1024


def run(folder: Path, out: str, number: int, kill_at: int | None = None,
        more: Sequence[str] = ()) -> None:
    """Predict into a folder, and print the memory at every tenth of the images."""
    command = [sys.executable, str(ROOT / 'tools/predict.py'), 'tiny.py', 'random.pth', 'in',
               '--device', 'cpu', '--out', out, *more]
    start, shown = time.perf_counter(), 0
    with subprocess.Popen(command, cwd=folder, env={**os.environ, 'PYTHONPATH': str(ROOT)}) as tool:
        while tool.poll() is None:
            time.sleep(0.5)
            done = lines_of(folder / out / 'areas.csv') // 2
            if done >= shown + number // 10:
                shown = done
                print(f'{done:8} images {time.perf_counter() - start:8.0f} s '
                      f'{memory_of(tool.pid):8.0f} MB', flush=True)
            if kill_at is not None and done >= kill_at:
                tool.send_signal(signal.SIGKILL)
                print(f'killed after {done} images', flush=True)
                break
    assert kill_at is not None or tool.returncode == 0


def lines_of(path: Path) -> int:
    """Lines of a table without its header."""
    return path.read_bytes().count(b'\n') - 1 if path.exists() else 0


def main(argv: Sequence[str] | None = None) -> None:
    """Print what happens."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--images', type=int, default=20_000)
    parser.add_argument('--workers', default='2')
    parser.add_argument('--compare', action='store_true', help='with an uninterrupted run')
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        tiny.write_weights(tiny.write_project(folder))
        (folder / 'in').mkdir()
        generator = np.random.default_rng(0)
        for index in range(args.images):
            cv2.imwrite(str(folder / f'in/{index:07}.png'),
                        generator.integers(0, 256, (36, 44, 3), np.uint8))
        more = ['--workers', args.workers]
        run(folder, 'out', args.images, args.images // 3, more)
        print('resumed', flush=True)
        run(folder, 'out', args.images, more=[*more, '--resume'])
        with (folder / 'out/areas.csv').open(newline='') as file:
            names = [row[0] for row in csv.reader(file)][1:]
        assert names[::2] == names[1::2] == [f'in/{index:07}.png' for index in range(args.images)]
        for kind in ('masks', 'overlays'):
            assert len(list((folder / 'out' / kind).iterdir())) == args.images
        print(f'{args.images} images are there once each, in their order')
        if args.compare:
            run(folder, 'whole', args.images, more=more)
            assert ((folder / 'whole/areas.csv').read_bytes()
                    == (folder / 'out/areas.csv').read_bytes())
            print('the tables are those of an uninterrupted run')


if __name__ == '__main__':
    main()
