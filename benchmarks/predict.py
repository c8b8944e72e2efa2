"""How near prediction into files comes to the network's own time, and to the disk's.

The network's own time is that of its answers to images that lie prepared in memory; the disk's is
that of reading and decoding the images, and of writing the content of their results. Both are
measured one image after the other, in the process of the network. What predict.py takes should be
little more than the larger of the two, as all work goes on side by side; without worker processes
it is their sum and what lies between. Weights are random, images are drawn, or CamVid's own.

    python benchmarks/predict.py --quick
    CAMVID_ROOT=... python benchmarks/predict.py --images 233
    python benchmarks/predict.py --device cuda --batch 16 --workers 15 --images 2000
"""
import argparse
import contextlib
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

if 'OMP_WAIT_POLICY' not in os.environ:  # as the commands do
    os.environ.setdefault('GOMP_SPINCOUNT', '30000')

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from mmdet.registry import MODELS as DETECTORS  # noqa: E402
from mmengine.registry import DefaultScope  # noqa: E402
from mmseg.registry import MODELS as SEGMENTORS  # noqa: E402
from prettytable import PrettyTable  # noqa: E402

from plugin.inference import load_model, predict  # noqa: E402
from plugin.inference.prediction import workers_beside  # noqa: E402
from plugin.inference.predictor import build_model  # noqa: E402
from plugin.utils import write_atomically  # noqa: E402
from plugin.utils.config import load_config  # noqa: E402

# config, and width and height of drawn images
KINDS = {'semantic': ('fcn8s_mnv2_camvid', (240, 180)),
         'instances': ('mask-rcnn_mnv2_cattle', (640, 480))}
FOUND = 10  # instances in an image


def measure(kind: str = 'semantic', *, device: str = 'cpu', images: int = 64, batch: int = 1,
            workers: int | None = None, turns: int = 3, size: tuple[int, int] | None = None,
            folder: Path | None = None, model: Any = None, overlays: bool = True
            ) -> dict[str, Any]:
    """Measure one kind of model.

    Args:
        kind (str): ``semantic`` or ``instances``.
        device (str): Where the network computes.
        images (int): How many are predicted.
        batch (int): Images that the network takes at once.
        workers (int, optional): Processes that read and write. Defaults to those of predict.py.
        turns (int): How often each is measured; the median counts.
        size (tuple[int, int], optional): Width and height of drawn images.
        folder (Path, optional): Images to predict instead of drawn ones.
        model (Segmenter | Detector, optional): Instead of one with random weights.
        overlays (bool): Whether overlays are written.

    Returns:
        dict: Seconds an image: ``network``, ``disk``, ``whole``, and ``alone`` without workers and
        batches; seconds of all cores an image, ``cpu`` and ``cpu_alone``; ``ratio``, which is whole
        to the larger of network and disk; ``share`` of the network's own throughput.
    """
    workers = workers_beside(device, images) if workers is None else workers
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        paths = _images(root / 'in', images, size or KINDS[kind][1], folder, kind)
        model = model or _random_model(kind, device, root)
        predict(model, paths[:2], root / 'warm')  # the first call is slower
        taken: dict[str, list[tuple[float, float]]] = {}
        for _ in range(turns):
            for name, settings in (('alone', {}), ('whole', dict(workers=workers, batch=batch))):
                with _timed(taken, name):
                    done = predict(model, paths, root / name, overlays=overlays, **settings)
                assert done.done == images, done
            prepared = [model.prepare(model.read(path)) for path in paths]
            with _timed(taken, 'network'):
                for start in range(0, images, batch):
                    model.results_of(prepared[start:start + batch])
            del prepared
            results = [(path.relative_to(root / 'alone'), path.read_bytes())
                       for path in sorted((root / 'alone').rglob('*')) if path.is_file()]
            with _timed(taken, 'disk'):
                for path in paths:
                    model.read(path)
                for name, content in results:
                    write_atomically(root / 'disk' / name, content)
    wall, cpu = ({name: statistics.median(value[which] for value in values) / images
                  for name, values in taken.items()} for which in (0, 1))
    return dict(kind=kind, device=device, images=images, batch=batch, workers=workers, **wall,
                cpu=cpu['whole'], cpu_alone=cpu['alone'],
                ratio=wall['whole'] / max(wall['network'], wall['disk']),
                share=wall['network'] / wall['whole'])


@contextlib.contextmanager
def _timed(taken: dict[str, list[tuple[float, float]]], name: str) -> Iterator[None]:
    """Note the seconds of the block, and those of all cores, also of processes that ended in it."""
    start, before = time.perf_counter(), _cpu_seconds()
    yield
    taken.setdefault(name, []).append((time.perf_counter() - start, _cpu_seconds() - before))


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _images(target: Path, number: int, size: tuple[int, int], folder: Path | None,
            kind: str) -> list[Path]:
    """Drawn images, or those of a folder; again from the first where there are too few."""
    if folder is not None:
        found = sorted(path for path in folder.rglob('*') if path.suffix in ('.jpg', '.png'))
        if not found:
            raise SystemExit(f'error: {folder} holds no images')
        target.mkdir()
        paths = [target / f'{index:06}{found[index % len(found)].suffix}'
                 for index in range(number)]
        for index, path in enumerate(paths):
            path.symlink_to(found[index % len(found)].absolute())
        return paths
    target.mkdir()
    generator = np.random.default_rng(0)
    paths = [target / f'{index:06}.{"jpg" if kind == "instances" else "png"}'
             for index in range(number)]
    for path in paths:
        rough = generator.integers(0, 256, (size[1] // 12, size[0] // 12, 3), np.uint8)
        image = cv2.resize(rough, size, interpolation=cv2.INTER_CUBIC)
        grain = generator.integers(0, 12, image.shape, np.uint8)
        cv2.imwrite(str(path), cv2.add(image, grain))
    return paths


def _random_model(kind: str, device: str, folder: Path) -> Any:
    """A model with random weights; a detector finds a few instances in an image."""
    name = KINDS[kind][0]
    scope, models = ('mmdet', DETECTORS) if kind == 'instances' else ('mmseg', SEGMENTORS)
    with DefaultScope.overwrite_default_scope(scope):
        torch.manual_seed(0)
        model = build_model(load_config(name, []), models)
    if kind == 'instances':  # masks that fill their boxes
        torch.nn.init.constant_(model.roi_head.mask_head.conv_logits.bias, 2.0)
    torch.save(dict(state_dict=model.state_dict()), folder / 'random.pth')
    if kind == 'semantic':
        return load_model(name, folder / 'random.pth', device=device)
    return load_model(name, folder / 'random.pth', device=device, score_thr=0.0,
                      options=[f'model.test_cfg.rcnn.max_per_img={FOUND}'])


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--kinds', nargs='+', choices=list(KINDS), default=list(KINDS))
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--images', type=int, default=64)
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--workers', type=int, help='(default: those of predict.py)')
    parser.add_argument('--turns', type=int, default=3, help='how often each is measured')
    parser.add_argument('--folder', type=Path, help='images instead of drawn ones')
    parser.add_argument('--quick', action='store_true', help='4 small images, once')
    parser.add_argument('--json', action='store_true', help='print a line of JSON a model')
    args = parser.parse_args(argv)
    more: dict[str, Any] = dict(images=args.images, turns=args.turns)
    if args.quick:
        more = dict(images=4, turns=1, size=(96, 72))
    table = PrettyTable(['model', 'network ms', 'disk ms', 'without workers ms', 'whole ms',
                         'ratio', 'share of network', 'cores ms', 'without workers'])
    for kind in args.kinds:
        found = measure(kind, device=args.device, batch=args.batch, workers=args.workers,
                        folder=args.folder, **more)
        if args.json:
            print(json.dumps(found))
            continue
        table.add_row([kind, *(f'{1000 * found[key]:.1f}' for key in (
            'network', 'disk', 'alone', 'whole')), f'{found["ratio"]:.2f}',
            f'{found["share"]:.2f}', *(f'{1000 * found[key]:.1f}' for key in ('cpu', 'cpu_alone'))])
    if args.json:
        return
    print(f'{more["images"]} images, batch {args.batch}, {torch.get_num_threads()} threads, '
          f'{found["workers"]} workers, {args.device}; an image in each column')
    print(table)


if __name__ == '__main__':
    sys.exit(main())
