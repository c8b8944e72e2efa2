"""Data sets of drawn images, as large as real ones."""
from pathlib import Path

import numpy as np
from PIL import Image


def draw_camvid(folder: Path, parts: dict[str, int], size: tuple[int, int] = (360, 480)) -> Path:
    """Folders ``images/<part>`` and ``labels/<part>`` of smooth images of ``size`` (H, W)."""
    rng = np.random.default_rng(0)
    for part, number in parts.items():
        for kind in ('images', 'labels'):
            (folder / kind / part).mkdir(parents=True)
        for index in range(number):
            coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
            coarse.resize(size[::-1]).save(folder / f'images/{part}/{index}.png')
            label = Image.fromarray(rng.integers(0, 11, (9, 12), dtype=np.uint8))
            label.resize(size[::-1], Image.Resampling.NEAREST).save(
                folder / f'labels/{part}/{index}.png')
    return folder


def draw_voc(folder: Path, sizes: list[tuple[int, int]]) -> Path:
    """A VOC root whose training and validation hold an image of each of ``sizes`` (H, W)."""
    rng = np.random.default_rng(0)
    for name in ('JPEGImages', 'SegmentationClass', 'ImageSets/Segmentation'):
        (folder / name).mkdir(parents=True)
    for index, size in enumerate(sizes):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        coarse.resize(size[::-1]).save(folder / f'JPEGImages/{index}.jpg')
        label = Image.fromarray(rng.integers(0, 21, (6, 8), dtype=np.uint8))
        label.resize(size[::-1], Image.Resampling.NEAREST).save(
            folder / f'SegmentationClass/{index}.png')
    for part in ('train', 'val'):
        (folder / f'ImageSets/Segmentation/{part}.txt').write_text(
            ''.join(f'{index}\n' for index in range(len(sizes))))
    return folder
