"""A training killed by SIGKILL and resumed, beside trainings that nobody interrupted."""
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from gpu.commands import finish, needs_kit, start
from gpu.common import ROOT, Row, attempt

CONFIG = ROOT / 'configs/fcn8s_mnv2_camvid.py'


def measure(*, device: str, quick: bool, kit: Path | None) -> Iterator[Row]:
    """Yield the largest difference of the weights, and that of two whole trainings."""
    kit = needs_kit(kit)
    number, interval = (6, 2) if quick else (200, 50)
    with tempfile.TemporaryDirectory() as folder:
        yield attempt('killed, resumed and whole', lambda: _compare(
            Path(folder), number, interval, kit=kit, device=device))


def _compare(folder: Path, number: int, interval: int, **where) -> Row:
    options = ['--no-check', '--cfg-options', f'train_cfg.max_iters={number}',
               f'train_cfg.val_interval={number}', f'default_hooks.checkpoint.interval={interval}',
               'val_dataloader.dataset.indices=8', 'train_dataloader.batch_size=4']

    def begin(name: str, *words: str) -> subprocess.Popen:
        return start('train', [CONFIG, '--work-dir', folder / name, *words, *options],
                     folder / f'{name}.log', **where)

    begin_at = time.perf_counter()
    whole = {name: begin(name) for name in ('one', 'two', 'killed')}
    reached = _kill_after(whole.pop('killed'), folder / 'killed' / f'iter_{interval}.pth')
    finish(begin('killed', '--resume'), folder / 'killed.log')
    for name, process in whole.items():
        finish(process, folder / f'{name}.log')
    last = f'iter_{number}.pth'
    states = {name: torch.load(folder / name / last, map_location='cpu',
                               weights_only=False)['state_dict']
              for name in ('one', 'two', 'killed')}
    return dict(iterations=number, killed_with=reached,
                seconds=time.perf_counter() - begin_at,
                **_apart(states['one'], states['killed'], 'resumed'),
                **_apart(states['one'], states['two'], 'two_whole'))


def _kill_after(process: subprocess.Popen, checkpoint: Path) -> list[str]:
    """End a training by SIGKILL once a checkpoint is there; returns the checkpoints it left."""
    while not checkpoint.is_file():
        if process.poll() is not None:
            raise RuntimeError(f'the training ended by itself, before {checkpoint.name} was seen: '
                               + checkpoint.parent.with_suffix('.log').read_text()[-1500:])
        time.sleep(0.02)
    process.kill()
    process.wait()
    return sorted(path.name for path in checkpoint.parent.glob('iter_*.pth'))


def _apart(one: dict, other: dict, name: str) -> Row:
    """How many tensors differ, and by how much at most."""
    if one.keys() != other.keys():
        return {f'{name}_missing': sorted(one.keys() ^ other.keys())}
    differences = [(one[key].double() - other[key].double()).abs().max().item()
                   for key in one if one[key].numel()]
    return {f'{name}_different_tensors': sum(value > 0 for value in differences),
            f'{name}_tensors': len(differences), f'{name}_largest': max(differences)}
