"""Describes a run in a dozen lines: model, data, schedule, hardware, time."""
import math
from pathlib import Path
from typing import Any

from plugin.utils.text import shortened, word

from ..curves import Curves

# scores of which a lower one is better
LOWER = ('loss', 'MAE', 'RMSE')
MIXED = {'AmpOptimWrapper': 'mixed precision', 'BFloat16OptimWrapper': 'mixed precision (bfloat16)'}
BEST = ('mIoU', 'segm_mAP', 'bbox_mAP', 'MAE')


def facts_of(config: dict[str, Any], curves: Curves, seconds: float | None,
             timing: dict[str, float], device: str, processes: str, folder: Path
             ) -> list[tuple[str, str]]:
    """Describe a run.

    Args:
        config (dict): Its config; may be empty.
        curves (dict): Its curves.
        seconds (float, optional): How long it took.
        timing (dict): ``time`` of an iteration in seconds, ``memory`` of the GPU in MB.
        device (str): What it ran on.
        processes (str): How many there were, in digits; empty where it is not known.
        folder (Path): The work directory.

    Returns:
        list[tuple[str, str]]: Titles and texts; what is not known is left out.
    """
    batch = _get(config, 'train_dataloader', 'batch_size')
    steps = [points[-1][0] for series in curves.values() for points in series.values()]
    limit = _get(config, 'train_cfg', 'max_iters') or _get(config, 'train_cfg', 'max_epochs')
    rows = [
        ('Model', _model(config.get('model'))),
        ('Data', _data(_get(config, 'train_dataloader', 'dataset'))),
        ('Iterations', _of(max(steps, default=None), limit)),
        ('Best', _best(curves)),
        ('Batch', _batch(batch, processes)),
        ('Optimizer', _optimizer(config.get('optim_wrapper'))),
        ('Starts from', config.get('load_from')),
        ('Time', _duration(seconds)),
        ('Speed', _speed(timing.get('time'), batch)),
        ('GPU memory', f'{timing["memory"] / 1024:.1f} GiB at most' if 'memory' in timing
         else 'none used' if device == 'CPU' else None),
        ('Device', device),
        ('Checkpoint', _checkpoint(folder)),
    ]
    return [(title, shortened(word(text), 400)) for title, text in rows if text]


def is_lower_better(name: str) -> bool:
    """Whether a smaller value of a score is the better one."""
    return any(word in name for word in LOWER)


def _get(config: Any, *keys: str) -> Any:
    for key in keys:
        config = config.get(key) if isinstance(config, dict) else None
    return config


def _model(model: Any) -> str | None:
    if not isinstance(model, dict):
        return None
    inner = next((model[key] for key in ('segmentor', 'detector') if key in model), None)
    if isinstance(inner, dict):
        return f'{model.get("type")} around {_model(inner)}'
    parts = [_get(model, key, 'type') for key in ('backbone', 'decode_head')]
    parts = [word(part) for part in parts if part]
    depth = _get(model, 'backbone', 'depth')
    if depth and parts:
        parts[0] = f'{parts[0]}-{depth}'
    return f'{model.get("type")}: {" → ".join(parts)}' if any(parts) else (
        model.get('type'))


def _data(dataset: Any) -> str | None:
    if not isinstance(dataset, dict):
        return None
    if 'labeled' in dataset:
        unlabeled = _get(dataset, 'unlabeled', 'ann_file') or _get(
            dataset, 'unlabeled', 'data_root')
        return f'{_data(dataset["labeled"])}; unlabelled: {unlabeled or "see the config"}'
    inner = dataset.get('dataset')
    if isinstance(inner, dict):
        return _data(inner)
    place = dataset.get('data_root') or dataset.get('ann_file')
    return f'{dataset.get("type")}, {place}' if place else dataset.get('type')


def _batch(batch: Any, processes: str) -> str | None:
    if not isinstance(batch, int):
        return None
    return f'{batch} images' + ('' if processes == '1' else f' in each of {processes} processes'
                                  if processes else ' a process')


def _optimizer(wrapper: Any) -> str | None:
    optimizer = _get(wrapper, 'optimizer')
    if not isinstance(optimizer, dict):
        return None
    text = f'{optimizer.get("type")}, learning rate {optimizer.get("lr")}'
    precision = MIXED.get(wrapper.get('type'))
    return f'{text}, {precision}' if precision else text


def _best(curves: Curves) -> str | None:
    series = {**curves.get('score', {}), **curves.get('count', {})}
    for short in BEST:
        for name, points in series.items():
            if name.split('/')[-1] == short:
                choose = min if is_lower_better(short) else max
                known = [point for point in points if math.isfinite(point[1])]
                step, value = choose(known, key=lambda point: point[1])
                return f'{name} {value:.4g} at iteration {step}'
    return None


def _of(done: float | None, limit: Any) -> str | None:
    if done is None:
        return None
    return f'{done:,} of {limit:,}' if isinstance(limit, int) and limit >= done else f'{done:,}'


def _duration(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f'{hours} h {minutes} min'
    return f'{minutes} min {left} s' if minutes else f'{left} s'


def _speed(time: float | None, batch: Any) -> str | None:
    if not time:
        return None
    if not isinstance(batch, int):
        return f'{time:.3g} s an iteration'
    return f'{time:.3g} s an iteration, {batch / time:.3g} images a second in each process'


def _checkpoint(folder: Path) -> str | None:
    for pattern in ('best_*.pth', '*.pth'):
        found = [path for path in folder.glob(pattern) if not path.name.startswith('.')]
        if found:
            return max(found, key=lambda path: path.stat().st_mtime_ns).name
    return None
