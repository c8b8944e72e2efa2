"""Views of an image at several scales and mirrored, for test-time augmentation."""
import copy
from collections.abc import Sequence
from typing import Any

from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose
from mmseg.registry import TRANSFORMS

from plugin.utils import UserError

SCALES = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
FLIPS = ('none', 'horizontal')
DIRECTIONS = ('none', 'horizontal', 'vertical')
FLIP_KEYS = ('flip', 'flip_direction')


@TRANSFORMS.register_module()
class TTAViews(BaseTransform):
    """A test pipeline, once for each scale and mirroring.

    Scales are relative to the size that the pipeline itself gives: where it resizes an image to 240
    pixels, 0.5 makes 120. Labels are loaded after all steps that move pixels, so that they keep
    their size.
    The result is what :class:`~plugin.models.segmentors.TTASegmentor` takes: under each key of the
    packed result a list with one entry a view, scale after scale, and within a scale all
    mirrorings.

        tta_pipeline = [dict(type='TTAViews', pipeline=test_pipeline)]

    Args:
        pipeline (Sequence[dict]): Configs of the steps. The first one loads the image; others
            whose names begin with ``Load`` load labels, and the last one, ``Pack...``, packs.
        scales (Sequence[float]): Factors. Defaults to ``SCALES``, six from 0.5 to 1.75.
        flips (Sequence[str]): Of ``'none'``, ``'horizontal'`` and ``'vertical'``. Defaults to the
            first two.

    Raises:
        UserError: If there is no scale or mirroring, one is unknown, or the pipeline resizes by
            a transform that cannot be scaled.
    """

    def __init__(self, pipeline: Sequence[dict], scales: Sequence[float] = SCALES,
                 flips: Sequence[str] = FLIPS) -> None:
        unknown = sorted(set(flips) - set(DIRECTIONS))
        if not scales or not flips or unknown or min(scales) <= 0:
            raise UserError(f'TTAViews: scales={tuple(scales)} and flips={tuple(flips)} are no '
                            f'views: give factors above 0 and some of {", ".join(DIRECTIONS)}')
        self.scales, self.flips = tuple(scales), tuple(flips)
        load, *steps = copy.deepcopy(list(pipeline))
        labels = [step for step in steps if _name(step).startswith('Load')]
        packing = [_with_flips(step) for step in steps if _name(step).startswith('Pack')]
        moving = [step for step in steps if not _name(step).startswith(('Load', 'Pack'))]
        self._load = Compose([load])
        self._views = [
            Compose([*_scaled(moving, scale), *_mirrored(flip), *labels, *packing])
            for scale in self.scales for flip in self.flips]

    def transform(self, results: dict) -> dict:
        """Make the views of one image.

        Args:
            results (dict): What the first step of the pipeline takes.

        Returns:
            dict: ``inputs``, a list of (3, h, w), and ``data_samples``, one for each.
        """
        loaded = self._load(results)
        views = [view(copy.deepcopy(loaded)) for view in self._views]
        return {key: [view[key] for view in views] for key in views[0]}

    def __repr__(self) -> str:
        return f'{type(self).__name__}(scales={self.scales}, flips={self.flips})'


def _name(step: dict) -> str:
    kind = step['type']
    return (kind if isinstance(kind, str) else kind.__name__).split('.')[-1]


def _with_flips(step: dict) -> dict:
    """A packing step that keeps in the metadata how a sample was mirrored."""
    if 'meta_keys' not in step:
        return step
    return dict(step, meta_keys=tuple(dict.fromkeys((*step['meta_keys'], *FLIP_KEYS))))


def _mirrored(flip: str) -> list[dict]:
    return [] if flip == 'none' else [dict(type='RandomFlip', prob=1., direction=flip)]


def _scaled(steps: Sequence[dict], factor: float) -> list[dict]:
    """The steps with all sizes that they resize to times ``factor``."""
    if factor == 1:
        return list(steps)
    resizing = [step for step in steps if 'Resize' in _name(step)]
    foreign = [_name(step) for step in resizing if _name(step) != 'Resize']
    if foreign:
        raise UserError(f'TTAViews cannot scale {foreign[0]}: set scales=(1.0, ), or resize by '
                        "dict(type='Resize', ...)")
    if not resizing:
        return [dict(type='Resize', scale_factor=factor, keep_ratio=True), *steps]
    return [_times(step, factor) if step in resizing else step for step in steps]


def _times(step: dict, factor: float) -> dict:
    result = dict(step)
    if step.get('scale') is not None:
        result['scale'] = _each(step['scale'], lambda side: max(1, round(side * factor)))
    else:
        result['scale_factor'] = _each(step['scale_factor'], lambda given: given * factor)
    return result


def _each(value: Any, function: Any) -> Any:
    return function(value) if isinstance(value, (int, float)) else tuple(map(function, value))
