#!/usr/bin/env python
"""Write a model as ONNX, or as a folder that needs no PyTorch, after comparing it on images."""
import argparse
import sys
from pathlib import Path

import _cli

EXAMPLES = """  python tools/export_onnx.py configs/fcn8s_barn.py best_mIoU_iter_300.pth
  python tools/export_onnx.py CONFIG CHECKPOINT --fp16 --out half.onnx
  python tools/export_onnx.py CONFIG CHECKPOINT --with-preprocessing --pictures field/*.jpg
  python tools/predict.py CONFIG half.onnx pictures/
  python tools/export_onnx.py configs/mask-rcnn_mnv2_pigs.py CHECKPOINT --bundle for-the-barn
  python for-the-barn/predict.py pictures/ camera.mp4

the graph of a semantic model:
  image    float32 (N, 3, H, W), normalised as data_preprocessor of the config says (and the
           file's own metadata: mean, std, bgr_to_rgb); with --with-preprocessing uint8
           (N, H, W, 3), BGR as OpenCV reads it. N, H and W are free; a network for grey
           images has 1 instead of 3
  logits   float32 (N, classes, H, W), before the softmax (one class: before the sigmoid)

the graph of Mask R-CNN and Cascade Mask R-CNN:
  image        the same, of one image; padding is in the graph
  least_score  float32, what scores less is left out; 0 if it is not given
  boxes        float32 (K, 4): x1, y1, x2, y2 in pixels of image; scores (K,); labels (K,)
  masks        float32 (K, 28, 28), probabilities over the box

Of a semantic model, at least 99.9% of the pixels must get the class that PyTorch gives them, in
float32, or in float64 where its own rounding changes more than that. Of a model of animals, all
images must have the same animals, their masks a mean IoU of 0.99 with PyTorch's, and mask AP may
fall by 0.1, with --int8 by 0.5. Else nothing is written.
Resizing an image, tiles, windows, the dense CRF and bringing masks to the size of the image are
not in the graph; tools/predict.py --onnx does them as without, and so does predict.py of a bundle,
but for tiles, windows and the CRF.

a bundle is a folder of three files: model.onnx, model.json (classes, sizes, threshold, licences)
and predict.py, which needs numpy, OpenCV and onnxruntime only and writes the same counts.csv,
overlays and LabelMe files as tools/predict.py."""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
    parser.add_argument('checkpoint', help='trained weights')
    parser.add_argument('--out', metavar='FILE', type=Path,
                        help='file to write (default: CHECKPOINT with .onnx at its end)')
    parser.add_argument('--bundle', metavar='DIR', type=Path,
                        help='write a folder that predicts without PyTorch, in the place of a file')
    parser.add_argument('--fp16', action='store_true',
                        help='compute in half precision; the input and the outputs stay float32')
    parser.add_argument('--int8', action='store_true',
                        help='compute the backbone in 8 bits, with ranges of images of the train '
                        'set (models of animals)')
    parser.add_argument('--with-preprocessing', action='store_true',
                        help='take images as OpenCV reads them, and normalise in the graph')
    parser.add_argument('--pictures', nargs='+', metavar='FILE',
                        help='compare on these images, folders or globs (default: some of the '
                        "config's test set)")
    parser.add_argument('--number', type=_cli.positive, default=4, metavar='N',
                        help='of the images to compare on (default: 4)')
    parser.add_argument('--scored', type=_cli.positive, default=32, metavar='N',
                        help='labelled images of the test set on which AP is compared (models of '
                        'animals; default: 32)')
    parser.add_argument('--data-licence', metavar='TEXT',
                        help='what model.json of a bundle says of the data of the training')
    parser.add_argument('--weights-licence', metavar='TEXT', help='and of the weights')
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
                args.config, args.checkpoint, out=args.out, half=args.fp16, int8=args.int8,
                preprocessing=args.with_preprocessing, images=args.pictures, number=args.number,
                turns=args.turns, scored=args.scored, bundle=args.bundle,
                data_licence=args.data_licence, weights_licence=args.weights_licence,
                overwrite=args.overwrite, options=args.cfg_options))
    except KeyboardInterrupt:
        print('\nstopped; nothing was written')
        return _cli.INTERRUPTED
    return 0


if __name__ == '__main__':
    sys.exit(main())
