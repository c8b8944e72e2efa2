"""Outlines that lie outside, cross themselves, or are too small to be learnt."""
import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from mmcv.transforms import RandomChoice, RandomChoiceResize, RandomResize, Resize
from pycocotools import mask as coco_mask

from ..labels import outline_faults
from ..labels.polygons import to_rle
from ..labels.tangles import kind_of
from .findings import Report
from .parts import DataPart, Outline

# an outline along the border may round to beyond it
SLACK = 1.0
# share of its area that a crossing may change; drawing by hand changes less
CROSSED = 0.01
# a box below this many pixels a side, or an area below, is a slip of the mouse
TINY_SIDE, TINY_AREA = 2.0, 8.0
# pixels of an object at the input of the network, and the share of objects below that is much
SMALLEST, MANY = 8.0, 0.05
FAULTS: dict[str, tuple[str, str, str]] = {
    # as the reader of COCO files says it
    **{kind: ('error', *words) for kind, words in outline_faults.FAULTS.items()},
    'outline-outside': ('error', 'lies outside its image',
                        'correct its points, or bring back the image it was drawn on'),
    'outline-clipped': ('warning', 'reaches beyond its image', 'draw it within the image; '
                        'what lies outside is lost'),
    'outline-crosses': ('warning', 'crosses itself, so that parts of it do not count',
                        'draw it again, or mend it by a converter of tools/data'),
    'outline-tiny': ('warning', f'is smaller than {TINY_SIDE:g} pixels', 'remove it, if it is a '
                     'slip of the mouse'),
    'outline-twice': ('warning', 'is drawn twice, point by point', 'remove one of the two'),
}


class Measured(NamedTuple):
    """Box of an object: its height and width in pixels, what is wrong with its outline, a word."""

    height: float
    width: float
    fault: str
    word: str = ''


def check_outlines(parts: Sequence[DataPart], report: Report) -> None:
    """Report outlines that are wrong, one finding a sort and part, and objects too small."""
    for part in parts:
        if part.outlines is None:
            continue
        faults: dict[str, list[str]] = defaultdict(list)
        words: dict[str, str] = {}
        sides: list[tuple[float, str]] = []
        for entry, outlines in zip(part.entries, part.outlines):
            assert entry.size is not None  # files of outlines hold the sizes
            height, width = entry.size
            factor = input_factor(part.steps, (height, width))
            for outline in outlines:
                measured = _measure(outline, height, width)
                if measured.fault:
                    words.setdefault(measured.fault, measured.word)
                    faults[measured.fault].append(outline.place)
                elif not outline.crowd:
                    side = float(np.sqrt(measured.height * measured.width))
                    sides.append((side * factor, outline.place))
            faults['outline-twice'] += _twice(outlines)
        for code, places in faults.items():
            if places:
                severity, fault, cure = FAULTS[code]
                report.add(severity, code, f'{places[0]} {fault.format(words.get(code, ""))}',
                           places, cure)
        _check_shrunk(part, sides, report)
        _check_bare(part, report)


def measured_size(outline: Outline, height: int, width: int) -> tuple[float, float]:
    """Height and width of the box of an outline in an image of H x W pixels; 0 if it is wrong."""
    return _measure(outline, height, width)[:2]


def input_factor(steps: Sequence[Any], size: tuple[int, int]) -> float:
    """By how much the pipeline enlarges an image of (H, W) pixels, random ranges left aside."""
    for step in itertools.chain.from_iterable(map(_first_choice, steps)):
        scale = _scale(step)
        if scale is not None:
            (long, short), (most, least) = (sorted(pair)[::-1] for pair in (scale, size))
            # random ones hold the transform that resizes
            if getattr(getattr(step, 'resize', step), 'keep_ratio', True):
                return min(long / most, short / least)
            return float(np.sqrt(scale[0] * scale[1] / (size[0] * size[1])))
        if isinstance(step, Resize) and step.scale_factor is not None:
            return float(np.mean(step.scale_factor))
    return 1.0


def _first_choice(step: Any) -> Sequence[Any]:
    """The steps that a transform stands for; of several ways the first one."""
    return step.transforms[0].transforms if isinstance(step, RandomChoice) else [step]


def _scale(step: Any) -> tuple[int, int] | None:
    """The size (W, H) that a transform resizes to, the largest of several."""
    if isinstance(step, RandomChoiceResize):
        scales = step.scales
    elif isinstance(step, (RandomResize, Resize)) and step.scale is not None:
        single = np.isscalar(step.scale) or np.isscalar(step.scale[0])
        scales = [step.scale] if single else step.scale
    else:
        return None
    pairs = [(one, one) if np.isscalar(one) else tuple(one) for one in scales]
    return max(pairs, key=lambda pair: pair[0] * pair[1])


def _measure(outline: Outline, height: int, width: int) -> Measured:
    kind, word = outline_faults.outline_fault(outline.segmentation, height, width)
    if kind:
        return Measured(0, 0, kind, word)
    if isinstance(outline.segmentation, dict):
        rle = to_rle(outline.segmentation, height, width)
        box, area = coco_mask.toBbox(rle)[2:], float(coco_mask.area(rle))
        return Measured(box[1], box[0], 'outline-tiny' if _is_tiny(box, area) else '')
    rings = [np.asarray(ring, float).reshape(-1, 2) for ring in outline.segmentation]
    points = np.concatenate(rings)
    low, high = points.min(0), points.max(0)
    box = high - low
    fault = ''
    if (high <= 0).any() or (low >= (width, height)).any():
        fault = 'outline-outside'
    elif (low < -SLACK).any() or (high > (width + SLACK, height + SLACK)).any():
        fault = 'outline-clipped'
    # a crossing can make the signed area of a large outline vanish
    elif min(box) >= TINY_SIDE and any(_crosses(ring) for ring in rings):
        fault = 'outline-crosses'
    elif _is_tiny(box, sum(shapely.Polygon(ring).area for ring in rings)):
        fault = 'outline-tiny'
    return Measured(box[1], box[0], fault)


def _is_tiny(box: np.ndarray, area: float) -> bool:
    return min(box) < TINY_SIDE or area < TINY_AREA


def _crosses(ring: np.ndarray) -> bool:
    """Whether a crossing changes what points (P, 2) enclose."""
    polygon = shapely.Polygon(ring)
    kind = kind_of(polygon)
    if kind != 'crossing':
        return kind == 'tangled'
    # by the even-odd rule; where loops turn against each other or overlap, the two differ
    filled, signed = shapely.make_valid(polygon).area, polygon.area
    return abs(filled - signed) > CROSSED * max(filled, signed)


def _twice(outlines: Sequence[Outline]) -> list[str]:
    """Places of outlines that repeat an earlier one of the image."""
    first: dict[tuple, str] = {}
    return [one.place for one in outlines
            if first.setdefault((one.label, repr(one.segmentation)), one.place) != one.place]


def _check_shrunk(part: DataPart, sides: Sequence[tuple[float, str]], report: Report) -> None:
    small = sorted(one for one in sides if one[0] < SMALLEST)
    if not small:
        return
    share = len(small) / len(sides)
    many = share >= MANY
    report.add(
        'warning' if many else 'note', 'object-shrunk', f'{len(small)} of {len(sides)} objects '
        f'({share:.1%}) of {part.name} are smaller than {SMALLEST:g} pixels at the size the '
        f'network sees: {small[0][1]} has {small[0][0]:.1f}', [place for _, place in small],
        'train at a larger scale, or on tiles of the images' if many else '')


def _check_bare(part: DataPart, report: Report) -> None:
    """Tell of images without objects, which are trained on as such."""
    bare = [part.looker.shown(entry.image)
            for entry, outlines in zip(part.entries, part.outlines or []) if not outlines]
    if bare:
        report.add('note', 'object-none', f'{len(bare)} of {len(part.entries)} images of '
                   f'{part.name} show no object', bare)
