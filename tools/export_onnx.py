#!/usr/bin/env python
"""Write a semantic network as ONNX, after comparing it with PyTorch on real images."""
import argparse
import sys
from pathlib import Path

import _cli

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
    parser.add_argument('--number', type=_cli.positive, default=4, metavar='N',
                        help='of the images to compare on (default: 4)')
    parser.add_argument('--turns', type=_cli.positive, default=5, metavar='N',
                        help='whose median time is shown (default: 5)')
    parser.add_argument('--overwrite', action='store_true', help='replace FILE if it exists')
    _cli.add_trust(parser)
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Export; returns the exit status."""
    args = parse_args(argv)
    try:
        with _cli.plain_errors(args.debug):
            from plugin.inference import export
            print(export(
                args.config, args.checkpoint, out=args.out, half=args.fp16,
                preprocessing=args.with_preprocessing, images=args.pictures, number=args.number,
                turns=args.turns, overwrite=args.overwrite, options=args.cfg_options))
    except KeyboardInterrupt:
        print('\nstopped; nothing was written')
        return _cli.INTERRUPTED
    return 0


if __name__ == '__main__':
    sys.exit(main())
