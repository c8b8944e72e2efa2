#!/usr/bin/env python
"""Show a trained model in the browser: drop images, move the threshold, download the results."""
import argparse
import os
import sys

import _cli

EXAMPLES = """  python tools/demo_web.py configs/mask-rcnn_r50_cattle.py best.pth
  python tools/demo_web.py configs/fcn8s_barn.py best_mIoU_iter_300.pth --port 8080 --open
  python tools/demo_web.py CONFIG CHECKPOINT --host 0.0.0.0    for everyone in the network

Nothing leaves this computer and nothing is fetched from elsewhere. Images and results are deleted
an hour after their last use, and when the demo ends (Ctrl-C, SIGTERM or SIGHUP)."""
DELETED = '; the images of the visitors and their results are deleted'


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
    parser.add_argument('checkpoint', help='trained weights, or what export_onnx.py wrote')
    _cli.add_trust(parser)
    parser.add_argument('--device', help='e.g. cpu or cuda:1 (default: a GPU if there is one)')
    parser.add_argument('--score-thr', type=_cli.share, metavar='X',
                        help='where the slider begins, for models of animals (default: what '
                        'counted best on the validation set)')
    parser.add_argument('--opacity', type=_cli.share, default=0.5,
                        help='of the colours, from 0 to 1 (default: %(default)s)')
    server = parser.add_argument_group('server')
    server.add_argument('--host', default='127.0.0.1',
                        help='address to listen at (default: %(default)s, only this computer)')
    server.add_argument('--port', type=_cli.port, default=7860, help='(default: %(default)s)')
    server.add_argument('--open', action='store_true', help='open the page in the browser')
    limits = parser.add_argument_group('limits')
    limits.add_argument('--max-upload-mb', type=_cli.positive, default=64, metavar='MB',
                        help='of a file; eight times as much at a time (default: %(default)s)')
    limits.add_argument('--max-pictures', type=_cli.positive, default=100, metavar='NUMBER',
                        help='at a time (default: %(default)s)')
    limits.add_argument('--max-megapixels', type=_cli.positive, default=25, metavar='MILLIONS',
                        help='of pixels of an image (default: %(default)s)')
    limits.add_argument('--max-disk-mb', type=_cli.positive, default=4096, metavar='MB',
                        help='of all temporary files together (default: %(default)s)')
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Serve the page until Ctrl-C; returns the exit status."""
    args = parse_args(argv)
    # OpenCV reads this once, when plugin imports it; it then refuses what a wrong header hides
    os.environ['OPENCV_IO_MAX_IMAGE_PIXELS'] = str(args.max_megapixels * 10 ** 6)
    with _cli.signals_as_ctrl_c() as ending:
        try:
            with _cli.plain_errors(args.debug):
                from plugin.demo import serve
                serve(args.config, args.checkpoint, host=args.host, port=args.port,
                      open_browser=args.open, options=args.cfg_options, device=args.device,
                      score_thr=args.score_thr, opacity=args.opacity,
                      max_upload_mb=args.max_upload_mb, max_images=args.max_pictures,
                      max_megapixels=args.max_megapixels, max_disk_mb=args.max_disk_mb)
        except KeyboardInterrupt:
            return _cli.stopped('', ending)
    # serve() returns after Ctrl-C, and after a signal that was made one
    return _cli.stopped(DELETED, ending) if ending.cause else 0


if __name__ == '__main__':
    sys.exit(main())
