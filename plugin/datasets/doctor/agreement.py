"""Settings of a config that have to agree: classes, ignored values, sizes in a batch."""
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from mmseg.datasets.transforms import RandomCrop
from mmseg.models import SegDataPreProcessor
from mmseg.models.decode_heads import STDCHead
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import nn

from plugin.models.segmentors import TeacherStudentSegmentor
from plugin.models.segmentors.semi_batch import IGNORE

from .facts import UsedSet
from .findings import Report
from .parts import UNLABELED

USUAL = 255
SCORED = ('SegMetric', 'IoUMetric')
# they need what is in a file; a blank image stands for it
LOADERS = ('Load', 'Pack')


def check_agreement(model: nn.Module, cfg: Mapping[str, Any], sets: Sequence[UsedSet],
                    report: Report) -> None:
    """Report classes that cannot be learnt, and values and sizes that do not agree.

    Args:
        model (nn.Module): The model, not wrapped; nothing is computed with it.
        cfg (Mapping): The config.
        sets (Sequence[UsedSet]): The data sets that will be used, before or after they were read.
        report (Report): Takes the findings.
    """
    labeled = [one for one in sets if one.classes and one.role != UNLABELED]
    heads = {name: head for name, head in model.named_modules()
             if isinstance(head, BaseDecodeHead) and not isinstance(head, STDCHead)}
    if not heads:
        return
    for one in labeled[:1]:
        _check_classes(heads, one.classes, report)
    for one in labeled:
        _check_ignored(model, heads, cfg, one, report)
    for one in sets:
        _check_sizes(model, cfg, one, report)


def _check_classes(heads: Mapping[str, BaseDecodeHead], classes: Sequence[str],
                   report: Report) -> None:
    """Report heads that can learn one class only."""
    for name, head in heads.items():
        rest = [one for label, one in enumerate(classes) if label != head.ignore_index]
        if head.num_classes == 1:
            report.add('error', 'one-class', f'{name} has one class, {classes[0]}, so that every '
                       f'pixel will be called {classes[0]} and the loss is 0', [f'model.{name}'],
                       f"name the background as well: metainfo=dict(classes=('background', "
                       f'{classes[0]!r})) and num_classes=2, with 0 and 1 in the labels')
            return
        if len(rest) == 1 and len(classes) > 1:
            report.add('error', 'one-class', f'{name} ignores {head.ignore_index}, the class '
                       f'{classes[head.ignore_index]}, so that every pixel will be called '
                       f'{rest[0]}', [f'model.{name}.ignore_index'],
                       f'set {name}.ignore_index={USUAL}')
            return


def _check_ignored(model: nn.Module, heads: Mapping[str, BaseDecodeHead], cfg: Mapping[str, Any],
                   used: UsedSet, report: Report) -> None:
    """Report pixels of no class that the loss or the scores would not leave out."""
    given = _given(model, used)
    if not given:
        return
    values = {value for value, _ in given}
    last = max(head.num_classes for head in heads.values())
    # a filling with a class is meant so
    foreign = {value for value in values if value >= last or value < 0}
    readers = [*_scorers(cfg, used.role), *_croppers(used)]
    # the loss of a validation is that of the training
    if used.role == 'train' or used.role == 'val' and cfg.get('optim_wrapper'):
        readers += _learners(model, heads)
    odd = [(value, name) for value, name in readers if foreign - {value}]
    if not odd or not foreign:
        return
    wanted = used.checker.ignore_index
    # nobody asked for another value, and nothing may be padded
    only_padding = wanted == USUAL and USUAL not in used.facts.values and (
        not used.checker.reduce_zero_label)
    listed = [f'{value} in {name}' for value, name in dict.fromkeys([*given, *readers])]
    report.add('warning' if only_padding else 'error', 'ignored-value',
               f'the value of pixels of no class is not the same everywhere: {", ".join(listed)}',
               [name for _, name in odd],
               f'set it to {wanted} in all of them, or write {USUAL} for these pixels in the '
               'labels and leave ignore_index and seg_pad_val out')


def _given(model: nn.Module, used: UsedSet) -> list[tuple[int, str]]:
    """Values of no class that the labels of a data set may bring, and where they come from."""
    checker, found = used.checker, []
    if checker.ignore_index != USUAL or USUAL in used.facts.values:
        found.append((checker.ignore_index, f'{used.where} (ignore_index of the data set)'))
    if checker.reduce_zero_label:
        found.append((USUAL, f'{used.where} (reduce_zero_label)'))
    for step in used.steps:
        name = type(step).__name__
        value = getattr(step, 'seg_pad_val', None)
        if name == 'Pad' and isinstance(getattr(step, 'pad_val', None), Mapping):
            value = step.pad_val.get('seg', USUAL)
        if name == 'LoadInstanceSegMap':
            value = step.ignore_index
        if isinstance(value, int):
            found.append((value, name))
    padding = getattr(model, 'data_preprocessor', None)
    pads = getattr(padding, 'size', None) or getattr(padding, 'size_divisor', None)
    if used.role == 'train' and isinstance(padding, SegDataPreProcessor) and pads:
        found.append((padding.seg_pad_val, 'the padding (model.data_preprocessor.seg_pad_val)'))
    return found


def _learners(model: nn.Module, heads: Mapping[str, BaseDecodeHead]) -> list[tuple[int, str]]:
    found = [(head.ignore_index, f'model.{name}.ignore_index') for name, head in heads.items()
             if head.ignore_index is not None]
    if isinstance(model, TeacherStudentSegmentor):
        found.append((IGNORE, f'{type(model).__name__}, whose it is'))
    return found


def _scorers(cfg: Mapping[str, Any], role: str) -> Iterator[tuple[int, str]]:
    evaluator = cfg.get(f'{role}_evaluator') or []
    for one in evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]:
        if not isinstance(one, Mapping) or one.get('format_only'):
            continue
        if str(one.get('type')).split('.')[-1] in SCORED:
            yield one.get('ignore_index', USUAL), f'{role}_evaluator.ignore_index'


def _croppers(used: UsedSet) -> list[tuple[int, str]]:
    """Crops that look at the share of each class, but for pixels of none."""
    return [(step.ignore_index, 'RandomCrop.ignore_index') for step in used.steps
            if isinstance(step, RandomCrop) and step.cat_max_ratio < 1]


def _check_sizes(model: nn.Module, cfg: Mapping[str, Any], used: UsedSet,
                 report: Report) -> None:
    """Report batches of a validation that images of several sizes cannot be put into."""
    loader = cfg.get(f'{used.role}_dataloader')
    batch = loader.get('batch_size', 1) if isinstance(loader, Mapping) else 1
    if used.role not in ('val', 'test') or batch < 2 or len(used.facts.sizes) < 2:
        return
    if not isinstance(getattr(model, 'data_preprocessor', None), SegDataPreProcessor):
        return
    final: dict[tuple[int, ...], str] = {}
    for text, image in used.facts.sizes.items():
        width, height = map(int, text.split('x'))
        size = final_size(used.steps, height, width)
        if size is None:
            return
        final.setdefault(size, image)
    if len(final) > 1:
        shown = [f'{image} {size[1]}x{size[0]}' for size, image in list(final.items())[:2]]
        report.add('error', 'batch-sizes', f'{used.where} is read in batches of {batch}, and its '
                   f'images have {len(final)} sizes as the network sees them, such as '
                   f'{" and ".join(shown)} (width x height)', list(final.values()),
                   f'set {used.role}_dataloader.batch_size=1, or let Resize bring them to one '
                   'size by keep_ratio=False')


def final_size(steps: Sequence[Any], height: int, width: int) -> tuple[int, ...] | None:
    """H, W of what a pipeline makes of an image; None where that cannot be said.

    Args:
        steps (Sequence): Its transforms.
        height (int): H as loaded.
        width (int): W as loaded.
    """
    results: Any = dict(img=np.zeros((height, width, 3), np.uint8), img_shape=(height, width),
                        ori_shape=(height, width), seg_fields=[], img_path='')
    try:
        for step in steps:
            if not type(step).__name__.startswith(LOADERS):
                results = step(results)
        return tuple(results['img'].shape[:2])
    except Exception:  # a transform may want anything
        return None
