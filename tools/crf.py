#!/usr/bin/env python
"""Let a dense CRF sharpen saved probabilities, several images at a time.

The probabilities are .npy or .npz files of (classes, height, width), float16, float32 or float64,
under the names of the images and in the same subfolders, as tools/predict.py --probabilities
writes them.
"""
import argparse
import os
import sys
from pathlib import Path

import _cli

EXAMPLES = """examples:
  python tools/predict.py CONFIG CHECKPOINT pictures/ --probabilities --out outputs
  python tools/crf.py outputs/probabilities pictures/ --out sharper
  python tools/crf.py outputs/probabilities pictures/ --out sharper --bilateral 4 67 3 \\
      --gaussian 3 1 --jobs 8

results in the folder --out:
  masks/NAME.png           the classes as PNG with the palette of VOC; the values are the class ids
  probabilities/NAME.npy   with --probabilities: the marginals, float16 (classes, height, width)"""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('probabilities', type=Path, help='folder of .npy or .npz files')
    parser.add_argument('pictures', type=Path, help='folder of the images')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR',
                        help='folder of the results')
    parser.add_argument('--iterations', type=int, default=10, help='default: 10')
    parser.add_argument('--bilateral', type=float, nargs=3, default=(4, 121, 5),
                        metavar=('WEIGHT', 'XY', 'RGB'), help='kernel over places (pixels) and '
                        'colours (0..255) (default: 4 121 5, as DeepLab v1)')
    parser.add_argument('--gaussian', type=float, nargs=2, default=(3, 3),
                        metavar=('WEIGHT', 'XY'), help='kernel over places (default: 3 3)')
    parser.add_argument('--probabilities', dest='marginals', action='store_true',
                        help='also write the marginals')
    parser.add_argument('--jobs', type=int, help='images at a time (default: all cores)')
    parser.add_argument('--debug', action='store_true',
                        default=os.environ.get('PASTURE_DEBUG', '') not in ('', '0'),
                        help='show where in the code an error comes from (or PASTURE_DEBUG=1)')
    args = parser.parse_args(argv)
    if args.jobs is not None and args.jobs < 1:
        parser.error(f'--jobs {args.jobs}: give 1 or more')
    return args


def main(argv=None) -> int:
    """Refine; returns the exit status, 1 if an image could not be done."""
    args = parse_args(argv)
    try:
        with _cli.plain_errors(args.debug):
            from plugin.inference import refine
            done = refine(
                args.probabilities, args.pictures, args.out, iterations=args.iterations,
                bilateral=args.bilateral, gaussian=args.gaussian, marginals=args.marginals,
                jobs=args.jobs)
            print(done)
    except KeyboardInterrupt:
        print(f'\nstopped; what was done is in {args.out}')
        return _cli.INTERRUPTED
    return _cli.ERROR if done.failed else 0


if __name__ == '__main__':
    sys.exit(main())
