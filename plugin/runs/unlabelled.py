"""A test set without labels: predictions can be written, and nothing can be scored."""
import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmdet.datasets.base_det_dataset import BaseDetDataset
from mmengine.config import Config
from mmengine.registry import DATASETS, METRICS, DefaultScope

from plugin.datasets.leaves import leaf_datasets
from plugin.utils import UserError
from plugin.utils.config import is_detection
from plugin.utils.console import say

# what reads labels in a pipeline
LABEL_LOADERS = ('LoadAnnotations', 'LoadInstanceSegMap', 'LoadPanopticAnnotations')


def write_only(cfg: Config, writes: bool) -> None:
    """Let a test without labels write predictions only; stop where nothing asks for them.

    Args:
        cfg (mmengine.Config): The config; where the test set has no labels, its pipelines read
            none, and the metrics that write predictions are left.
        writes (bool): Whether predictions are to be written, as the config need not say.

    Raises:
        UserError: If there are no labels, and predictions are not asked for.
    """
    if not cfg.get('test_dataloader') or not cfg.get('test_evaluator'):
        return
    reason = no_truth(cfg)
    if reason is None:
        return
    given = cfg.test_evaluator
    metrics = list(given) if isinstance(given, (list, tuple)) else [given]
    if not writes and not any(one.get('format_only') for one in metrics):
        key = 'outfile_prefix' if is_detection(cfg) else 'output_dir'
        raise UserError(f'{reason}, so that nothing can be scored: write predictions only, by '
                        f'--out FOLDER, or by format_only=True and {key} in test_evaluator')
    say(f'{reason}: predictions are written, and nothing is scored')
    for node in _pipelines(cfg.test_dataloader.dataset):
        node['pipeline'] = without_labels(node['pipeline'])
    with METRICS.switch_scope_and_registry(cfg.get('default_scope') or 'mmseg') as registry:
        writers = [one for one in metrics if _writes(registry.get(one['type']))]
    if not writers:
        raise UserError(f'{reason}, and {metrics[0]["type"]} writes no predictions: use tools/'
                        'predict.py')
    for one in writers[:1]:
        one.format_only = True
    cfg.test_evaluator = writers[:1]


def no_truth(cfg: Config) -> str | None:
    """Why a test has nothing to score against; None if it has.

    Args:
        cfg (mmengine.Config): Its ``test_dataloader`` is built as far as its list of images.
    """
    node = cfg.test_dataloader.dataset
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmseg'):
        leaves = list(leaf_datasets(DATASETS.build(copy.deepcopy(node))))
    if not leaves:
        return None
    if not any(_has_labels(leaf) for leaf in leaves):
        return 'the test set has no labels'
    # detectors keep the truth in the list of images
    if not is_detection(cfg) and not any(
            _loads_labels(one['pipeline']) for one in _pipelines(node)):
        return 'the pipeline of the test set loads no labels'
    return None


def without_labels(pipeline: Sequence[Mapping[str, Any]]) -> list[dict]:
    """A pipeline without the steps that read labels, and without the truth of instances."""
    steps = [copy.deepcopy(dict(step)) for step in pipeline if not _loads_labels([step])]
    for step in steps:
        if 'instances' in step.get('meta_keys', ()):
            step['meta_keys'] = tuple(key for key in step['meta_keys'] if key != 'instances')
    return steps


def _has_labels(dataset: Any) -> bool:
    keys = ('instances', ) if isinstance(dataset, BaseDetDataset) else ('seg_map_path', 'segments')
    return any(bool(info.get(key)) for index in range(len(dataset))
               for info in [dataset.get_data_info(index)] for key in keys)


def _loads_labels(pipeline: Sequence[Mapping[str, Any]]) -> bool:
    return any(str(step['type']).split('.')[-1] in LABEL_LOADERS for step in pipeline)


def _pipelines(node: Any) -> Iterator[dict]:
    """The data sets of a config that have a pipeline, in wrappers or not."""
    if 'pipeline' in node:
        yield node
    for inner in [*node.get('datasets', []), *filter(None, [node.get('dataset')])]:
        yield from _pipelines(inner)


def _writes(kind: type | None) -> bool:
    """Whether a metric can write predictions without scoring them."""
    # a sub-class may pass it on
    makers = [vars(base)['__init__'] for base in (kind.__mro__ if kind else ())
              if '__init__' in vars(base)]
    return any('format_only' in inspect.signature(maker).parameters for maker in makers)
