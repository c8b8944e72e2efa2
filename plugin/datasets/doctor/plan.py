"""What of a detector's config should follow the data: limits, anchors and the size of images."""
import itertools
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import Config
from mmengine.registry import DefaultScope

from plugin.utils import UserError, write_atomically
from plugin.utils.config import find_config, is_detection, load_config

from .advice import Advice, config_text
from .caps import detection_cap
from .findings import Report
from .outlines import input_factor, measured_size
from .parts import leaf_configs
from .reading import read_parts

ROOM = 2  # times the fullest image
SMALL = 12  # pixels that nine of ten objects should have at least
LONGEST = 1333  # pixels of the longer side, the largest that is proposed
GAIN = 0.03  # of the mean IoU, below which anchors stay
ANCHORS = ('model', 'rpn_head', 'anchor_generator')
RESIZES = ('Resize', 'RandomResize', 'RandomChoiceResize')


class Objects(NamedTuple):
    """What was measured of the objects.

    Attributes:
        sizes (np.ndarray): (N, 2) heights and widths of the boxes of the training set, in pixels at
            the size that the network sees.
        most (int): Objects of the fullest image of training and validation set.
        fullest (str): That image.
        longest (float): Longest side of a training image as the network sees it, in pixels.
    """

    sizes: np.ndarray
    most: int
    fullest: str
    longest: float


def plan(config: str | Path, out: str | Path, *, options: Sequence[str] = (),
         overwrite: bool = False) -> list[Advice]:
    """Write a config in which limits, anchors and the size of images follow the data.

    It has the given one as ``_base_``, and each changed line has its reason above it; what can
    stay is told as well. The test set is not looked at.

    Args:
        config (str | Path): A config of MMDetection: a file, or the name of one that comes with
            Pasture.
        out (str | Path): The config to write.
        options (Sequence[str]): Values to set while the data are read, ``key=value`` each; the
            written config does not repeat them.
        overwrite (bool): Replace an older file.

    Returns:
        list[Advice]: What was written.

    Raises:
        FileExistsError: If ``out`` exists already.
        UserError: If the config finds no instances, or its training set shows none.

    Example:
        >>> from plugin.datasets.doctor import plan
        >>> advice = plan('mask-rcnn_mnv2_barn', 'configs/planned.py')
        >>> '.'.join(advice[0].key), all(one.reason for one in advice)
        ('model.test_cfg.rcnn.max_per_img', True)
    """
    if Path(out).exists() and not overwrite:
        raise FileExistsError(f'{out} exists already: choose another name, or replace it with '
                              '--overwrite')
    path = find_config(config)
    cfg = load_config(path, options)
    if not is_detection(cfg) or not cfg.get('model'):
        raise UserError(f'{config} is no config of a model of animals (MMDetection): give one, '
                        'e.g. configs/mask-rcnn_mnv2_cattle.py')
    objects = measure(cfg)
    scale, advice = _scales(cfg, objects)
    advice = [*_limits(cfg, objects), *_anchors(cfg, objects, scale), *advice]
    base = Path(os.path.relpath(path, Path(out).absolute().parent)).as_posix()
    write_atomically(out, config_text(base, advice))
    load_config(out)  # what is written can be read
    return advice


def measure(cfg: Config) -> Objects:
    """Look at the objects of the training and the validation set of a config."""
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmdet'):
        parts = read_parts(list(leaf_configs(cfg)), Report())
    sizes: list[tuple[float, float]] = []
    counts: dict[str, int] = {}
    longest = 0.0
    for part in parts:
        if part.outlines is None or part.role not in ('train', 'val'):
            continue
        for entry, outlines in zip(part.entries, part.outlines):
            single = [one for one in outlines if not one.crowd]
            counts[part.looker.shown(entry.image)] = len(single)
            if part.role == 'train' and entry.size is not None:
                factor = input_factor(part.steps, entry.size)
                longest = max(longest, factor * max(entry.size))
                found = (measured_size(one, *entry.size) for one in single)
                sizes += [(factor * height, factor * width) for height, width in found
                          if min(height, width) > 0]
    if not sizes:
        raise UserError('the training set shows no outlined object: plan after the labels are '
                        'converted')
    fullest = max(counts, key=lambda name: counts[name])
    return Objects(np.array(sizes), counts[fullest], fullest, longest)


def _limits(cfg: Config, objects: Objects) -> list[Advice]:
    """The limit of instances, and of the proposals from which they are chosen."""
    cap = detection_cap(cfg)
    if cap is None:
        return []
    key, most = tuple(cap[0].split('.')), cap[1]
    shown = f'{objects.fullest} shows {objects.most} objects, the most of training and validation'
    wanted = max(most, 10 * math.ceil(ROOM * objects.most / 10))
    change = most < 1.5 * objects.most
    found = [Advice(key, wanted if change else None,
                    f'{shown}; {most} would leave no room' if change else
                    f'{most} is enough: {shown}')]
    limit = wanted if change else most
    for place in (('model', 'test_cfg', 'rpn', 'max_per_img'),
                  ('model', 'train_cfg', 'rpn_proposal', 'max_per_img')):
        proposals = _at(cfg, place)
        if isinstance(proposals, int) and proposals < 2 * limit:
            found.append(Advice(place, 2 * limit, f'two proposals for each of {limit} instances; '
                                f'it was {proposals}'))
    return found


def _anchors(cfg: Config, objects: Objects, scale: float) -> list[Advice]:
    """Sizes and forms of the anchors, as many of each as before."""
    anchors = _at(cfg, ANCHORS)
    if not isinstance(anchors, Mapping) or not all(
            isinstance(anchors.get(name), (list, tuple))
            for name in ('scales', 'ratios', 'strides')):
        return []
    sizes = objects.sizes * scale
    strides = [np.max(stride) for stride in anchors['strides']]
    now = list(anchors['scales']), list(anchors['ratios'])
    ratios = [now[1]]
    if len(now[1]) == 3:
        own = np.quantile(sizes[:, 0] / sizes[:, 1], (0.1, 0.5, 0.9))
        ratios.append([float(f'{value:.2g}') for value in own])
    scales = [[float(f'{2 ** (step / 2) * value:.3g}') for value in now[0]]
              for step in range(-8, 7) if step] + [now[0]]
    rated = {(tuple(one), tuple(form)): anchor_fit(sizes, strides, one, form)
             for one, form in itertools.product(scales, ratios)}
    before = rated[tuple(now[0]), tuple(now[1])]
    (one, form), best = max(rated.items(), key=lambda item: item[1])
    low, high = np.quantile(np.sqrt(sizes.prod(1)), (0.1, 0.9))
    shown = f'8 of 10 objects have {low:.0f} to {high:.0f} pixels'
    if best < before + GAIN:
        return [Advice(ANCHORS, None, f'anchors stay: {shown}, and the best anchor of an object '
                       f'has an IoU of {before:.2f} on average')]
    reason = (f'{shown}; with these the best anchor of an object has an IoU of {best:.2f} on '
              f'average, {before:.2f} before')
    found = [Advice((*ANCHORS, 'scales'), list(one), reason)]
    if list(form) != now[1]:
        found.append(Advice((*ANCHORS, 'ratios'), list(form), 'height by width of the objects: '
                            'quantiles of 10, 50 and 90%'))
    return found


def anchor_fit(sizes: np.ndarray, strides: Sequence[float], scales: Sequence[float],
               ratios: Sequence[float]) -> float:
    """Mean over boxes of the IoU with the best anchor of the same centre.

    Args:
        sizes (np.ndarray): (N, 2) heights and widths in pixels.
        strides (Sequence[float]): Of the levels.
        scales (Sequence[float]): Side of an anchor in strides.
        ratios (Sequence[float]): Height by width.
    """
    sides = np.multiply.outer(np.asarray(strides, float), np.asarray(scales, float)).ravel()
    root = np.sqrt(np.asarray(ratios, float))
    anchors = np.stack([np.multiply.outer(sides, root).ravel(),
                        np.divide.outer(sides, root).ravel()], axis=1)
    common = np.minimum(sizes[:, None], anchors).prod(2)
    union = sizes.prod(1)[:, None] + anchors.prod(1) - common
    return float((common / union).max(1).mean())


def _scales(cfg: Config, objects: Objects) -> tuple[float, list[Advice]]:
    """By how much larger the network should see the images, and the pipelines that do it."""
    small = float(np.quantile(np.sqrt(objects.sizes.prod(1)), 0.1))
    places = [(loader, 'dataset', 'pipeline') for loader in (
        'train_dataloader', 'val_dataloader', 'test_dataloader')]
    lists = {place: _at(cfg, place) for place in places}
    scale = min(SMALL / small, LONGEST / objects.longest, 2.0)
    resized = {place: _enlarged(steps, scale) for place, steps in lists.items()
               if isinstance(steps, (list, tuple))}
    if small >= SMALL or scale < 1.1 or not all(
            new != list(lists[place]) for place, new in resized.items()):
        why = ('' if small >= SMALL else f' (larger images than {objects.longest:.0f} pixels are '
               'for tiles)')
        return 1.0, [Advice(places[0], None, f'the size of the images stays: 9 of 10 objects have '
                            f'{small:.0f} pixels or more at it{why}')]
    reason = (f'images are seen {scale:.2g} times as large: one of 10 objects had fewer than '
              f'{small:.0f} pixels; an iteration takes {scale ** 2:.1f} times as long')
    return scale, [Advice(place, steps, reason if number == 0 else 'the same')
                   for number, (place, steps) in enumerate(resized.items())]


def _enlarged(steps: Sequence[Any], scale: float) -> list[Any]:
    """A pipeline whose images come out larger."""
    def larger(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(larger(one) for one in value)
        # multiples of 32, as strides are
        return max(32, 32 * round(scale * value / 32))

    return [{**step, **{key: larger(step[key]) for key in ('scale', 'scales')
                        if step.get(key) is not None}}
            if step.get('type') in RESIZES else dict(step) for step in steps]


def _at(cfg: Any, place: Sequence[str]) -> Any:
    for key in place:
        cfg = cfg.get(key) if isinstance(cfg, (Mapping, Config)) else None
    return cfg.to_dict() if hasattr(cfg, 'to_dict') else cfg
