#!/usr/bin/env python
"""Segment, or outline and count animals, in images and videos."""
import argparse
import contextlib
import sys
from pathlib import Path

import _checkpoints
import _cli
from _arguments import share, usable_device

from plugin.inference import tta

EXAMPLES = """  python tools/predict.py configs/fcn8s_barn.py best_mIoU_iter_300.pth barn.jpg
  python tools/predict.py CONFIG CHECKPOINT pictures/ 'more/*.png' --out outputs
  python tools/predict.py CONFIG CHECKPOINT camera.mp4 --device cpu
  python tools/predict.py CONFIG CHECKPOINT orthophoto.tif --tile 1024 --overlap 256
  python tools/predict.py configs/mask-rcnn_r50_cattle.py CHECKPOINT drone/ --tile 1024
  python tools/predict.py CONFIG exported.onnx pictures/

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
  counts.csv          the number of animals in each image
  animals.csv         score, area and box (pixels) of each animal, numbered as in the overlay
  videos/NAME.mp4     the video with its animals in colour
  videos/NAME.csv     the number of animals in each frame"""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
    parser.add_argument('checkpoint', help='trained weights, or a FILE as for --onnx')
    parser.add_argument('input', nargs='+', help='image, video, folder or glob')
    parser.add_argument('--out', default='outputs', metavar='DIR', type=Path,
                        help='folder of the results (default: outputs)')
    _checkpoints.add_trust(parser)
    parser.add_argument('--device', help='e.g. cpu or cuda:1 (default: a GPU if there is one)')
    parser.add_argument('--opacity', type=share, default=0.5,
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
    pixels = parser.add_argument_group('semantic models')
    pixels.add_argument('--probabilities', action='store_true',
                        help='also write the probabilities of each image, e.g. for tools/crf.py')
    tta.add_tta(pixels)
    pixels.add_argument('--onnx', metavar='FILE', help='let onnxruntime run the network that '
                        'tools/export_onnx.py wrote; the checkpoint is then not read')
    animals = parser.add_argument_group('models of animals')
    animals.add_argument('--score-thr', type=share, metavar='X',
                         help='lowest score of an animal, from 0 to 1 (default: what counted best '
                         'on the validation set, as the checkpoint remembers, else 0.5)')
    animals.add_argument('--data', type=Path, metavar='JSON',
                         help='COCO file that gives images and classes of results.json their '
                         'ids (default: numbers from 1)')
    animals.add_argument('--simplify', type=_distance, metavar='PIXELS',
                         help='how far the outlines for LabelMe may deviate, so that they have few '
                         'points to correct (default: 1); 0 keeps every pixel')
    args = parser.parse_args(argv)
    if args.onnx is None and args.checkpoint.lower().endswith('.onnx'):
        args.onnx = args.checkpoint
    return args


def main(argv=None) -> int:
    """Predict; returns the exit status, 1 if an input could not be done."""
    args = parse_args(argv)
    stage = dict(started=False, failed=0)
    try:
        with _cli.plain_errors(args.debug, running=lambda: stage['started']):
            predict(args, stage)
    except KeyboardInterrupt:
        print(f'\nstopped; what was done is in {args.out}')
        return _cli.INTERRUPTED
    return _cli.ERROR if stage['failed'] else 0


def predict(args: argparse.Namespace, stage: dict) -> None:
    """Load the model and go through the inputs."""
    from plugin.inference.inputs import find_inputs
    # before the heavy imports: what is not there is known at once
    inputs = find_inputs(args.input, args.out)
    cfg = _cli.load_config(args.config, args.cfg_options)
    checkpoint = args.onnx or _cli.existing_checkpoint(args.checkpoint, cfg.get('work_dir'))
    images = [item for item in inputs if not item.is_video]
    results = _results_of(cfg, checkpoint, args, images)
    stage['started'] = True
    done = predict_images(results, images, stage) if images else 0
    for item in inputs:
        if item.is_video:
            done += predict_video(results, item, args.out, stage)
    failed = f', {stage["failed"]} could not be done' if stage['failed'] else ''
    print(f'{done} of {len(inputs)} inputs {results.verb}{failed}; results in {args.out}')


def predict_images(results, inputs: list, stage: dict) -> int:
    """Write the results of each image; returns how many were done."""
    import cv2
    from rich.progress import track

    from plugin.inference.writers import ImageError
    done = 0
    with results.images() as add:
        for item in track(inputs, 'images', console=_console()):
            try:
                image = results.read(item.path)
            except (OSError, ValueError, cv2.error) as error:
                # one bad file must not cost the others their results
                _skip(stage, item.path, error)
                continue
            try:
                add(item, image)
            except (ImageError, cv2.error) as error:  # a strip that a resize leaves nothing of
                _skip(stage, item.path, error)
                continue
            done += 1
    return done


def predict_video(results, item, out: Path, stage: dict) -> int:
    """Write the results of a video; 1 if it was done."""
    from rich.progress import track

    from plugin.inference.writers import frames_of
    with contextlib.ExitStack() as stack:
        try:
            frames, number, rate = stack.enter_context(frames_of(item.path))
        except ValueError as error:
            _skip(stage, item.path, error)
            return 0
        add = stack.enter_context(results.video(out / 'videos' / item.name, rate))
        for index, frame in enumerate(track(frames, item.path.name, total=number or None,
                                            console=_console())):
            add(index, frame)
    return 1


def _results_of(cfg, checkpoint: str, args: argparse.Namespace, images: list):
    """The model of the config, and what it writes."""
    if args.overlap is not None and args.tile is None:
        raise UserError(f'--overlap {args.overlap} is that of tiles; give their size by --tile')
    if cfg.get('default_scope') == 'mmdet':
        return _animals_of(cfg, checkpoint, args, images)
    for name in ('score_thr', 'data', 'simplify'):
        if getattr(args, name) is not None:
            raise UserError(f'--{name.replace("_", "-")} is for models of animals, but '
                             f'{args.config} is no config of MMDetection; leave it out')
    from plugin.inference.pixel_results import PixelResults
    if args.onnx:
        from plugin.inference.onnx_segmenter import OnnxSegmenter as Segmenter
        device = args.device or 'cpu'
    else:
        from plugin.inference.segmenter import Segmenter
        device = _usable(args.device)
    segmenter = Segmenter(cfg, checkpoint, device, args.tile, args.overlap, args.probabilities,
                          args.tta)
    return PixelResults(segmenter, args)


def _animals_of(cfg, checkpoint: str, args: argparse.Namespace, images: list):
    for name in ('probabilities', 'tta', 'onnx'):
        if getattr(args, name):
            raise UserError(f'--{name} is for semantic models, but {args.config} finds animals; '
                             'leave it out')
    from plugin.inference.detector import Detector, least_score
    from plugin.inference.instance_results import AnimalResults
    overlap = {} if args.overlap is None else dict(overlap=args.overlap)
    detector = Detector(cfg, checkpoint, _usable(args.device), args.score_thr, args.tile, **overlap)
    simplify = 1.0 if args.simplify is None else args.simplify
    results = AnimalResults(detector, args, images, simplify)
    print(f'score threshold {detector.score_thr:.3g}: {detector.reason}', flush=True)
    if detector.score_thr < least_score(cfg):
        _cli.warn(f'the config drops what scores below {least_score(cfg)} before; lower score_thr '
                  'in its model.test_cfg as well')
    return results


def _usable(name: str | None) -> str:
    from mmengine.device import get_device
    return usable_device(name or get_device())


def _skip(stage: dict, path: Path, error: Exception) -> None:
    stage['failed'] += 1
    text = str(error)
    print(f'skipped: {text if str(path) in text else f"{path}: {text}"}', file=sys.stderr)


def _console():
    from rich.console import Console
    return Console(stderr=True)


def _distance(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= float(text) < float('inf'):
            return float(text)
    raise argparse.ArgumentTypeError(f'{text} is no distance in pixels, 0 or more')


if __name__ == '__main__':
    sys.exit(main())
