"""What DenseCRF makes of blurred labels near the borders of objects, on PASCAL VOC.

The labels of each image are blurred to the best that a coarse network could say: right at
positions ``stride`` pixels apart, its scores enlarged bilinearly. The CRF, which sees these
probabilities and the image, sharpens them. The mIoU is that of the pixels within so many pixels
of a border (a trimap: Kohli et al., IJCV 2009; DeepLab v2, figure 10), void pixels left out.

A Gaussian blur of the labels would be no test: it leaves straight borders exactly where they are.

    VOC_ROOT=data/VOCdevkit/VOC2012 python benchmarks/crf_trimap.py --out crf_trimap.jpg
"""
import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from mmseg.datasets import PascalVOCDataset
from PIL import Image
from prettytable import PrettyTable
from rich.progress import track
from scipy import ndimage

from plugin.models.postprocess import DenseCRF
from plugin.models.postprocess.dense_crf import usable_cores
from plugin.utils import write_atomically
from plugin.visualization.images import grid, overlay

BANDS = (2, 4, 6, 8, 12, 16, 20)
# as DenseCRF documents them; the first one's images are drawn
PARAMETERS = {
    'v1': {},
    'v2, ResNet-101': dict(bilateral=dict(weight=4, xy=67, rgb=3), gaussian=dict(weight=3, xy=1)),
}
CLASSES, VOID = 21, 255


class Sharpened(NamedTuple):
    """An image's labels, what blurring left of them, and what the CRF made of that: (H, W)."""

    truth: np.ndarray
    before: np.ndarray
    after: np.ndarray


def blurred(labels: np.ndarray, stride: int, score: float) -> tuple[np.ndarray, np.ndarray]:
    """Blur labels to the probabilities of a network of this stride.

    Args:
        labels (np.ndarray): (H, W), 255 where void; such pixels get the nearest label first.
        stride (int): Pixels between two positions; each has the label of most of its pixels.
        score (float): Logit of that label there, 0 for the others.

    Returns:
        tuple[np.ndarray, np.ndarray]: The K ids that occur, and their shares (K, H, W), float32.
    """
    nearest = ndimage.distance_transform_edt(labels == VOID, return_distances=False,
                                             return_indices=True)
    full = labels[tuple(nearest)]
    ids = np.unique(full)
    height, width = labels.shape
    cells = -(-width // stride), -(-height // stride)
    most = np.stack([cv2.resize((full == one).astype(np.float32), cells,
                                interpolation=cv2.INTER_AREA) for one in ids]).argmax(0)
    logits = np.stack([cv2.resize(score * (most == index).astype(np.float32), (width, height),
                                  interpolation=cv2.INTER_LINEAR) for index in range(len(ids))])
    shares = np.exp(logits - logits.max(0))
    return ids, shares / shares.sum(0)


def border_distance(labels: np.ndarray) -> np.ndarray:
    """Pixels to the nearest border of objects: void, or another label beside it."""
    border = labels == VOID
    for axis in (0, 1):
        differs = np.diff(labels, axis=axis) != 0
        border |= np.insert(differs, 0, False, axis) | np.insert(differs, labels.shape[axis] - 1,
                                                                 False, axis)
    return ndimage.distance_transform_edt(~border)


def sharpen(root: Path, stride: int, score: float, crf: DenseCRF, name: str) -> Sharpened:
    """Blur the labels of an image of VOC and let the CRF sharpen them."""
    truth = np.asarray(Image.open(root / 'SegmentationClass' / f'{name}.png'))
    image = np.asarray(Image.open(root / 'JPEGImages' / f'{name}.jpg').convert('RGB'))
    ids, shares = blurred(truth, stride, score)
    # one class alone leaves nothing to decide
    after = crf(shares, image) if len(ids) > 1 else shares
    return Sharpened(truth, ids[shares.argmax(0)], ids[after.argmax(0)])


def band_confusion(found: np.ndarray, truth: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Confusion matrices (bands, C, C) of the pixels within each of ``BANDS``, void left out."""
    matrices = []
    for width in BANDS:
        counted = (truth != VOID) & (distance <= width)
        index = truth[counted].astype(int) * CLASSES + found[counted]
        matrices.append(np.bincount(index, minlength=CLASSES ** 2).reshape(CLASSES, CLASSES))
    return np.stack(matrices)


def mean_iou(confusion: np.ndarray) -> float:
    """Mean over the classes that occur, in percent."""
    hit = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - hit
    return 100 * float((hit[union > 0] / union[union > 0]).mean())


def measure(images: list[Sharpened]) -> list[tuple[int, float, float]]:
    """Width of each band, and its mIoU before and after."""
    totals = np.zeros((2, len(BANDS), CLASSES, CLASSES), np.int64)
    for image in images:
        distance = border_distance(image.truth)
        for total, found in zip(totals, (image.before, image.after)):
            total += band_confusion(found, image.truth, distance)
    return [(width, mean_iou(before), mean_iou(after))
            for width, before, after in zip(BANDS, *totals)]


def draw(root: Path, names: list[str], images: list[Sharpened], out: Path) -> None:
    """Write the images for which the CRF does most."""
    def gain(index: int) -> float:
        _, before, after = images[index]
        good = images[index].truth != VOID
        return float(np.mean((after == images[index].truth)[good])
                     - np.mean((before == images[index].truth)[good]))

    rows = []
    for index in sorted(range(len(names)), key=gain)[::-1][:4]:
        image = np.asarray(Image.open(root / 'JPEGImages' / f'{names[index]}.jpg').convert('RGB'))
        rows.append([image, *(overlay(image, labels, PascalVOCDataset.METAINFO['palette'], 0.6)
                              for labels in images[index])])
    sheet = grid(rows, ['image', 'labels', 'blurred', 'after the CRF'])
    done, content = cv2.imencode(out.suffix, sheet[..., ::-1])
    if not done:
        raise ValueError(f'{out} cannot be encoded: give a name that ends in .jpg or .png')
    write_atomically(out, content.tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--root', type=Path, metavar='DIR', help='in the layout of VOC '
                        '(default: VOC_ROOT, else data/VOCdevkit/VOC2012)',
                        default=os.environ.get('VOC_ROOT', 'data/VOCdevkit/VOC2012'))
    parser.add_argument('--stride', type=int, default=32, help='of the network (default: 32)')
    parser.add_argument('--score', type=float, default=6, help='logit of the label (default: 6)')
    parser.add_argument('--out', type=Path, metavar='FILE', help='write a sheet of examples')
    parser.add_argument('--jobs', type=int, default=usable_cores(), help='default: all cores')
    parser.add_argument('--number', type=int, help='of images (default: all)')
    args = parser.parse_args()
    names = sorted(path.stem for path in (args.root / 'SegmentationClass').glob('*.png'))
    names = names[:args.number]
    if not names:
        # `make bench` goes on to the others
        print(f'{args.root} holds no PASCAL VOC: nothing measured; set VOC_ROOT or --root')
        return
    columns, first = [], []
    for title, settings in PARAMETERS.items():
        one = partial(sharpen, args.root, args.stride, args.score, DenseCRF(**settings))
        with ProcessPoolExecutor(args.jobs, multiprocessing.get_context('fork')) as pool:
            images = list(track(pool.map(one, names), title, total=len(names)))
        first = first or images
        columns.append(measure(images))
    print(f'{len(names)} images, labels blurred as by a network of stride {args.stride} (score '
          f'{args.score:g}); DenseCRF with the parameters of DeepLab')
    table = PrettyTable(['pixels to a border', 'mIoU before', *PARAMETERS])
    for bands in zip(*columns):
        width, before, _ = bands[0]
        table.add_row([f'up to {width}', f'{before:.2f}',
                       *(f'{after:.2f} ({after - before:+.2f})' for _, _, after in bands)])
    print(table)
    if args.out is not None:
        draw(args.root, names, first, args.out)


if __name__ == '__main__':
    main()
