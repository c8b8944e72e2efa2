"""The limit of instances that a model reports of an image, and images that show more."""
from collections.abc import Mapping, Sequence
from typing import Any

from plugin.utils.config import network_config, wrapped_key

from .findings import Report
from .parts import DataPart

# where detectors of mmdet keep it: in two stages, in one, and those that predict masks alone
PLACES = (('rcnn', 'max_per_img'), ('max_per_img', ), ('max_per_image', ))


def detection_cap(cfg: Mapping[str, Any]) -> tuple[str, int] | None:
    """How many instances a config finds in an image at most.

    Args:
        cfg (Mapping): A config, with ``model``.

    Returns:
        tuple, optional: The key of the config and the number; None if there is no limit.

    Example:
        >>> from plugin.datasets.doctor.caps import detection_cap
        >>> detection_cap(dict(model=dict(test_cfg=dict(rcnn=dict(max_per_img=100)))))
        ('model.test_cfg.rcnn.max_per_img', 100)
    """
    for place in PLACES:
        model = cfg.get('model') or {}
        value: Any = network_config(model)
        for key in ('test_cfg', *place):
            value = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, int) and value > 0:
            inside = filter(None, (wrapped_key(model), ))
            return '.'.join(('model', *inside, 'test_cfg', *place)), value
    return None


def tell_cap(cap: tuple[str, int], counts: Mapping[str, int]) -> tuple[str, list[str], str] | None:
    """What is to be said of images that show more instances than a config finds.

    Args:
        cap (tuple): As of :func:`detection_cap`.
        counts (Mapping[str, int]): Instances, without crowds, by the name of their image.

    Returns:
        tuple, optional: Message, images and cure; None if none shows more.
    """
    key, most = cap
    over = sorted((name for name, number in counts.items() if number > most),
                  key=lambda name: -counts[name])
    if not over:
        return None
    largest = counts[over[0]]
    return (f'{over[0]} shows {largest} instances, and the config finds {most} in an image at most '
            f'({key}={most})', over, f'set {key}={largest + largest // 2} or so, by the config or '
            'by --cfg-options')


def check_caps(cfg: Mapping[str, Any], parts: Sequence[DataPart], report: Report) -> None:
    """Report images with more instances than the model of a config finds."""
    cap = detection_cap(cfg)
    for part in parts:
        if cap is None or part.outlines is None or not part.is_labeled:
            continue
        told = tell_cap(cap, {part.looker.shown(entry.image): sum(not one.crowd for one in outlines)
                              for entry, outlines in zip(part.entries, part.outlines)})
        if told:
            report.add('warning', 'instances-capped', *told)
