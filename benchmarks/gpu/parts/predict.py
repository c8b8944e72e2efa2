"""How many pictures a second ``tools/predict.py`` predicts, its files included."""
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import torch
from gpu.commands import needs_kit, run
from gpu.common import ROOT, Row, attempt
from mmengine.config import Config
from mmengine.registry import init_default_scope

# the picture's folder in the kit, and how a model of the config finds its classes
CONFIGS = {'fcn8s_mnv2_camvid': 'camvid/images/val', 'mask-rcnn_mnv2_pigs': 'pigs/images'}


def measure(*, device: str, quick: bool, kit: Path | None) -> Iterator[Row]:
    """Yield pictures a second: many pictures less few, so that the start does not count."""
    kit = needs_kit(kit)
    few, many = (1, 3) if quick else (8, 208)
    for config, pictures in list(CONFIGS.items())[:1 if quick else None]:
        with tempfile.TemporaryDirectory() as folder:
            yield attempt(config, partial(_throughput, Path(folder), config, kit / pictures,
                                          (few, many), kit=kit, device=device))


def _throughput(folder: Path, config: str, pictures: Path, numbers: tuple[int, int], *,
                kit: Path, device: str) -> Row:
    path = ROOT / f'configs/{config}.py'
    checkpoint = folder / 'random.pth'
    save_random(path, checkpoint)
    seconds = []
    for number in numbers:
        images = folder / f'images_{number}'
        copies(pictures, images, number)
        seconds.append(run('predict', [path, checkpoint, images, '--out', folder / f'out_{number}',
                                       '--device', device],
                           folder / f'{number}.log', kit=kit, device=device))
    few, many = numbers
    more = seconds[1] - seconds[0]
    # of few pictures the start, which varies, is all that is measured
    return dict(pictures=many, seconds_whole=seconds[1], seconds_start=seconds[0],
                pictures_a_second=(many - few) / more if more > 0.1 * seconds[0] else None)


def save_random(config: Path, checkpoint: Path) -> None:
    """A checkpoint of a network with random weights."""
    from plugin.utils.config import is_detection
    cfg = Config.fromfile(config)
    init_default_scope('mmdet' if is_detection(cfg) else 'mmseg')
    if is_detection(cfg):
        from mmdet.registry import MODELS
        classes = cfg.classes
    else:
        from mmseg.registry import DATASETS, MODELS
        classes = DATASETS.get(cfg.dataset_type).METAINFO['classes']
    torch.manual_seed(0)
    state = MODELS.build(cfg.model).state_dict()
    torch.save(dict(state_dict=state, meta=dict(dataset_meta=dict(classes=tuple(classes)))),
               checkpoint)


def copies(source: Path, target: Path, number: int) -> None:
    """Fill a folder with so many pictures, again and again those of another."""
    target.mkdir()
    found = sorted(path for path in source.iterdir() if path.suffix in ('.jpg', '.png'))
    for place, path in enumerate(islice(cycle(found), number)):
        shutil.copy(path, target / f'{place:04d}{path.suffix}')
