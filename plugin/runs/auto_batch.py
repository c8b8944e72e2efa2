"""The largest batch that fits into the memory of a GPU."""
import copy
import gc
import itertools
import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.device import is_cuda_available
from mmengine.dist import all_reduce, get_world_size, init_dist, is_distributed
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DATASETS, MODELS, init_default_scope

from plugin.utils import UserError, write_atomically
from plugin.utils.console import is_main, say
from plugin.utils.errors import is_out_of_memory

from .memory import crop_of, parts_of, set_batch

MARGIN = 0.1  # share of the memory that stays free: images and workspaces of cuDNN differ
LIMIT = 1024
POOL = 32  # images among which the largest are looked for
STEPS = 2  # the optimizer has its state from the second one on
CHOSEN = 'auto_batch.json'


def largest(fits: Callable[[int], bool], step: int = 1, limit: int = LIMIT) -> int:
    """The largest multiple of ``step`` that fits, by doubling and bisection.

    Args:
        fits (callable): Whether a batch fits; where one does, all smaller ones do.
        step (int): Batches are multiples of it. Defaults to 1.
        limit (int): No batch is larger. Defaults to ``LIMIT``.

    Returns:
        int: The batch; 0 if not even ``step`` fits.
    """
    good, bad = 0, limit // step + 1
    trial = 1
    while trial < bad:
        if fits(trial * step):
            good, trial = trial, min(2 * trial, bad - 1) if trial < bad - 1 else bad
        else:
            bad = trial
    while bad - good > 1:
        middle = (good + bad) // 2
        if fits(middle * step):
            good = middle
        else:
            bad = middle
    return good * step


def choose_batch(cfg: Config, find: Callable[[Config], int] | None = None) -> None:
    """Set the batch of the training, and how its learning rate is scaled.

    The batch is that of one process; of several GPUs the one with the least memory decides.

    Args:
        cfg (mmengine.Config): The config; gets ``train_dataloader.batch_size``, that of its
            sampler, and ``auto_scale_lr``.
        find (callable, optional): Takes the config, returns the batch that fits into this
            process. Defaults to trying on the GPU.

    Raises:
        UserError: If there is no GPU, or not even the smallest batch fits.
    """
    known = Path(cfg.work_dir) / CHOSEN
    loader = cfg.train_dataloader
    before = loader.batch_size
    scaling = dict(cfg.get('auto_scale_lr') or {})
    if cfg.get('resume') and known.is_file():
        content = json.loads(known.read_text(encoding='utf-8'))
        batch, base = content['batch_size'], content['base_batch_size']
        say(f'--auto-batch: the training goes on with its batch of {batch}')
    else:
        if find is None and not is_cuda_available():
            raise UserError('--auto-batch measures the memory of a GPU, and none is visible; '
                            'set train_dataloader.batch_size instead')
        batch, processes = _least((find or find_batch)(cfg), cfg)
        if not batch:
            raise UserError(f'not even a batch of {sum(parts_of(loader))} with {crop_of(cfg)} '
                            'fits into the memory of the GPU; try --amp, or a smaller crop_size')
        # the images a step for which the learning rate of the config was chosen
        base = scaling.get('base_batch_size') or before * processes
        say(f'--auto-batch: {batch} images a step and process (the config has {before}); '
            f'the learning rate is that of {base} images times '
            f'{batch * processes / base:.3g}, and train_cfg.max_iters stays')
        if is_main():
            write_atomically(known, json.dumps(dict(batch_size=batch, base_batch_size=base)))
    set_batch(loader, batch)
    cfg.auto_scale_lr = dict(scaling, enable=True, base_batch_size=base)


def find_batch(cfg: Config) -> int:
    """Try batches on this process's GPU; returns the largest that fits, or 0."""
    torch.cuda.set_device(int(os.environ.get('LOCAL_RANK', 0)))
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    pool, parts = _pool(cfg), parts_of(cfg.train_dataloader)
    turn = [pool[kind] for kind, number in zip(sorted(pool), parts) for _ in range(number)]
    total = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory

    def fits(batch: int) -> bool:
        torch.cuda.reset_peak_memory_stats()
        try:
            _train_some(cfg, list(itertools.islice(itertools.cycle(turn), batch)))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return False
        finally:
            gc.collect()
            used = torch.cuda.max_memory_reserved()
            torch.cuda.empty_cache()
        return used <= (1 - MARGIN) * total

    return largest(fits, sum(parts))


def _pool(cfg: Config) -> dict[bool, dict[str, Any]]:
    """The largest image among some, labelled (False) and unlabelled (True) apart."""
    dataset = DATASETS.build(copy.deepcopy(cfg.train_dataloader.dataset))
    number = min(POOL, len(dataset))
    found: dict[bool, dict[str, Any]] = {}
    for place in range(number):
        # the first and the last among them, so that every source of a joined set is
        packed = dataset[place * (len(dataset) - 1) // max(number - 1, 1)]
        kind = bool(packed['data_samples'].metainfo.get('unlabeled', False))
        if kind not in found or _size(packed) > _size(found[kind]):
            found[kind] = packed
    return found


def _size(packed: dict[str, Any]) -> tuple[int, int]:
    """By how much memory an image takes: its pixels, then its objects."""
    truth = packed['data_samples'].get('gt_instances', ())
    return math.prod(packed['inputs'].shape), len(truth)


def _train_some(cfg: Config, images: Sequence[dict[str, Any]]) -> None:
    """A few real steps of a fresh model on one batch."""
    settings = copy.deepcopy(cfg.model)
    if 'data_preprocessor' in cfg:
        settings.setdefault('data_preprocessor', copy.deepcopy(cfg.data_preprocessor))
    model = MODELS.build(settings).cuda().train()
    wrapper = build_optim_wrapper(model, copy.deepcopy(cfg.optim_wrapper))
    if cfg.get('launcher', 'none') != 'none':
        # DistributedDataParallel holds a second copy of the gradients
        wrapper.buckets = [value.new_empty(value.shape) for value in model.parameters()]
    batch = pseudo_collate(copy.deepcopy(list(images)))
    for _ in range(STEPS):
        model.train_step(batch, wrapper)


def _least(batch: int, cfg: Config) -> tuple[int, int]:
    """The smallest batch of all processes, and their number."""
    launcher = cfg.get('launcher', 'none')
    if launcher != 'none' and not is_distributed():
        # only now: during the trials no process may wait for another one
        init_dist(launcher, **cfg.get('env_cfg', {}).get('dist_cfg', dict(backend='nccl')))
    if not is_distributed():
        return batch, 1
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    value = torch.tensor(batch, device=device)
    all_reduce(value, 'min')
    return int(value), get_world_size()
