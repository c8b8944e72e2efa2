"""Two trainings on the CamVid pictures of the kit, as far as the time reaches."""
import json
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gpu.commands import needs_kit, run
from gpu.common import ROOT, Row, attempt

# iterations that fit into about a minute each on a large GPU
CONFIGS = {'segnet-basic_camvid-360x480': 600, 'fcn8s_mnv2_camvid': 800}


def measure(*, device: str, quick: bool, kit: Path | None) -> Iterator[Row]:
    """Yield the scores on the kit's images for validation, of a part of CamVid."""
    kit = needs_kit(kit)
    for config, iterations in list(CONFIGS.items())[1 if quick else 0:]:
        with tempfile.TemporaryDirectory() as folder:
            options = [f'train_cfg.max_iters={2 if quick else iterations}',
                       f'train_cfg.val_interval={2 if quick else iterations}',
                       *(['train_dataloader.batch_size=2', 'val_dataloader.dataset.indices=2']
                         if quick else ['train_dataloader.num_workers=8'])]
            yield attempt(config, partial(_scores, Path(folder), config, options, kit=kit,
                                          device=device))


def _scores(folder: Path, config: str, options: list[str], *, kit: Path, device: str) -> Row:
    seconds = run('train', [ROOT / f'configs/{config}.py', '--work-dir', folder / 'run',
                            '--cfg-options', *options], folder / 'train.log', kit=kit,
                  device=device)
    found = json.loads((folder / 'run/scores.json').read_text())
    return dict(iterations=found['iteration'], seconds=seconds, images=len(
        list((kit / 'camvid/images/train').iterdir())), **found['scores'])
