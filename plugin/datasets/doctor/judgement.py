"""What the labels and images of a data set are good for: the same for every tool that looks."""
from collections.abc import Sequence

from .depth import Extremes
from .facts import DeepFacts, UsedSet, joint
from .findings import Report

# an image that is read as this many of 256 steps has lost something
FEW_STEPS = 128
SHOWN = 8


def judge_labels(sets: Sequence[UsedSet], report: Report, severity: str | None = None) -> None:
    """Report labels from which nothing can be learnt, or one class.

    Args:
        sets (Sequence[UsedSet]): All that are used for one purpose, as for training.
        report (Report): Takes the findings.
        severity (str, optional): Of labels without a class to tell from another. Defaults to an
            error where they are learnt from, and a warning otherwise.
    """
    sets = [one for one in sets if one.facts.has_labels and one.classes]
    if not sets:
        return
    where = sets[0].where
    present = set[int]().union(*(one.facts.present for one in sets))
    values = sorted(set[int]().union(*(one.facts.values for one in sets)))
    severity = severity or ('error' if sets[0].role == 'train' else 'warning')
    places = _places([name for one in sets for name in one.facts.labels],
                     sum(one.facts.label_count for one in sets))
    if not present:
        report.add(severity, 'label-nothing', f'no pixel of {where} belongs to a class: its labels '
                   f'hold only {_listed(values)}, and {_reason(sets[0])}', places,
                   _cure(sets[0], values))
    elif len(present) == 1 and len(values) > 1:
        report.add(severity, 'label-binary', _one_class(where, sets[0], values, min(present)),
                   places, _cure(sets[0], values))
    else:
        _report_empty(sets, report)


def judge_roles(sets: Sequence[UsedSet], report: Report) -> None:
    """Judge the labels of all sets, those of one purpose together.

    Labels that are scored against are judged as hard as those that are learnt from, where both have
    the same fault.
    """
    by_role: dict[str, list[UsedSet]] = {}
    for one in sets:
        if one.is_labeled:
            by_role.setdefault(one.role, []).append(one)
    severity = None
    for role in sorted(by_role, key=lambda one: one != 'train'):
        before = report.counts['error']
        judge_labels(by_role[role], report, severity)
        if role == 'train' and report.counts['error'] > before:
            severity = 'error'


def judge_images(sets: Sequence[UsedSet], report: Report) -> None:
    """Report bits, bands and pages that are lost, for images that are used together."""
    deep = [one for part in sets for one in part.facts.deep]
    stored = None
    for one in deep:
        stored = joint(stored, one.deep.stored)
    for one in deep:
        _judge_kind(one, stored, report)


def _reason(one: UsedSet) -> str:
    ignored = f'{one.checker.ignore_index} is ignored'
    return f'reduce_zero_label=True ignores 0, and {ignored}' if (
        one.checker.reduce_zero_label) else ignored


def _one_class(where: str, one: UsedSet, values: Sequence[int], label: int) -> str:
    name = one.classes[label]
    if one.checker.reduce_zero_label:
        return (f'reduce_zero_label=True ignores 0 in {where}, and what is left, {label + 1}, is '
                f'called {name}: there is one class to learn, so that every pixel will be called '
                'so')
    others = [value for value in values if one.checker.ids[value] != label]
    return (f'the labels of {where} hold only {_listed(values)}, and {_listed(others)} '
            f'{"is" if len(others) == 1 else "are"} ignored: there is one class to learn')


def _cure(one: UsedSet, values: Sequence[int]) -> str:
    ignore = one.checker.ignore_index
    if len(one.classes) == 1:
        return ("name the background as well, metainfo=dict(classes=('background', "
                f'{one.classes[0]!r})), without reduce_zero_label, and write its pixels as 0 and '
                'those of the object as 1')
    mask = f'write the second class as 1 instead of {ignore}'
    if one.checker.reduce_zero_label:
        return 'leave reduce_zero_label out' + (f', and {mask}' if set(values) <= {0, ignore}
                                                else '')
    if set(values) == {0, ignore}:
        return mask
    return f'write the other classes by their ids instead of {ignore}'


def _report_empty(sets: Sequence[UsedSet], report: Report) -> None:
    empty = [name for one in sets for name in one.facts.empty]
    if empty:
        report.add('warning', 'label-empty', f'label {empty[0]} has no pixel of any class: all '
                   'are ignored', _places(empty, sum(one.facts.empty_count for one in sets)),
                   'draw it, or take the image out of the set')


def _judge_kind(one: DeepFacts, stored: Extremes | None, report: Report) -> None:
    """Report one kind of images; the range that is proposed is that of all of them."""
    depth, loaded = one.deep.depth, one.deep.loaded
    names = _places(one.names, one.count)
    first = names[0]
    if loaded is None:
        report.add('error', 'picture-depth', f'image {first} has {depth}, which the loader of the '
                   'pipeline does not read', names, _loader(stored, depth.bands))
        return
    if depth.is_deep and one.deep.lossy and one.deep.stored is not None:
        steps = round(loaded[1]) - round(loaded[0]) + 1
        low, high = map(_number, one.deep.stored)
        few = steps <= FEW_STEPS
        report.add('warning' if few else 'note', 'picture-bits',
                   f'image {first} has {depth.bits} bits and is read as 8: the values {low}..{high}'
                   f' of {_images(one.count)} become {loaded[0]:.0f}..{loaded[1]:.0f} of 0..255',
                   names, _loader(stored, depth.bands) if few else '')
    if depth.pages > 1:
        unused = '2 is' if depth.pages == 2 else f'2 to {depth.pages} are'
        report.add('warning', 'picture-pages', f'image {first} has {depth.pages} pages, and page'
                   f'{"s" if depth.pages > 2 else ""} {unused} not used', names,
                   'save each page as an image of its own, or choose one by '
                   "dict(type='LoadDeepImage', low=..., high=..., page=...)")
    if depth.bands > 3:
        unused = '4 is' if depth.bands == 4 else f'4 to {depth.bands} are'
        report.add('note', 'picture-bands', f'image {first} has {depth.bands} bands, and band'
                   f'{"s" if depth.bands > 4 else ""} {unused} not used', names,
                   "dict(type='LoadDeepImage', low=0, high=255, bands=(3, 0, 1)) instead of "
                   'LoadImageFromFile would take the fourth, the first and the second')


def _places(names: list[str], count: int) -> list[str]:
    """The names that were kept, and as many places as there are."""
    return names + ['...'] * (count - len(names))


def _loader(stored: Extremes | None, bands: int) -> str:
    low, high = map(_number, stored or (0, 255))
    chosen = ', bands=(0, 1, 2)' if bands > 3 else ''
    return (f"write dict(type='LoadDeepImage', low={low}, high={high}{chosen}) instead of "
            'LoadImageFromFile in each pipeline: it scales this range to 0..255')


def _number(value: float) -> str:
    return f'{value:.6g}' if isinstance(value, float) else str(value)


def _images(count: int) -> str:
    return 'this image' if count == 1 else f'these {count} images'


def _listed(values: Sequence[int]) -> str:
    shown = [str(value) for value in values[:SHOWN]] + ['...'] * (len(values) > SHOWN)
    return ' and '.join(filter(None, [', '.join(shown[:-1]), shown[-1]]))
