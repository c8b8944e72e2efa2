#!/usr/bin/env python3
"""Outline and count animals, or segment, in pictures, videos and cameras. Needs no PyTorch.

This folder is complete: the network (model.onnx), what it needs to know (model.json), and this
program, which Pasture wrote. It needs three packages:

  python -m pip install numpy opencv-python-headless onnxruntime
"""
import argparse
import base64
import colorsys
import contextlib
import csv
import json
import math
import os
import re
import struct
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

EXAMPLES = """examples:
  python predict.py pictures/ barn.mp4 --out results
  python predict.py camera:0
  python predict.py rtsp://192.168.1.20/stream --frames 1000

results, in the folder --out:
  counts.csv          the number of animals in each picture, and the lowest and the highest true
                      number, where the validation of the training tells them
  total.json          the same of all pictures together
  animals.csv         score, area and box (pixels) of each animal, numbered as in the overlay
  overlays/NAME.jpg   the picture with each animal in a colour, its number and score
  labelme/NAME.json   the outlines for correction in LabelMe, which opens the picture itself
  videos/NAME.csv     the number of animals in each frame
  videos/NAME.mp4     the video with its animals in colour
of a model that knows the class of each pixel:
  areas.csv           pixels and share of each class in each picture
  masks/NAME.png      the classes; the values are the class ids
  overlays, videos    as above"""
PICTURES = {'.bmp', '.jpeg', '.jpg', '.jp2', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp'}
VIDEOS = {'.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.webm', '.wmv'}
READ = dict(color=cv2.IMREAD_COLOR, grayscale=cv2.IMREAD_GRAYSCALE,
            color_ignore_orientation=cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


class Animal(NamedTuple):
    """One instance; ``mask`` (h, w), bool, is the part of the picture that begins at left, top."""

    label: int
    score: float
    left: int
    top: int
    mask: np.ndarray


class Input(NamedTuple):
    """A picture, a video or a camera, and the path of its results without folder and suffix."""

    source: str
    name: str
    is_video: bool


# --- the model ------------------------------------------------------------------------------

class Model:
    """The network of this folder: a picture in, animals or class ids out.

    Args:
        folder (Path): Holds model.onnx and model.json.
        score_thr (float, optional): Lowest score of an animal. Defaults to that of model.json.
        threads (int, optional): Defaults to one for each core.
    """

    def __init__(self, folder: Path, score_thr: float | None = None,
                 threads: int | None = None) -> None:
        import onnxruntime
        self.facts = json.loads((folder / 'model.json').read_text('utf-8'))
        self.classes: list[str] = self.facts['classes']
        self.counts = self.facts['kind'] == 'instances'
        self.score_thr = self.facts.get('threshold') if score_thr is None else score_thr
        self.is_full = False
        self.intervals: dict[str, Any] = self.facts.get('intervals', {})
        if self.counts and self.score_thr != self.facts['threshold'] and 'of' in self.intervals:
            self.intervals = dict(level=self.intervals['level'], images=0, reason=(
                f'intervals are those of the threshold {self.facts["threshold"]}'))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(folder / 'model.onnx'), options,
                                                     providers=['CPUExecutionProvider'])

    def read(self, path: str) -> np.ndarray:
        """A picture as the training reads it: BGR (H, W, 3), or grey (H, W)."""
        content = np.fromfile(path, np.uint8)
        image = cv2.imdecode(content, READ[self.facts['read']]) if content.size else None
        if image is None:
            raise ValueError(f'{path} is {"no image" if content.size else "empty"}')
        return image

    def animals(self, image: np.ndarray) -> list[Animal]:
        """The animals in a picture, the surest first."""
        height, width = image.shape[:2]
        small = resized(image, self.facts['resize'])
        # by its mask, also what is not sure suppresses what lies over several
        least = 0 if self.facts['mask_nms'] else self.score_thr
        boxes, scores, labels, masks = self._session.run(
            None, {'image': as_batch(small), 'least_score': np.array(least, np.float32)})
        # boxes are those of the resized picture
        ratio = np.array([small.shape[1] / width, small.shape[0] / height] * 2, np.float32)
        found = []
        for box, score, label, mask in zip(boxes / ratio, scores, labels, masks):
            left, top, inside = pasted(mask, box, height, width, self.facts['mask_threshold'])
            x, y, wide, high = cv2.boundingRect(inside.view(np.uint8))
            found.append(Animal(int(label), float(score), left + x, top + y,
                                inside[y:y + high, x:x + wide].copy()))
        found.sort(key=lambda animal: -animal.score)
        if self.facts['mask_nms']:
            kept = mask_nms(found, **self.facts['mask_nms'])
            found = [one for one, stays in zip(found, kept) if stays][:self.facts['cap']]
        found = [one for one in found if one.score >= np.float32(self.score_thr)]
        self.is_full = len(found) >= self.facts['cap'] > 0
        # one whose outline has no pixel is none
        return [one for one in found if one.mask.size]

    def span(self, count: int) -> tuple[int | None, int | None]:
        """Lowest and highest true number of animals in a picture, where these are known."""
        table = self.intervals.get('of')
        if table is None:
            return None, None
        low, high = table[min(count, len(table) - 1)]
        return low, high

    def total(self, counts: Sequence[int]) -> dict[str, Any]:
        """The number of animals in all pictures, and the interval in which the true one lies."""
        known, low, high = self.intervals, None, None
        if len(counts) == 1:
            low, high = self.span(counts[0])
        elif counts and 'of' in known:
            squares = np.array(counts, np.float64) + 1
            first = float(np.sqrt(squares).sum())
            middle = sum(counts) + known['missed'] * first
            reach = known['reach'] * (squares.sum() / known['S2']
                                      + (first / known['S1']) ** 2) ** 0.5
            low, high = max(0, math.ceil(middle - reach)), max(0, math.floor(middle + reach))
        return dict(images=len(counts), count=sum(counts), low=low, high=high,
                    level=known['level'], threshold=self.score_thr,
                    calibrated_on=known['images'], reason=known['reason'] or None)

    def labels(self, image: np.ndarray) -> np.ndarray:
        """The class id of each pixel, (H, W), int64."""
        batch = as_batch(resized(image, self.facts['resize']))
        logits = self._session.run(None, {'image': batch})[0][0]
        logits = interpolated(logits, image.shape[0], image.shape[1], self.facts['align_corners'])
        if len(logits) > 1:
            return logits.argmax(0)
        probability = 1 / (1 + np.exp(-logits[0]))
        return (probability > self.facts['foreground_threshold']).astype(np.int64)


def mask_nms(animals: Sequence[Animal], iou: float = 0.5, inside: float | None = None,
             merged: float | None = None, parts: float = 0.9,
             class_agnostic: bool = False) -> np.ndarray:
    """Which animals stay, (N,) bool: none that is another one again, or several at once.

    First goes an outline in which two or more others lie that are apart, with a share ``merged`` of
    their pixels, that fill a share ``merged`` of it, each with ``parts`` of its score at least.
    Then goes what has an IoU above ``iou`` with a surer one, or lies in it by a share above
    ``inside``.
    """
    shared = np.array([[common(one, other) for other in animals] for one in animals], float)
    area = shared.diagonal() if len(animals) else np.zeros(0)
    labels, scores = (np.array([animal[place] for animal in animals]) for place in (0, 1))
    rivals = np.ones_like(shared, bool) if class_agnostic else labels[:, None] == labels
    kept = area > 0
    if merged is not None:
        part = (rivals & (shared >= merged * area) & (scores >= parts * scores[:, None])
                & (area < merged * area[:, None]) & (area > 0))
        apart = shared <= (1 - merged) * np.minimum(area[:, None], area)
        # the smallest first: what is lost itself is no part of a larger one
        for place in area.argsort(kind='stable'):
            chosen: list[int] = []
            for other in (-scores).argsort(kind='stable'):
                if part[place, other] and kept[other] and apart[other, chosen].all():
                    chosen.append(int(other))
            if len(chosen) > 1 and shared[place, chosen].sum() >= merged * area[place]:
                kept[place] = False
    alike = shared / np.maximum(area[:, None] + area - shared, 1) > iou
    if inside is not None:
        alike |= shared / np.maximum(area, 1) > inside
    alike &= rivals
    for place in (-scores).argsort(kind='stable'):
        if kept[place]:
            kept &= ~(alike[place] & (scores <= scores[place]))
            kept[place] = True
    return kept


def common(one: Animal, other: Animal) -> int:
    """Pixels that two animals share."""
    left, top = max(one.left, other.left), max(one.top, other.top)
    right, bottom = (min(one[2 + axis] + one.mask.shape[1 - axis],
                         other[2 + axis] + other.mask.shape[1 - axis]) for axis in (0, 1))
    if left >= right or top >= bottom:
        return 0
    a, b = (animal.mask[top - animal.top:bottom - animal.top,
                        left - animal.left:right - animal.left] for animal in (one, other))
    return int(np.count_nonzero(a & b))


def as_batch(image: np.ndarray) -> np.ndarray:
    """A picture as the network takes it, (1, H, W, channels), uint8."""
    return np.ascontiguousarray(image.reshape(1, *image.shape[:2], -1))


def resized(image: np.ndarray, rule: dict[str, Any] | None) -> np.ndarray:
    """A picture in the size in which the training saw pictures.

    Args:
        image (np.ndarray): (H, W, 3) or (H, W).
        rule (dict, optional): ``scale``, two sides, and ``keep_ratio``: whether the picture
            becomes as large as fits into them, whichever way they are turned.
    """
    if rule is None:
        return image
    height, width = image.shape[:2]
    size = tuple(rule['scale'])
    if rule['keep_ratio']:
        factor = min(max(size) / max(height, width), min(size) / min(height, width))
        size = int(width * factor + 0.5), int(height * factor + 0.5)
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)


def pasted(mask: np.ndarray, box: np.ndarray, height: int, width: int,
           threshold: float) -> tuple[int, int, np.ndarray]:
    """Bring a small mask over its box in the picture.

    Args:
        mask (np.ndarray): Probabilities (h, w), float32, over the box from border to border.
        box (np.ndarray): x1, y1, x2, y2 in pixels of the picture, float32.
        height (int): H of the picture.
        width (int): W of the picture.
        threshold (float): Lowest probability of a pixel of the instance.

    Returns:
        tuple: Left and top of a part of the picture, and where the instance is in it, bool.
    """
    first = np.maximum(np.floor(box[:2]) - 1, 0).astype(int)
    last = np.minimum(np.ceil(box[2:]) + 1, (width, height)).astype(int)
    shape = max(last[1] - first[1], 0), max(last[0] - first[0], 0)
    if 0 in shape:
        return int(first[0]), int(first[1]), np.zeros(shape, bool)
    # zeros around the mask, so that it fades out beyond its outermost pixels
    framed = np.pad(mask, 1)
    near = []
    for axis, extent in ((1, mask.shape[0]), (0, mask.shape[1])):
        place: Any = np.arange(first[axis], last[axis], dtype=np.float32) + np.float32(0.5)
        with np.errstate(divide='ignore', invalid='ignore'):
            place = (place - box[axis]) / (box[axis + 2] - box[axis]) * np.float32(2) - 1
        place[np.isinf(place)] = 0
        place = (place + 1) * np.float32(extent / 2) - np.float32(0.5)
        # far outside, and where there is no number, are zeros all around
        low = np.floor(np.nan_to_num(place, nan=-9).clip(-9, extent + 9))
        behind = np.nan_to_num(place - low).astype(np.float32)
        index = low.astype(int) + 1
        near.append((index.clip(0, extent + 1), (index + 1).clip(0, extent + 1), behind))
    (up, down, n), (left, right, w) = near
    s, e = (1 - n)[:, None], (1 - w)[None]
    n, w = n[:, None], w[None]
    above, below = framed[up], framed[down]
    value = (above[:, left] * (s * e) + above[:, right] * (s * w)
             + below[:, left] * (n * e) + below[:, right] * (n * w))
    return int(first[0]), int(first[1]), value >= np.float32(threshold)


def interpolated(maps: np.ndarray, height: int, width: int, align_corners: bool) -> np.ndarray:
    """Bilinear interpolation of maps (C, h, w), float32, to (C, height, width)."""
    place: Any
    for axis, size in ((1, height), (2, width)):
        extent = maps.shape[axis]
        if extent == size:
            continue
        place = np.arange(size, dtype=np.float32)
        if align_corners:
            place = place * np.float32((extent - 1) / max(size - 1, 1))
        else:
            place = np.maximum((place + np.float32(0.5)) * np.float32(extent / size)
                               - np.float32(0.5), 0)
        low = np.minimum(place.astype(int), extent - 1)
        high = np.minimum(low + 1, extent - 1)
        behind = (place - low).reshape((-1, 1) if axis == 1 else (1, -1)).astype(np.float32)
        maps = maps.take(low, axis) * (1 - behind) + maps.take(high, axis) * behind
    return maps


# --- what is written of a picture -----------------------------------------------------------

def colour_of(number: int) -> tuple[int, int, int]:
    """Colour of an animal, blue, green and red: the same for the same number."""
    saturation, value = ((0.75, 1.0), (0.95, 0.95), (0.5, 1.0))[number % 3]
    red, green, blue = colorsys.hsv_to_rgb((0.5 + number * (5 ** 0.5 - 1) / 2) % 1, saturation,
                                           value)
    return round(255 * blue), round(255 * green), round(255 * red)


def drawn_animals(image: np.ndarray, animals: Sequence[Animal], opacity: float) -> np.ndarray:
    """A picture, BGR, with each animal in a colour, its outline, number and score."""
    canvas = as_colour(image).copy()
    outlines = []
    for number, animal in enumerate(animals, start=1):
        high, wide = animal.mask.shape
        part = canvas[animal.top:animal.top + high, animal.left:animal.left + wide]
        window = animal.mask.view(np.uint8)
        blended = cv2.addWeighted(part, 1 - opacity, np.full_like(part, colour_of(number)),
                                  opacity, 0)
        cv2.copyTo(blended, window, part)
        outlines.append(cv2.findContours(window, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE,
                                         offset=(animal.left, animal.top))[0])
    # outlines and texts last, so that no other animal covers them
    for number, contours in enumerate(outlines, start=1):
        cv2.drawContours(canvas, contours, -1, colour_of(number),
                         max(1, round(max(image.shape[:2]) / 700)))
    for number, animal in enumerate(animals, start=1):
        write_text(canvas, animal, number)
    return canvas


def write_text(canvas: np.ndarray, animal: Animal, number: int) -> None:
    """Number and score in the middle of an animal, on a patch of its colour."""
    rows = animal.mask.sum(axis=1).cumsum()
    row = int(np.searchsorted(rows, rows[-1] / 2))
    columns = np.flatnonzero(animal.mask[row])
    x, y = animal.left + int(columns[len(columns) // 2]), animal.top + row
    text, size = f'{number}  {animal.score:.2f}', max(canvas.shape[:2]) / 1600 + 0.2
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    # the text of an animal at the border is moved into the picture
    left = min(max(x - wide // 2, 2), max(canvas.shape[1] - wide - 2, 2))
    bottom = min(max(y + high // 2, high + 2), max(canvas.shape[0] - 3, high + 2))
    blue, green, red = colour_of(number)
    cv2.rectangle(canvas, (left - 2, bottom - high - 2), (left + wide + 2, bottom + 3),
                  (blue, green, red), -1)
    dark = 0.299 * red + 0.587 * green + 0.114 * blue > 140
    cv2.putText(canvas, text, (left, bottom), cv2.FONT_HERSHEY_SIMPLEX, size,
                (0, 0, 0) if dark else (255, 255, 255), 1, cv2.LINE_AA)


def drawn_labels(image: np.ndarray, labels: np.ndarray, palette: Sequence[Sequence[int]],
                 opacity: float) -> np.ndarray:
    """A picture, BGR, with the colours (RGB) of its classes."""
    table = np.array(palette, np.uint8)[:, ::-1]
    return cv2.addWeighted(as_colour(image), 1 - opacity, table[labels], opacity, 0)


def as_colour(image: np.ndarray) -> np.ndarray:
    """BGR (H, W, 3) of a picture that is BGR or grey (H, W)."""
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image


def png(pixels: np.ndarray, palette: Sequence[Sequence[int]] | None = None) -> bytes:
    """A PNG of class ids with their colours (RGB), or without these one of black and white."""
    height, width = pixels.shape
    rows = np.packbits(pixels, axis=1) if palette is None else pixels.astype(np.uint8)
    lines = np.pad(rows, ((0, 0), (1, 0)))  # each line begins with its filter, none
    kind = (1, 0) if palette is None else (8, 3)
    parts = [(b'IHDR', struct.pack('>IIBBBBB', width, height, *kind, 0, 0, 0))]
    if palette is not None:
        parts.append((b'PLTE', bytes(value for colour in palette for value in colour)))
    parts += [(b'IDAT', zlib.compress(lines.tobytes())), (b'IEND', b'')]
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))
        for name, data in parts)


def labelme(animals: Sequence[Animal], classes: Sequence[str], shape: Sequence[int], image: str,
            simplify: float) -> str:
    """A LabelMe file; ``image`` is the path of the picture from its folder."""
    shapes = []
    for number, animal in enumerate(animals, start=1):
        drawn = outlines_of(animal.mask, simplify)
        for one in drawn:
            points = np.add(one['points'], (animal.left, animal.top)).tolist()
            shapes.append(dict(
                label=classes[animal.label], points=points,
                group_id=number if len(drawn) > 1 else None,
                description=f'score {animal.score:.2f}',
                shape_type='mask' if 'mask' in one else 'polygon', flags={},
                **({'mask': one['mask']} if 'mask' in one else {})))
    document: dict[str, Any] = dict(
        version='5.5.0', flags={}, shapes=shapes, imagePath=image, imageData=None,
        imageHeight=shape[0], imageWidth=shape[1])
    return json.dumps(document, ensure_ascii=False, indent=2) + '\n'


def outlines_of(mask: np.ndarray, simplify: float) -> list[dict[str, Any]]:
    """Polygons of the parts of a mask, or the mask itself if it has a hole."""
    high, wide = mask.shape
    count, parts, boxes, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4)
    rings = []
    for index in range(1, count):
        left, top, columns, rows = (int(value) for value in boxes[index][:4])
        part = (parts[top:top + rows, left:left + columns] == index).view(np.uint8)
        _, tree = cv2.findContours(part, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        if any(parent >= 0 for *_, parent in tree[0]):
            code = base64.b64encode(png(mask)).decode('ascii')
            return [dict(points=[[0.0, 0.0], [wide - 1.0, high - 1.0]], mask=code)]
        # in steps of half a pixel, so that programs that fill the polygon fill these pixels
        double = part.repeat(2, axis=0).repeat(2, axis=1)
        contour = cv2.findContours(double, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0][0]
        rings.append(contour[:, 0] / 2 + (left, top))
    return [dict(points=simplified(ring, simplify)) for ring in rings]


def simplified(ring: np.ndarray, tolerance: float) -> np.ndarray:
    """A ring (N, 2) with few points, by Douglas and Peucker, that does not cross itself.

    It deviates by at most ``tolerance`` pixels; small or thin rings keep their form.
    """
    points = np.concatenate([ring, ring[:1]])
    x, y = points.T
    area = abs(float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())) / 2
    tolerance = min(tolerance, area / sum(np.hypot(*np.diff(points, axis=0).T).tolist()) / 4)
    starts, ends = points[:-1], points[1:]
    given = np.ones(len(starts), bool)  # segments of the ring that were not replaced
    kept: list[tuple[int, int]] = []
    todo = [(0, len(points) - 1, 1)]
    while todo:
        i, j, depth = todo.pop()
        if i + 1 < j:
            far = distances(points[i + 1:j], points[i], points[j])
            middle = i + 1 + int(far.argmax())
            few = (len(kept) + 1 if kept else 0) < 4 and depth + 1 < 4
            others = given.copy()
            others[i:j] = False
            if few or far.max() > tolerance or crosses(
                    points[i], points[j], np.concatenate([starts[others], *(
                        points[None, a] for a, b in kept if b > a + 1)]),
                    np.concatenate([ends[others], *(
                        points[None, b] for a, b in kept if b > a + 1)])):
                todo += [(middle, j, depth + 1), (i, middle, depth + 1)]
                continue
            given[i:j] = False
        kept.append((i, j))
    places = [a for a, _ in kept]
    if len(kept) + 1 > 4:
        # the point at which the ring begins is no corner of its own
        before, after = points[places[-1]], points[places[1]]
        inner = kept[1:-1]
        if distances(points[:1], before, after)[0] <= tolerance and not crosses(
                before, after, points[[a for a, _ in inner]], points[[b for _, b in inner]]):
            places = [places[-1], *places[1:-1]]
    return points[places]


def distances(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distances of points (N, 2) from a segment."""
    step = end - start
    length = float(step[0] * step[0] + step[1] * step[1])
    away = points - start
    direct = np.sqrt(away[:, 0] ** 2 + away[:, 1] ** 2)
    if length == 0:
        return direct
    along = (away[:, 0] * step[0] + away[:, 1] * step[1]) / length
    back = points - end
    beyond = np.sqrt(back[:, 0] ** 2 + back[:, 1] ** 2)
    aside = np.abs((-away[:, 1] * step[0] + away[:, 0] * step[1]) / length) * np.sqrt(length)
    return np.where(along <= 0, direct, np.where(along >= 1, beyond, aside))


def crosses(start: np.ndarray, end: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> bool:
    """Whether a segment has more than end points in common with others, (N, 2) each."""
    def side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        return np.sign((b - a)[..., 0] * (c - a)[..., 1] - (b - a)[..., 1] * (c - a)[..., 0])

    def within(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        return (side(a, b, c) == 0) & (((a - c) * (b - c)).sum(-1) < 0)

    apart = side(start, end, starts) * side(start, end, ends) < 0
    apart &= side(starts, ends, start) * side(starts, ends, end) < 0
    touch = within(start, end, starts) | within(start, end, ends)
    touch |= within(starts, ends, start) | within(starts, ends, end)
    same = ((starts == start).all(-1) & (ends == end).all(-1)
            | (starts == end).all(-1) & (ends == start).all(-1))
    return bool((apart | touch | same).any())


# --- files ----------------------------------------------------------------------------------

def save(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.tmp')
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def save_image(path: Path, image: np.ndarray) -> None:
    """Write a picture, BGR, as the suffix says."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, 92] if path.suffix == '.jpg' else []
    done, content = cv2.imencode(path.suffix, image, quality)
    if not done:
        raise ValueError(f'{path} cannot be encoded: give --format png')
    save(path, content.tobytes())


@contextlib.contextmanager
def table(path: Path, header: Sequence[str]) -> Iterator[Callable[[list], None]]:
    """A CSV file to which rows are added; whatever ends the program, they are in the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file)

        def add(rows: list) -> None:
            writer.writerows([as_cell(value) for value in row] for row in rows)
            file.flush()
        add([header])
        yield add


def as_cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula, which may call programs."""
    number = r'[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?'
    if isinstance(value, str) and re.match(r'[=+\-@\t\r]', value) and not re.fullmatch(number,
                                                                                       value):
        return f"'{value}"
    return value


def inputs_of(words: Sequence[str], out: Path) -> list[Input]:
    """Files, folders with their subfolders, and cameras, each with a name of its own."""
    found: dict[str, tuple[str, bool]] = {}
    for word in words:
        path = Path(word)
        if re.fullmatch(r'camera:\d+', word) or '://' in word:
            found[word] = re.sub(r'\W+', '-', word).strip('-'), True
        elif path.is_dir():
            for file in sorted(path.rglob('*')):
                kind = file.suffix.lower()
                if (kind in PICTURES | VIDEOS and file.is_file() and file.name[0] != '.'
                        and out.resolve() not in file.resolve().parents):
                    name = file.relative_to(path).with_suffix('').as_posix()
                    found.setdefault(str(file), (name, kind in VIDEOS))
        elif path.exists():
            found.setdefault(str(path), (path.stem, path.suffix.lower() in VIDEOS))
        else:
            raise FileNotFoundError(f'input {word} does not exist')
    taken: set[str] = set()
    inputs = []
    for source, (name, is_video) in found.items():
        choices = [name, f'{name}_{Path(source).suffix[1:]}',
                   *(f'{name}_{number}' for number in range(2, len(found) + 2))]
        name = next(choice for choice in choices if choice.casefold() not in taken)
        taken.add(name.casefold())
        inputs.append(Input(source, name, is_video))
    return inputs


class Results:
    """What is written into a folder: of a model that counts, or of one that knows each pixel."""

    def __init__(self, model: Model, args: argparse.Namespace) -> None:
        self.model, self.out, self.args = model, Path(args.out), args
        several = model.classes if len(model.classes) > 1 else []
        self.title = (['count', *several, 'count_low', 'count_high'] if model.counts
                      else ['class', 'pixels', 'share'])

    def rows(self, name: Any, found: Any) -> list[list]:
        """Rows of the table of pictures or frames."""
        if self.model.counts:
            labels = [animal.label for animal in found]
            each = [labels.count(label) for label in range(len(self.title) - 3)]
            return [[name, len(found), *each, *self.model.span(len(found))]]
        counts = np.bincount(found.ravel(), minlength=len(self.model.classes))
        return [[name, label, int(pixels), f'{pixels / found.size:.6f}']
                for label, pixels in zip(self.model.classes, counts)]

    def find(self, image: np.ndarray) -> tuple[Any, np.ndarray]:
        """What is in a picture, and the picture with it."""
        if self.model.counts:
            animals = self.model.animals(image)
            return animals, drawn_animals(image, animals, self.args.opacity)
        labels = self.model.labels(image)
        return labels, drawn_labels(image, labels, self.model.facts['palette'], self.args.opacity)

    def pictures(self, inputs: Sequence[Input]) -> int:
        """Do all pictures; returns how many could not be done."""
        failed, full, counts = 0, [], []
        columns = ['picture', 'number', 'class', 'score', 'area', 'x', 'y', 'width', 'height']
        name = 'counts.csv' if self.model.counts else 'areas.csv'
        with contextlib.ExitStack() as stack:
            add = stack.enter_context(table(self.out / name, ['picture', *self.title]))
            add_animals = stack.enter_context(
                table(self.out / 'animals.csv', columns)) if self.model.counts else None
            for item in inputs:
                try:
                    image = self.model.read(item.source)
                    found, overlay = self.find(image)
                    save_image(self.out / 'overlays' / f'{item.name}.{self.args.format}', overlay)
                    self.save_labels(item, image, found)
                except (OSError, ValueError, cv2.error) as error:
                    print(f'skipped: {item.source}: {error}', file=sys.stderr)
                    failed += 1
                    continue
                # the tables last: what they list has its files
                if add_animals is not None:
                    add_animals([[item.source, number, self.model.classes[one.label],
                                  f'{one.score:.4f}', int(one.mask.sum()), one.left, one.top,
                                  one.mask.shape[1], one.mask.shape[0]]
                                 for number, one in enumerate(found, start=1)])
                add(self.rows(item.source, found))
                counts.append(len(found))
                if self.model.is_full:
                    full.append(item.source)
        if self.model.counts:
            save(self.out / 'total.json',
                 (json.dumps(self.model.total(counts), indent=1) + '\n').encode())
        if full:
            print(f'warning: {len(full)} pictures, such as {full[0]}, have as many animals as the '
                  f'model may find ({self.model.facts["cap"]}); there may be more', file=sys.stderr)
        return failed

    def save_labels(self, item: Input, image: np.ndarray, found: Any) -> None:
        """The outlines for LabelMe, or the mask of the classes."""
        if self.model.counts:
            path = self.out / 'labelme' / f'{item.name}.json'
            relative = os.path.relpath(Path(item.source).resolve(), path.parent.resolve())
            text = labelme(found, self.model.classes, image.shape, Path(relative).as_posix(),
                           self.args.simplify)
            save(path, text.encode())
        else:
            save(self.out / 'masks' / f'{item.name}.png', png(found, self.model.facts['palette']))

    def video(self, item: Input) -> bool:
        """Do a video or a camera; returns whether it could be opened."""
        camera = re.fullmatch(r'camera:(\d+)', item.source)
        video = cv2.VideoCapture(int(camera[1]) if camera else item.source)
        good, frame = video.read()
        if not good:
            print(f'skipped: {item.source} is no video that OpenCV can read', file=sys.stderr)
            return False
        target = self.out / 'videos' / item.name
        writer = None
        try:
            with table(Path(f'{target}.csv'), ['frame', *self.title]) as add:
                for index in range(self.args.frames or sys.maxsize):
                    found, overlay = self.find(frame)
                    if writer is None:
                        writer = cv2.VideoWriter(
                            f'{target}.mp4', cv2.VideoWriter.fourcc(*'mp4v'),
                            video.get(cv2.CAP_PROP_FPS) or 25.0, overlay.shape[1::-1])
                    writer.write(overlay)
                    add(self.rows(index, found))
                    good, frame = video.read()
                    if not good:
                        break
        finally:
            video.release()
            if writer is not None:
                writer.release()
        return True


def main(argv: Sequence[str] | None = None) -> int:
    """Predict; returns the exit status, 1 if an input could not be done."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('input', nargs='+', help='picture, video, folder, camera:N or address')
    parser.add_argument('--out', default='outputs', metavar='DIR',
                        help='folder of the results (default: outputs)')
    parser.add_argument('--score-thr', type=float, metavar='X',
                        help='lowest score of an animal (default: that of model.json)')
    parser.add_argument('--opacity', type=float, default=0.5, help='of the colours (default: 0.5)')
    parser.add_argument('--format', choices=['jpg', 'png'], default='jpg', help='of the overlays')
    parser.add_argument('--simplify', type=float, default=1.0, metavar='PIXELS',
                        help='how far outlines for LabelMe may deviate (default: 1)')
    parser.add_argument('--frames', type=int, metavar='N', help='of a video or camera at most')
    parser.add_argument('--threads', type=int, metavar='N', help='default: one for each core')
    args = parser.parse_args(argv)
    try:
        inputs = inputs_of(args.input, Path(args.out))
    except FileNotFoundError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    model = Model(Path(__file__).resolve().parent, args.score_thr, args.threads)
    if model.counts:
        print(f'score threshold {model.score_thr:.3g}')
    results, failed = Results(model, args), 0
    try:
        pictures = [item for item in inputs if not item.is_video]
        if pictures:
            failed += results.pictures(pictures)
        failed += sum(not results.video(item) for item in inputs if item.is_video)
    except KeyboardInterrupt:
        print(f'\nstopped; what was done is in {args.out}')
        return 130
    print(f'{len(inputs) - failed} of {len(inputs)} inputs done; results in {args.out}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
