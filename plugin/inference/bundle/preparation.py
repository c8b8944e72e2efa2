"""What happens to an image before and after the network, as the program of a bundle knows it."""
from collections.abc import Sequence
from typing import Any

from mmengine.config import Config

from plugin.utils import UserError

from ..predictor import test_pipeline

# what is of no use for an image without labels
PASSED_OVER = {'LoadAnnotations', 'LoadInstanceSegMap', 'PackDetInputs', 'PackSegInputs'}
COLOURS = {'color', 'color_ignore_orientation', 'grayscale'}
RESIZE = {'type', 'scale', 'keep_ratio', 'interpolation', 'backend'}


def check_bundle(cfg: Config) -> None:
    """Refuse a config of which a bundle would do something else.

    Raises:
        UserError: Names the setting.
    """
    preparation(cfg)
    model = cfg.model.get('segmentor', cfg.model)
    settings = model.get('test_cfg') or {}
    mode = settings.get('mode', 'whole')
    if mode != 'whole' or settings.get('crf'):
        what = 'a dense CRF' if mode == 'whole' else f'mode={mode!r}'
        raise UserError(f'{cfg.filename} predicts with {what}, which the program of a bundle does '
                        "not have: set model.test_cfg.mode='whole' without crf, or export a file")
    given = (model.get('data_preprocessor') or cfg.get('data_preprocessor') or {})
    if given.get('test_cfg'):
        raise UserError(f'{cfg.filename} pads images for a test (data_preprocessor.test_cfg), '
                        'which the program of a bundle does not: leave it out, or export a file')


def preparation(cfg: Config) -> dict[str, Any]:
    """How the test pipeline reads and resizes an image.

    Args:
        cfg (mmengine.Config): The config.

    Returns:
        dict: ``read``, a flag of mmcv, and ``resize``: None, or ``scale``, two sides, and
        ``keep_ratio``.

    Raises:
        UserError: If it has a step that a bundle does not know.
    """
    load, *steps = test_pipeline(cfg)
    colour = load.get('color_type', 'color')
    fits = (_name(load) == 'LoadImageFromFile' and colour in COLOURS
            and load.get('imdecode_backend', 'cv2') == 'cv2' and not load.get('to_float32'))
    if not fits:
        raise UserError(f'{_name(load)} with color_type={colour!r} begins the test pipeline of '
                        f'{cfg.filename}, which the program of a bundle does not read: '
                        'export a file by --out instead')
    steps = [step for step in steps if _name(step) not in PASSED_OVER]
    if len(steps) > 1 or any(not _resizes(step) for step in steps):
        worst = next((step for step in steps if not _resizes(step)), steps[-1])
        raise UserError(f'the test pipeline of {cfg.filename} has the step {_name(worst)} '
                        f'({dict(worst)}), which the program of a bundle does not know: '
                        'export a file by --out instead')
    return dict(read=colour, resize=_rule(steps[0]) if steps else None)


def _name(step: dict) -> str:
    return str(step['type']).split('.')[-1]


def _resizes(step: dict) -> bool:
    return (_name(step) == 'Resize' and set(step) <= RESIZE and step.get('scale') is not None
            and step.get('interpolation', 'bilinear') == 'bilinear'
            and step.get('backend', 'cv2') == 'cv2')


def _rule(step: dict) -> dict[str, Any]:
    scale: int | Sequence[int] = step['scale']
    sides = [scale, scale] if isinstance(scale, int) else [int(side) for side in scale]
    return dict(scale=sides, keep_ratio=bool(step.get('keep_ratio', False)))
