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
    _check_ignored(model, heads, cfg, labeled, report)
    for one in sets:
        _check_sizes(model, cfg, one, report)


def check_truth(cfg: Mapping[str, Any], sets: Sequence[UsedSet], report: Report) -> None:
    """Report images without labels that a config would score against."""
    for one in sets:
        evaluator = cfg.get(f'{one.role}_evaluator')
        if one.role not in ('val', 'test') or one.is_labeled or not evaluator:
            continue
        metrics = evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]
        if not any(metric.get('format_only') for metric in metrics):
            report.add('warning', 'label-none', f'{one.where} has no labels, so that nothing can '
                       'be scored', [one.role], 'write predictions only, by tools/test.py --out '
                       'FOLDER')


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
                   sets: Sequence[UsedSet], report: Report) -> None:
    """Report pixels of no class that the loss or the scores would not leave out."""
    last = max(head.num_classes for head in heads.values())
    told: list[tuple[int, str]] = []
    odd: list[tuple[UsedSet, str]] = []
    for used in sets:
        # a filling with a class is meant so
        given = [one for one in _given(model, used) if not 0 <= one[0] < last]
        readers = [*_scorers(cfg, used.role), *_croppers(used)]
        # the loss of a validation is that of the training
        if used.role == 'train' or used.role == 'val' and cfg.get('optim_wrapper'):
            readers += _learners(model, heads)
        values = {value for value, _ in given}
        wrong = [(used, name) for value, name in readers if values - {value}]
        if wrong:
            odd += wrong
            told += [*given, *readers]
    if not odd:
        return
    asked = [used for used, _ in odd if _brings_ignored(used)]
    wanted = (asked or [odd[0][0]])[0].checker.ignore_index
    listed = [f'{value} in {name}' for value, name in dict.fromkeys(told)]
    # otherwise nobody asked for another value, and perhaps nothing is padded
    report.add('error' if asked else 'warning', 'ignored-value',
               f'the value of pixels of no class is not the same everywhere: {", ".join(listed)}',
               list(dict.fromkeys(name for _, name in odd)),
               f'set it to {wanted} in all of them, or write {USUAL} for these pixels in the '
               'labels and leave ignore_index and seg_pad_val out')


def _brings_ignored(used: UsedSet) -> bool:
    """Whether labels bring pixels of no class, rather than the padding alone."""
    checker = used.checker
    return bool(checker.ignore_index != USUAL or USUAL in used.facts.values
                or checker.reduce_zero_label)


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
