"""What to say and to set when the memory is too small for a batch."""
import contextlib
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from plugin.utils import UserError
from plugin.utils.config import is_detection, wrapped_key
from plugin.utils.errors import is_out_of_memory


def set_batch(loader: dict[str, Any], batch: int) -> None:
    """Set the batch of a data loader, and of a sampler that has to know it."""
    loader['batch_size'] = batch
    if 'batch_size' in loader.get('sampler', {}):
        loader['sampler']['batch_size'] = batch


def parts_of(loader: dict[str, Any]) -> tuple[int, ...]:
    """Of what the smallest batch consists: one image, or labelled and unlabelled ones."""
    sampler = loader.get('sampler', {})
    return tuple(sampler.get('ratio', (1, 1))) if 'batch_size' in sampler else (1, )


@contextlib.contextmanager
def memory_sentence(cfg: Config, runner: Runner) -> Iterator[None]:
    """Turn a lack of memory into one sentence.

    Args:
        cfg (mmengine.Config): The config of the training.
        runner (Runner): Knows how far it came.

    Raises:
        UserError: If the memory is short; says what to set.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        stage = runner.message_hub.runtime_info.get('loop_stage')
        raise UserError(explain(cfg, runner.iter, stage == 'val')) from error


def explain(cfg: Config, iteration: int, validating: bool = False) -> str:
    """What was too large, and what to do."""
    if validating:
        batch = cfg.val_dataloader.get('batch_size', 1)
        cures = ['val_dataloader.batch_size=1'] if batch > 1 else []
        if is_detection(cfg):
            cures.append('a smaller scale in test_pipeline')
        else:
            node = '.'.join(filter(None, ('model', wrapped_key(cfg.model))))
            cures.append(f'for large images {node}.test_cfg.mode=tile with a crop_size')
        return (f'the memory is too small to validate {batch} image(s) at a time (iteration '
                f'{iteration}): set {", or ".join(cures)}, and go on with --resume.')
    batch = cfg.train_dataloader.batch_size
    smaller = _half(cfg.train_dataloader)
    cures = ['--auto-batch', '--amp']
    if smaller < batch:
        cures.append('--cfg-options ' + ' '.join(
            f'{name}.batch_size={smaller}' for name in _batches(cfg.train_dataloader)))
    return (f'the memory is too small for a batch of {batch} with {crop_of(cfg)} (iteration '
            f'{iteration}): try {", ".join(cures[:-1])} or {cures[-1]}, or a smaller crop_size.')


def _half(loader: dict[str, Any]) -> int:
    whole = sum(parts_of(loader))
    return max(1, loader['batch_size'] // 2 // whole) * whole


def _batches(loader: dict[str, Any]) -> list[str]:
    more = ['train_dataloader.sampler'] if 'batch_size' in loader.get('sampler', {}) else []
    return ['train_dataloader', *more]


def crop_of(cfg: Config) -> str:
    """The size of what is trained on, in words."""
    dataset = cfg.train_dataloader.get('dataset', {})
    outer = list(itertools.chain.from_iterable(_pipelines(dataset)))
    # a crop that is one of several ways says little about the size
    inner = list(_nested(outer))
    for kind, key, words in (('Crop', 'crop_size', 'crops'), ('Resize', 'scale', 'images'),
                             ('Resize', 'scales', 'images')):
        for step in outer if kind == 'Crop' else inner:
            size = step.get(key)
            if kind in str(step.get('type')) and size:
                # an int is the side of a square; a list holds both sides, or several sizes
                if key == 'scales' or not isinstance(size, int) and not isinstance(size[0], int):
                    size = max(size)
                sides = (size, size) if isinstance(size, int) else size
                return f'{words} of {"x".join(str(side) for side in sides)}'
    return 'whole images'


def _pipelines(node: Any) -> Iterator[list]:
    """All pipelines below a node of a config."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == 'pipeline':
                yield value
            yield from _pipelines(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _pipelines(value)


def _nested(steps: Iterable[Any]) -> Iterator[dict]:
    """Steps, and those that they choose from (``RandomChoice``)."""
    for step in steps:
        if isinstance(step, dict):
            yield step
            inner = step.get('transforms')
            yield from _nested(inner if isinstance(inner, (list, tuple)) else ())
        elif isinstance(step, (list, tuple)):
            yield from _nested(step)
