"""Time and memory of converting many LabelMe files.

Writes a folder of images with a LabelMe file each (5 animals of 30 points, every tenth in two
parts, and one with a hole), converts it in a process of its own, and prints what that process
took, its start included. Where other work shares the cores, seconds exceed seconds of CPU.

    OMP_NUM_THREADS=1 python benchmarks/convert_labelme.py
"""
import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from prettytable import PrettyTable

ROOT = Path(__file__).resolve().parents[1]
SIZE, ANIMALS, POINTS = 640, 5, 30


def ring(rng: np.random.Generator, x: float, y: float, radius: float) -> list[list[float]]:
    """A wavy outline around (x, y)."""
    angle = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    reach = radius * rng.uniform(0.8, 1.2, POINTS)
    return np.round(np.stack([x + reach * np.cos(angle), y + reach * np.sin(angle)], 1),
                    1).tolist()


def labels(rng: np.random.Generator, number: int) -> dict:
    """The content of a LabelMe file."""
    shapes = []
    for animal in range(ANIMALS):
        x, y = rng.uniform(100, SIZE - 100, 2)
        rings = [ring(rng, x, y, 60)]
        if animal == 0 and number % 10 == 0:
            rings.append(ring(rng, 50, 50, 30))
        if animal == 1 and number % 10 == 1:
            rings.append(ring(rng, x, y, 15))
        group = animal if len(rings) > 1 else None
        shapes += [dict(label='cattle', points=points, group_id=group, shape_type='polygon',
                        flags={}) for points in rings]
    return dict(version='5.5.0', flags={}, shapes=shapes, imagePath=f'{number:05d}.png',
                imageData=None, imageHeight=SIZE, imageWidth=SIZE)


def generate(folder: Path, count: int) -> None:
    """Write ``count`` images with their labels."""
    rng = np.random.default_rng(0)
    Image.new('L', (SIZE, SIZE)).save(folder / 'all.png')
    image = (folder / 'all.png').read_bytes()
    (folder / 'all.png').unlink()
    for number in range(count):
        (folder / f'{number:05d}.png').write_bytes(image)
        (folder / f'{number:05d}.json').write_text(json.dumps(labels(rng, number)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--files', type=int, default=10000, help='default: %(default)s')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder, args.files)
        command = [sys.executable, str(ROOT / 'tools/data/labelme_to_coco.py'), name,
                   '--out', str(folder / 'data.json')]
        start = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        elapsed = time.perf_counter() - start
        megabytes = (folder / 'data.json').stat().st_size / 1e6
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    table = PrettyTable(['LabelMe files', 'seconds', 'of CPU', 'peak GB', 'COCO file MB'])
    # memory in kilobytes, as Linux counts it
    table.add_row([args.files, f'{elapsed:.1f}', f'{used.ru_utime + used.ru_stime:.1f}',
                   f'{used.ru_maxrss / 1e6:.2f}', f'{megabytes:.1f}'])
    print(table)
    print(done.stdout.splitlines()[-1])


if __name__ == '__main__':
    main()
