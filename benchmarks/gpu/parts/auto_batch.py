"""The batch that ``tools/train.py --auto-batch`` finds, and whether the training goes with it."""
import json
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gpu.commands import CommandError, needs_kit, run
from gpu.common import ROOT, Row, attempt

CONFIGS = ('segnet-basic_camvid-360x480', 'mask-rcnn_mnv2_pigs')


def measure(*, device: str, quick: bool, kit: Path | None) -> Iterator[Row]:
    """Yield the batch and the seconds of the search with two steps of training."""
    kit = needs_kit(kit)
    for config in CONFIGS[:1] if quick else CONFIGS:
        with tempfile.TemporaryDirectory() as folder:
            yield attempt(config, partial(_batch, Path(folder), config, kit, device))


def _batch(folder: Path, config: str, kit: Path, device: str) -> Row:
    words = [ROOT / f'configs/{config}.py', '--auto-batch', '--no-check', '--work-dir',
             folder / 'run', '--cfg-options', 'train_cfg.max_iters=2', 'train_cfg.val_interval=2',
             'val_dataloader.dataset.indices=4']
    try:
        seconds = run('train', words, folder / 'train.log', kit=kit, device=device)
    except CommandError as error:
        if device == 'cpu' and '--auto-batch measures the memory of a GPU' in str(error):
            return dict(refused='without a GPU, as it must')
        raise
    found = json.loads((folder / 'run/auto_batch.json').read_text())
    return dict(seconds=seconds, **found)
