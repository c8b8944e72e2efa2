#!/usr/bin/env python
"""Segment, or outline and count animals, in images and videos."""
import argparse
import sys
from pathlib import Path

import _cli

EXAMPLES = """  python tools/predict.py configs/fcn8s_barn.py best_mIoU_iter_300.pth barn.jpg
  python tools/predict.py CONFIG CHECKPOINT pictures/ 'more/*.png' --out outputs
  python tools/predict.py CONFIG CHECKPOINT camera.mp4 --device cpu
  python tools/predict.py CONFIG CHECKPOINT orthophoto.tif --tile 1024 --overlap 256
  python tools/predict.py configs/mask-rcnn_r50_cattle.py CHECKPOINT drone/ --tile 1024
  python tools/predict.py CONFIG exported.onnx pictures/
  python tools/predict.py CONFIG CHECKPOINT lane.mp4 --track --gate 320,480,320,0
  python tools/predict.py CONFIG CHECKPOINT rtsp://camera/stream --track --pen pen.json

results of a semantic model, in the folder --out:
  overlays/NAME.jpg   the image with its classes in colour
  masks/NAME.png      the classes as PNG with a palette; the values are the class ids
  areas.csv           pixels and share of each class for each image
  probabilities/NAME.npy   with --probabilities: float16 (classes, height, width)
  videos/NAME.mp4     the video with its classes in colour
  videos/NAME.csv     pixels and share of each class for each frame

results of a model of animals (MMDetection, with masks):
  overlays/NAME.jpg   the image with each animal in a colour, its number and score
  labelme/NAME.json   the outlines for correction in LabelMe, which opens the image itself
  results.json        COCO results; boxes are those of the masks
  counts.csv          the number of animals in each image, and the 90% interval of the true one
  total.json          the number in all images, and its interval
  animals.csv         score, area and box (pixels) of each animal, numbered as in the overlay
  videos/NAME.mp4     the video with its animals in colour
  videos/NAME.csv     the number of animals in each frame

results with --track, of each video or camera, in the folder tracks/NAME:
  video.mp4           the video with outlines, ids and the running count
  frames.csv          what was seen and counted until then, a line a frame
  crossings.csv       time, direction, id, class and area of each animal that was counted
  hours.csv           sums of each hour
  mot.txt             boxes and ids in the text format of MOTChallenge
  total.json          the counts"""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
    parser.add_argument('checkpoint', help='trained weights, or a FILE as for --onnx')
    parser.add_argument('input', nargs='+', help='image, video, folder or glob')
    parser.add_argument('--out', default='outputs', metavar='DIR', type=Path,
                        help='folder of the results (default: outputs)')
    _cli.add_trust(parser)
    parser.add_argument('--device', help='e.g. cpu or cuda:1 (default: a GPU if there is one)')
    parser.add_argument('--opacity', type=_cli.share, default=0.5,
                        help='of the colours, from 0 to 1 (default: 0.5)')
    parser.add_argument('--format', choices=['jpg', 'png'], default='jpg',
                        help='of the overlays (default: jpg)')
    parser.add_argument('--tile', type=int, metavar='PIXELS',
                        help='predict large images in square tiles; best the size of the '
                        'images of the training. Seams are blended (semantic models), and '
                        'animals that lie across one are joined')
    parser.add_argument('--overlap', type=int, metavar='PIXELS',
                        help='of the tiles: best the width of an animal (default: 128), or what a '
                        'pixel must see around it (semantic models; default: a quarter of a tile)')
    parser.add_argument('--batch', type=_cli.positive, default=1, metavar='N',
                        help='images of the same prepared size that the network takes at once '
                        '(default: 1); more are faster on a GPU, but it may then compute other '
                        'last bits, and so other labels at single pixels')
    parser.add_argument('--workers', type=_cli.count, metavar='N',
                        help='processes that read images, draw and write while the network works '
                        '(default: beside a GPU one a core, at most 16; beside a CPU, which they '
                        'would slow down, none). The results are the same')
    parser.add_argument('--no-overlays', dest='overlays', action='store_false',
                        help='draw nothing, neither overlays nor videos')
    parser.add_argument('--resume', action='store_true',
                        help='go on in the folder --out with the same command: images whose '
                        'results are whole are not predicted again')
    _cli.add_launcher(parser)
    pixels = parser.add_argument_group('semantic models')
    pixels.add_argument('--probabilities', action='store_true',
                        help='also write the probabilities of each image, e.g. for tools/crf.py')
    _cli.add_tta(pixels)
    pixels.add_argument('--onnx', metavar='FILE', help='let onnxruntime run the network that '
                        'tools/export_onnx.py wrote; the checkpoint is then not read')
    animals = parser.add_argument_group('models of animals')
    animals.add_argument('--score-thr', type=_cli.share, metavar='X',
                         help='lowest score of an animal, from 0 to 1 (default: what counted best '
                         'on the validation set, as the checkpoint remembers, else 0.5)')
    animals.add_argument('--data', type=Path, metavar='JSON',
                         help='COCO file that gives images and classes of results.json their '
                         'ids (default: numbers from 1)')
    animals.add_argument('--simplify', type=_cli.distance, metavar='PIXELS',
                         help='how far the outlines for LabelMe may deviate, so that they have few '
                         'points to correct (default: 1); 0 keeps every pixel')
    _cli.add_tracking(parser)
    args = parser.parse_args(argv)
    _cli.check_tracking(parser, args)
    if args.onnx is None and args.checkpoint.lower().endswith('.onnx'):
        args.onnx = args.checkpoint
    return args


def main(argv=None) -> int:
    """Predict; returns the exit status, 1 if an input could not be done."""
    args = parse_args(argv)
    with _cli.signals_as_ctrl_c() as ending:
        try:
            with _cli.plain_errors(args.debug):
                from plugin.inference import find_inputs, load_model, predict
                from plugin.inference.video import find_sources, read_ways, track
                from plugin.utils.device import launched_device
                # before the model: what is not there is known at once
                ways = read_ways(args.gate, args.pen, args.passing, args.anchor)
                sources = find_sources(args.input, args.out, args.fps) if args.track else []
                inputs = [] if args.track else find_inputs(args.input, args.out)
                model = load_model(
                    args.config, args.onnx or args.checkpoint,
                    device=args.device or (None if args.onnx else launched_device(
                        args.launcher, args.local_rank)),
                    tile=args.tile, overlap=args.overlap, score_thr=args.score_thr, tta=args.tta,
                    keep_logits=args.probabilities, onnx=args.onnx is not None,
                    options=args.cfg_options)
                done = track(
                    model, sources, args.out, ways=ways, memory=args.memory,
                    overlays=args.overlays, opacity=args.opacity,
                    resume=args.resume) if args.track else predict(
                    model, inputs, args.out, probabilities=args.probabilities,
                    opacity=args.opacity, image_format=args.format, data=args.data,
                    simplify=args.simplify, overlays=args.overlays, workers=args.workers,
                    batch=args.batch, resume=args.resume, launcher=args.launcher,
                    local_rank=args.local_rank)
                if done.is_whole:
                    print(done)
        except KeyboardInterrupt:
            return _cli.stopped(f'; what was done is in {args.out}; --resume goes on', ending)
    # a launcher would end the processes that are still at work
    return _cli.ERROR if done.failed and done.is_whole else 0


if __name__ == '__main__':
    sys.exit(main())
