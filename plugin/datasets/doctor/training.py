"""What a training needs beside its images: classes in its heads, disk, memory."""
import math
import os
import shutil
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.registry import MODELS
from torch import nn

from plugin.models.semi.memory_bank import MemoryBank

from .caps import check_caps
from .findings import Report
from .labels import WHERE
from .parts import DataPart
from .preflight import check_heads

# numbers that optimizers keep for each weight; those not named here keep two
STATES = dict(SGD=1, RMSprop=1, Adagrad=1, Lion=1)
# share of the memory that keys may take
MUCH = 0.25


def check_training(cfg: Mapping[str, Any], parts: Sequence[DataPart], report: Report) -> None:
    """Build the model of a config, and compare it with the data and with this machine."""
    check_caps(cfg, parts, report)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            model = MODELS.build(cfg['model'])
    except Exception as error:  # a model may stop at anything
        report.add_error('model', error, 'model')
        return
    for part in parts:
        if part.is_labeled and part.classes:
            try:
                check_heads(model, part.classes, WHERE.get(part.name, part.name))
            except ValueError as error:
                report.add_error('num-classes', error, part.name)
    check_room(model, cfg, report)


def check_room(model: nn.Module, cfg: Mapping[str, Any], report: Report) -> None:
    """Report memory banks and checkpoints that do not fit.

    Args:
        model (nn.Module): The model, not wrapped.
        cfg (Mapping): The config of the training; without ``optim_wrapper`` there is none.
        report (Report): Takes the findings, ``bank_bytes`` and ``checkpoint_bytes``.
    """
    bank = sum(one.memory_bytes for one in model.modules() if isinstance(one, MemoryBank))
    if bank:
        _check_bank(bank, report)
    if cfg.get('optim_wrapper'):
        _check_disk(model, cfg, report)


def _check_bank(bank: int, report: Report) -> None:
    if torch.cuda.is_available():
        memory, where = torch.cuda.mem_get_info()[1], 'the GPU'
    else:
        memory, where = os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE'), 'this machine'
    report.facts.update(bank_bytes=bank, memory_bytes=memory)
    if bank > MUCH * memory:
        report.add('error' if bank > memory else 'warning', 'bank-memory', f'the memory bank takes '
                   f'{size(bank)} of the {size(memory)} of {where}', ['model.contrastive.bank'],
                   "lower capacity and background_capacity, or set dtype='float16'")


def _check_disk(model: nn.Module, cfg: Mapping[str, Any], report: Report) -> None:
    """Compare the checkpoints to come with what is free."""
    state = sum(value.numel() * value.element_size() for value in model.state_dict().values())
    hook = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    one = state
    if hook.get('save_optimizer', True):
        one += _optimizer_bytes(model, cfg['optim_wrapper'].get('optimizer') or {})
    best = hook.get('save_best') or []
    # a new one is written whole before an old one goes; the best hold no optimizer
    needed = one * (_kept(hook, cfg) + 1) + state * (1 if isinstance(best, str) else len(best))
    folder = Path(cfg.get('work_dir') or '.').absolute()
    old = sum(path.stat().st_size for path in folder.glob('*.pth') if path.is_file())
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free + old
    report.facts.update(checkpoint_bytes=one, checkpoints_bytes=needed, free_bytes=free)
    if needed > free:
        report.add('error' if one > free else 'warning', 'disk-space', f'the checkpoints take '
                   f'{size(needed)}, {size(one)} each, and {place} has {size(free)} free',
                   [str(folder)], 'free some space, give another --work-dir, or lower '
                   'default_hooks.checkpoint.max_keep_ckpts')


def _optimizer_bytes(model: nn.Module, optimizer: Mapping[str, Any]) -> int:
    states = STATES.get(optimizer.get('type', ''), 2)
    if optimizer.get('type') == 'SGD' and not optimizer.get('momentum'):
        states = 0
    return states * sum(weight.numel() * weight.element_size() for weight in model.parameters()
                        if weight.requires_grad)


def _kept(hook: Mapping[str, Any], cfg: Mapping[str, Any]) -> int:
    """Number of checkpoints at the end of a training, the best ones aside."""
    loop = cfg.get('train_cfg') or {}
    length = loop.get('max_iters') or loop.get('max_epochs') or 1
    interval = hook.get('interval', -1)
    written = max(1, math.ceil(length / interval)) if interval > 0 else 1
    keep = hook.get('max_keep_ckpts', -1)
    return min(written, keep) if keep > 0 else written


def size(number: int) -> str:
    """A number of bytes in words."""
    return f'{number / 1e9:.1f} GB' if number >= 1e9 else f'{number / 1e6:.1f} MB'
