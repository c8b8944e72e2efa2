#!/usr/bin/env python
"""Show a trained model in the browser: drop images, move the threshold, download the results."""
import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

import _checkpoints
import _cli
from _arguments import positive, share, usable_device

EXAMPLES = """  python tools/demo_web.py configs/mask-rcnn_r50_cattle.py best.pth
  python tools/demo_web.py configs/fcn8s_barn.py best_mIoU_iter_300.pth --port 8080 --open
  python tools/demo_web.py CONFIG CHECKPOINT --host 0.0.0.0    for everyone in the network

Nothing leaves this computer and nothing is fetched from elsewhere. Images and results are deleted
an hour after their last use, and when the demo ends (Ctrl-C)."""
AGE = 3600
MEGABYTE = 1 << 20


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
    parser.add_argument('checkpoint', help='trained weights')
    _checkpoints.add_trust(parser)
    parser.add_argument('--device', help='e.g. cpu or cuda:1 (default: a GPU if there is one)')
    parser.add_argument('--score-thr', type=share, metavar='X',
                        help='where the slider begins, for models of animals (default: what '
                        'counted best on the validation set)')
    parser.add_argument('--opacity', type=share, default=0.5,
                        help='of the colours, from 0 to 1 (default: 0.5)')
    server = parser.add_argument_group('server')
    server.add_argument('--host', default='127.0.0.1',
                        help='address to listen at (default: 127.0.0.1, only this computer)')
    server.add_argument('--port', type=_port, default=7860, help='(default: 7860)')
    server.add_argument('--open', action='store_true', help='open the page in the browser')
    limits = parser.add_argument_group('limits')
    limits.add_argument('--max-upload-mb', type=positive, default=64, metavar='MB',
                        help='of a file; eight times as much at a time (default: 64)')
    limits.add_argument('--max-pictures', type=positive, default=100, metavar='NUMBER',
                        help='at a time (default: 100)')
    limits.add_argument('--max-megapixels', type=positive, default=25, metavar='MILLIONS',
                        help='of pixels of an image (default: 25)')
    limits.add_argument('--max-disk-mb', type=positive, default=4096, metavar='MB',
                        help='of all temporary files together (default: 4096)')
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Serve the page until Ctrl-C; returns the exit status."""
    args = parse_args(argv)
    stage = dict(serving=False)
    # what is told to end deletes its temporary files, as after Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _cli.plain_errors(args.debug, running=lambda: stage['serving']), \
                tempfile.TemporaryDirectory(prefix='pasture_demo_') as folder:
            serve(args, Path(folder), stage)
    except KeyboardInterrupt:
        return _cli.INTERRUPTED
    return 0


def serve(args: argparse.Namespace, folder: Path, stage: dict) -> None:
    """Load the model and show the page; all temporary files lie in ``folder``."""
    from plugin.demo import server as server
    # OpenCV then refuses by itself what would pass a wrong header; it asks once, when a config
    # imports it
    os.environ['OPENCV_IO_MAX_IMAGE_PIXELS'] = str(args.max_megapixels * 10 ** 6)
    cfg = _cli.load_config(args.config, args.cfg_options)
    checkpoint = _cli.existing_checkpoint(args.checkpoint, cfg.get('work_dir'))
    files = folder / 'files'
    server.prepare_environment(files)
    gradio = server.import_gradio()
    from plugin.demo import page
    desk = _desk(cfg, checkpoint, args, folder / 'batches')
    local = server.is_local(args.host)
    if not local:
        _cli.warn(f'everyone who reaches {args.host} can use this page: it has no password')
    where = ('They stay on this computer' if local else
             'They stay on the computer that runs this page')
    page = page.build(gradio, desk, f'{where} and are deleted after an hour.')
    room = args.max_disk_mb * MEGABYTE
    with server.serving(page, folder, host=args.host, port=args.port, room=room,
                        upload=desk.limits.upload, total=desk.limits.total, inbrowser=args.open,
                        **page.look(gradio)) as address:
        stage['serving'] = True
        _cli.say(f'the page is at {address} and stays until Ctrl-C')
        server.wait(desk.shelf.tidy, files, AGE, room // 2)


def _desk(cfg, checkpoint: str, args: argparse.Namespace, folder: Path):
    from plugin.demo.desk import Desk
    from plugin.demo.shelf import Shelf
    from plugin.demo.uploads import Limits
    limits = Limits(upload=args.max_upload_mb * MEGABYTE, total=8 * args.max_upload_mb * MEGABYTE,
                    images=args.max_pictures, pixels=args.max_megapixels * 10 ** 6)
    folder.mkdir()
    shelf = Shelf(folder, args.max_disk_mb * MEGABYTE // 2, AGE)
    about = f'made by the demo of Pasture\nconfig {Path(args.config).name}\n' \
            f'checkpoint {Path(checkpoint).name}'
    return Desk(_model(cfg, checkpoint, args), shelf, limits, about)


def _model(cfg, checkpoint: str, args: argparse.Namespace):
    """What the page asks about images: animals, or the class of each pixel."""
    from mmengine.device import get_device
    device = usable_device(args.device or get_device())
    if cfg.get('default_scope') == 'mmdet':
        from plugin.demo.instances import AnimalDesk
        from plugin.inference.detector import Detector, least_score
        return AnimalDesk(Detector(cfg, checkpoint, device=device, score_thr=args.score_thr),
                          least_score(cfg), args.opacity)
    if args.score_thr is not None:
        raise UserError(f'--score-thr is for models of animals, but {args.config} is no config '
                         'of MMDetection; leave it out')
    from plugin.demo.pixels import PixelDesk
    from plugin.inference.segmenter import Segmenter
    return PixelDesk(Segmenter(cfg, checkpoint, device=device, keep_logits=True), args.opacity)


def _port(text: str) -> int:
    if text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f'{text} is no port, 1 to 65535')


if __name__ == '__main__':
    sys.exit(main())
