#!/usr/bin/env python
"""Write a semantic network as ONNX, after comparing it with PyTorch on real images."""
import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import _checkpoints
import _cli
from _arguments import positive

EXAMPLES = """  python tools/export_onnx.py configs/fcn8s_barn.py best_mIoU_iter_300.pth
  python tools/export_onnx.py CONFIG CHECKPOINT --fp16 --out half.onnx
  python tools/export_onnx.py CONFIG CHECKPOINT --with-preprocessing --pictures field/*.jpg
  python tools/predict.py CONFIG half.onnx pictures/

the graph:
  image    float32 (N, 3, H, W), normalised as data_preprocessor of the config says (and the
           file's own metadata: mean, std, bgr_to_rgb); with --with-preprocessing uint8
           (N, H, W, 3), BGR as OpenCV reads it. N, H and W are free; a network for grey
           images has 1 instead of 3
  logits   float32 (N, classes, H, W), before the softmax (one class: before the sigmoid)

At least 99.9% of the pixels must get the class that PyTorch gives them, in float32, or in
float64 where its own rounding changes more than that; else nothing is written.
Resizing an image, tiles, windows and the dense CRF are not in the graph; tools/predict.py
--onnx does them as without."""

# share of the pixels that must get the same class
NEEDED = 0.999
SECOND_SIZE = 0.7
DETECTORS = ('{} finds animals, and detectors are not exported: what suppresses boxes in mmcv has '
             'no ONNX form; use tools/predict.py without --onnx, or export a semantic model of the '
             'same data such as configs/fcn8s_r50_cattle.py')


class Row(NamedTuple):
    """What was measured at one size."""

    size: str
    images: int
    largest: float
    agreement: float
    pytorch: float
    onnx: float


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
    parser.add_argument('checkpoint', help='trained weights')
    parser.add_argument('--out', metavar='FILE', type=Path,
                        help='file to write (default: CHECKPOINT with .onnx at its end)')
    parser.add_argument('--fp16', action='store_true',
                        help='compute in half precision; the input and the logits stay float32')
    parser.add_argument('--with-preprocessing', action='store_true',
                        help='take images as OpenCV reads them, and normalise in the graph')
    parser.add_argument('--pictures', nargs='+', metavar='FILE',
                        help='compare on these images, folders or globs (default: some of the '
                        "config's test set)")
    parser.add_argument('--number', type=positive, default=4, metavar='N',
                        help='of the images to compare on (default: 4)')
    parser.add_argument('--turns', type=positive, default=5, metavar='N',
                        help='whose median time is shown (default: 5)')
    parser.add_argument('--overwrite', action='store_true', help='replace FILE if it exists')
    _checkpoints.add_trust(parser)
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Export; returns the exit status."""
    args = parse_args(argv)
    try:
        with _cli.plain_errors(args.debug):
            export(args)
    except KeyboardInterrupt:
        print('\nstopped; nothing was written')
        return _cli.INTERRUPTED
    return 0


def export(args: argparse.Namespace) -> None:
    """Export, compare, and write the file if both agree."""
    cfg = _cli.load_config(args.config, args.cfg_options)
    if cfg.get('default_scope') == 'mmdet':
        raise UserError(DETECTORS.format(args.config))
    checkpoint = _cli.existing_checkpoint(args.checkpoint, cfg.get('work_dir'))
    local = '://' not in checkpoint
    # what was downloaded has no folder here
    out = args.out or Path(checkpoint if local else Path(checkpoint).name).with_suffix('.onnx')
    _checkpoints.check_target(Path(checkpoint) if local else None, out, args.overwrite)
    from plugin.inference.onnx_segmenter import Exported, need_packages
    need_packages()
    from plugin.models.onnx import OnnxNetwork, facts_of, to_onnx
    from plugin.utils import write_atomically
    model = Exported(cfg, checkpoint, 'cpu')
    images = _images(cfg, model, args)
    facts = facts_of(
        model.model, config=Path(args.config).name, checkpoint=Path(checkpoint).name,
        classes=model.classes, palette=model.palette, preprocessing=args.with_preprocessing,
        half=args.fp16)
    content = to_onnx(model.model, preprocessing=args.with_preprocessing, half=args.fp16,
                      metadata=facts.to_metadata()).SerializeToString()
    rows = compare(model.model, OnnxNetwork(content), images, args.turns)
    _print(rows, facts)
    _check(rows, facts.precision, out)
    write_atomically(out, content)
    print(f'{out}: {len(content) / 2**20:.1f} MiB, {facts.network}, {len(facts.classes)} classes')


def compare(model, network, images: list, turns: int) -> list[Row]:
    """Measure at the size of the images one by one, and at a smaller one in batches of two.

    Args:
        model (nn.Module): The model.
        network (OnnxNetwork): Its graph.
        images (list[np.ndarray]): (H, W, channels).
        turns (int): Of each time.
    """
    from plugin.inference.onnx_segmenter import resized, stacked
    # odd, so that every stride has to round
    size = tuple(max(int(extent * SECOND_SIZE) | 1, 1) for extent in images[0].shape[:2])
    small = [resized(image, size) for image in images]
    # whatever there is to compare on, the batch must be free too
    small += small if len(small) == 1 else []
    batches = [small[first:first + 2] for first in range(0, len(small), 2)]
    return [_row(model, network, [stacked([image]) for image in images], turns),
            _row(model, network, [stacked(batch) for batch in batches], turns)]


def _row(model, network, batches: list, turns: int) -> Row:
    import torch

    from plugin.models.onnx import LogitsOf, median_seconds, predicting_network
    whole = predicting_network(model)
    reference = LogitsOf(whole).eval()
    prepare = LogitsOf(whole, model.data_preprocessor).prepare
    threshold = getattr(whole.decode_head, 'threshold', None) or 0.5
    prepared = [prepare(batch) for batch in batches]
    given = batches if network.facts.preprocessing else prepared
    with torch.no_grad():
        found = [(_difference(reference, one, network(other), threshold), len(one))
                 for one, other in zip(prepared, given)]
        first, same = prepared[0][:1], given[0][:1]
        times = (median_seconds(lambda: reference(first), turns),
                 median_seconds(lambda: network(same), turns))
    number = sum(count for _, count in found)
    height, width = batches[0].shape[1:3]
    return Row(f'{width}x{height}', number, max(one.largest for one, _ in found),
               sum(one.agreement * count for one, count in found) / number, *times)


def _difference(reference, inputs, given, threshold: float):
    """Between a graph's logits and PyTorch's, which are exact where rounding decides."""
    import copy

    from plugin.models.onnx import compare_logits
    found = compare_logits(reference(inputs), given, threshold)
    if found.agreement >= NEEDED:
        return found
    # on even surfaces rounding chooses SegNet's maxima, in PyTorch no less than in onnxruntime
    exact = copy.deepcopy(reference).double()(inputs.double())
    return max(found, compare_logits(exact, given, threshold), key=lambda one: one.agreement)


def _images(cfg, model, args: argparse.Namespace) -> list:
    """Images as they enter the data preprocessor."""
    import numpy as np

    from plugin.inference.inputs import find_inputs
    from plugin.inference.onnx_segmenter import test_images
    if args.pictures:
        # a folder of results that is none leaves nothing out
        found = find_inputs(args.pictures, Path('outputs'))
        paths = [item.path for item in found if not item.is_video][:args.number]
        if not paths:
            raise UserError(f'--pictures {" ".join(args.pictures)} names no image; give some')
    else:
        paths = test_images(cfg, model.datasets, args.number)
    images = [model.prepared(model.read(path)) for path in paths]
    if args.with_preprocessing and any(image.dtype != np.uint8 for image in images):
        raise UserError(f'the test pipeline of {args.config} makes floats of its images, but a '
                         'graph with preprocessing takes 8 bits; leave out --with-preprocessing')
    return images


def _print(rows: list[Row], facts) -> None:
    import torch
    from rich.console import Console
    from rich.table import Table
    print(f'{facts.network}, {facts.precision}, times of one image on '
          f'{torch.get_num_threads()} CPU thread(s):')
    table = Table()
    for name in ('size', 'images', 'largest difference', 'same class', 'PyTorch', 'onnxruntime'):
        table.add_column(name, justify='right')
    for row in rows:
        table.add_row(row.size, str(row.images), f'{row.largest:.2g}', f'{row.agreement:.4%}',
                      f'{row.pytorch * 1e3:.1f} ms', f'{row.onnx * 1e3:.1f} ms')
    # a file or a pipe has no width of its own
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _check(rows: list[Row], precision: str, out: Path) -> None:
    worst = min(row.agreement for row in rows)
    if worst < NEEDED:
        cure = ('export without --fp16' if precision == 'float16'
                else 'predict with PyTorch, and report the config')
        raise UserError(f'only {worst:.3%} of the pixels get the class that PyTorch gives them, '
                         f'{NEEDED:.1%} are needed: {out} was not written; {cure}')


if __name__ == '__main__':
    sys.exit(main())
