#!/usr/bin/env python
"""Segment pictures and videos: overlays, masks, and the area of each class as CSV."""
import argparse
import contextlib
import sys
from pathlib import Path

import _cli

EXAMPLES = """  python tools/predict.py configs/fcn8s_barn.py best_mIoU_iter_300.pth barn.jpg
  python tools/predict.py CONFIG CHECKPOINT pictures/ 'more/*.png' --out outputs
  python tools/predict.py CONFIG CHECKPOINT camera.mp4 --device cpu

results, in the folder --out:
  overlays/NAME.jpg   the picture with its classes in colour
  masks/NAME.png      the classes as PNG with a palette; the values are the class ids
  areas.csv           pixels and share of each class for each picture
  videos/NAME.mp4     the video with its classes in colour
  videos/NAME.csv     pixels and share of each class for each frame"""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
    parser.add_argument('checkpoint', help='trained weights')
    parser.add_argument('input', nargs='+', help='picture, video, folder or glob')
    parser.add_argument('--out', default='outputs', metavar='DIR', type=Path,
                        help='folder of the results (default: outputs)')
    parser.add_argument('--device', help='e.g. cpu or cuda:1 (default: a GPU if there is one)')
    parser.add_argument('--opacity', type=_share, default=0.5,
                        help='of the colours, from 0 to 1 (default: 0.5)')
    parser.add_argument('--format', choices=['jpg', 'png'], default='jpg',
                        help='of the overlays (default: jpg)')
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Predict; returns the exit status, 1 if an input could not be read."""
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
    from _inputs import find_inputs
    # before the heavy imports: what is not there is known at once
    inputs = find_inputs(args.input, args.out)
    cfg = _cli.load_config(args.config, args.cfg_options)
    checkpoint = _cli.existing_checkpoint(args.checkpoint, cfg.get('work_dir'))
    from _segmenter import Segmenter
    from mmengine.device import get_device
    segmenter = Segmenter(cfg, checkpoint, _device(args.device or get_device()))
    if len(segmenter.classes) > 256:
        raise ValueError(f'{len(segmenter.classes)} classes do not fit into a PNG with a palette '
                         'of 256 colours; merge classes')
    stage['started'] = True
    videos = [item for item in inputs if item.is_video]
    pictures = [item for item in inputs if not item.is_video]
    done = 0
    if pictures:
        done += predict_pictures(segmenter, pictures, args, stage)
    for item in videos:
        done += predict_video(segmenter, item, args, stage)
    failed = f', {stage["failed"]} could not be read' if stage['failed'] else ''
    print(f'{done} of {len(inputs)} inputs segmented{failed}; results in {args.out}')


def predict_pictures(segmenter, inputs: list, args: argparse.Namespace, stage: dict) -> int:
    """Write overlay, mask and areas of each picture; returns how many were done."""
    import cv2
    from _results import AreaTable, save_mask, save_overlay
    from rich.progress import track
    done = 0
    with AreaTable(args.out / 'areas.csv', 'picture', segmenter.classes) as table:
        for item in track(inputs, 'pictures', console=_console()):
            try:
                image = segmenter.read(item.path)
            except (OSError, ValueError, cv2.error) as error:
                # one bad file must not cost the others their results
                _skip(stage, item.path, error)
                continue
            labels = segmenter(image)
            save_overlay(args.out / 'overlays' / f'{item.name}.{args.format}', image, labels,
                         segmenter.palette, args.opacity)
            save_mask(args.out / 'masks' / f'{item.name}.png', labels, segmenter.palette)
            table.add(item.path, labels)
            done += 1
    return done


def predict_video(segmenter, item, args: argparse.Namespace, stage: dict) -> int:
    """Write the overlays of a video as a video, and the areas of each frame; 1 if it was done."""
    from _results import AreaTable, OverlayVideo, frames_of
    from rich.progress import track
    target = args.out / 'videos' / item.name
    with contextlib.ExitStack() as stack:
        try:
            frames, number, rate = stack.enter_context(frames_of(item.path))
        except ValueError as error:
            _skip(stage, item.path, error)
            return 0
        table = stack.enter_context(
            AreaTable(Path(f'{target}.csv'), 'frame', segmenter.classes))
        video = stack.enter_context(
            OverlayVideo(Path(f'{target}.mp4'), rate, segmenter.palette, args.opacity))
        for index, frame in enumerate(track(frames, item.path.name, total=number or None,
                                            console=_console())):
            labels = segmenter(frame)
            video.add(frame, labels)
            table.add(index, labels)
    return 1


def _skip(stage: dict, path: Path, error: Exception) -> None:
    stage['failed'] += 1
    text = str(error)
    print(f'skipped: {text if str(path) in text else f"{path}: {text}"}', file=sys.stderr)


def _console():
    from rich.console import Console
    return Console(stderr=True)


def _device(name: str) -> str:
    import torch
    try:
        torch.zeros(1, device=name)
    except (AssertionError, RuntimeError) as error:
        line = str(error).splitlines()[0]
        raise ValueError(f'--device {name} cannot be used: {line}; try --device cpu') from error
    return name


def _share(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f'{text} is not a number from 0 to 1')


if __name__ == '__main__':
    sys.exit(main())
