"""Test-time augmentation: predictions that are the mean over several views of an image."""
from collections.abc import Sequence
from typing import Any

from mmengine.config import Config

from plugin.utils import UserError
from plugin.utils.config import is_detection

VIEWS = 'TTAViews'


def average(cfg: Config, path: str) -> None:
    """Let a test predict every image several times, and average.

    A config may name the views by ``tta_pipeline``, and what averages by ``tta_model``; without,
    there are six scales of what the test pipeline makes, mirrored as well.

    Args:
        cfg (mmengine.Config): The config; its model and the pipelines of the test are replaced.
        path (str): Its file, for messages.

    Raises:
        UserError: If it is a config of MMDetection without views of its own.
    """
    if is_detection(cfg) and not ('tta_model' in cfg and 'tta_pipeline' in cfg):
        raise UserError(f'--tta is for semantic models, and {path} is one of MMDetection; leave '
                        'it out, or set tta_model and tta_pipeline as MMDetection does')
    keep_logits(cfg.model)
    _set_pipelines(cfg.test_dataloader.dataset, cfg.get('tta_pipeline'))
    model = cfg.get('tta_model') or dict(type='TTASegmentor')
    cfg.model = dict(model, module=cfg.model)


def views_of(given: Any, pipeline: Sequence[dict]) -> list[dict]:
    """The pipeline that makes the views.

    Args:
        given (list[dict], optional): ``tta_pipeline`` of the config. Where it is a ``TTAViews``,
            its views are made from ``pipeline``, so that what the command line says of that one
            holds.
        pipeline (Sequence[dict]): The test pipeline.
    """
    if given and given[0]['type'] != VIEWS:
        return list(given)
    return [dict(given[0] if given else dict(type=VIEWS), pipeline=list(pipeline))]


def keep_logits(model: dict) -> None:
    """Let a segmentor's tiles keep what views are averaged by."""
    settings = model.get('segmentor', model).get('test_cfg') or {}
    if settings.get('mode') == 'tile':
        settings['keep_logits'] = True


def _set_pipelines(dataset: dict, given: Any) -> None:
    """Set the pipelines of a data set, and of those that it wraps."""
    for inner in [*dataset.get('datasets', []), *filter(None, [dataset.get('dataset')])]:
        _set_pipelines(inner, given)
    if 'pipeline' in dataset:
        dataset['pipeline'] = views_of(given, dataset['pipeline'])
