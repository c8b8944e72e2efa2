"""COCO files as other tools write them, with their images."""
import json
from pathlib import Path

import numpy as np
from PIL import Image

from plugin.datasets.doctor import examine_path
from plugin.datasets.labels import convert

HEIGHT, WIDTH = 40, 60


def square(left=5, top=5, side=10):
    """A polygon of ``side`` squared pixels."""
    right, bottom = left + side, top + side
    return [left, top, right, top, right, bottom, left, bottom]


def export(images=2, **annotation) -> dict:
    """An animal in each image; ``annotation`` changes the first."""
    content = dict(
        images=[dict(id=number, file_name=f'p{number}.png', height=HEIGHT, width=WIDTH)
                for number in range(1, images + 1)],
        annotations=[dict(id=number, image_id=number, category_id=1, segmentation=[square()],
                          bbox=[5, 5, 10, 10], area=100, iscrowd=0)
                     for number in range(1, images + 1)],
        categories=[dict(id=1, name='cow')])
    content['annotations'][0].update(annotation)
    return content


def write(folder: Path, content: dict, name='data.json', size=(WIDTH, HEIGHT), **save) -> Path:
    """Write a COCO file, and images p1.png, p2.png, ... beside it; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0)
    for number in range(1, 6):
        pixels = noise.integers(256, size=(size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f'p{number}.png', **save)
    path = folder / name
    path.write_text(json.dumps(content), encoding='utf-8')
    return path


def mended(path: Path, **options):
    """What the converter makes of a file: the content, and its findings as texts."""
    done = convert('coco', path, path.parent / 'out.json', overwrite=True, **options)
    return json.loads(done.path.read_text('utf-8')), [
        f'{one.file} | {one.shape} | {one.action} | {one.reason}' for one in done.findings]


def findings(path: Path, severity='error'):
    """Codes of what the doctor finds."""
    return [one.code for one in examine_path(path).findings if one.severity == severity]
