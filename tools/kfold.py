#!/usr/bin/env python
"""Train a config on K folds of its data: how good it is, and how sure that is.

Every labelled image is validated once, by a network that was not trained on it. Images that
look alike stay in one fold, and so do those of one camera, farm or video with --group-by. What was
stopped goes on when the same command is run again.
"""
import os
import sys
from pathlib import Path

import _cli

OWN = {'--work-dir': 'kfold.py chooses the folders of the folds',
       '--resume': 'kfold.py goes on by itself when it is run again',
       '--launcher': 'give --processes N',
       '--local_rank': 'give --processes N',
       '--local-rank': 'give --processes N'}
EXAMPLES = """  python tools/kfold.py configs/fcn8s_barn.py --folds 5
  python tools/kfold.py configs/mask-rcnn_mnv2_pigs.py --group-by "^(cam\\d+)_"
  python tools/kfold.py configs/unet_isbi.py --folds 3 --amp
  python tools/kfold.py configs/fcn8s_barn.py --processes 2

Arguments that are not listed here go to train.py. The scores are those of the last validation of
each fold: a best checkpoint is chosen by its own fold, and flatters."""


def parse_args(argv=None):
    """Read the command line; returns the own arguments, and those of train.py."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
    parser.allow_abbrev = False
    parser.add_argument('--folds', type=int, default=5, metavar='K', help='default: 5')
    parser.add_argument('--seed', type=int, help='another seed, other folds (default: 0)')
    parser.add_argument('--group-by', metavar='REGEX',
                        help='what finds the name of the camera, farm or video in a file name, '
                        r'for example "^(cam\d+)_"; one name, one fold')
    parser.add_argument('--duplicates', choices=['together', 'report', 'ignore'],
                        default='together', help='near-duplicate images: keep them in one fold '
                        '(default), only report those in different ones, or do not look')
    parser.add_argument('--distance', type=int, metavar='BITS', help='images are near-duplicates '
                        'if so many of 64 bits of their perceptual hashes differ (default: 10)')
    parser.add_argument('--data', choices=['train', 'train+val'], help='what is divided (default: '
                        'train+val; the labelled training images of a semi-supervised config, '
                        'which is compared with its supervised twin by --data train for both)')
    parser.add_argument('--work-dir', type=Path, metavar='DIR', help='folder for the folds '
                        '(default: work_dirs/<name of the config>_kfold)')
    parser.add_argument('--processes', type=int, default=1, metavar='N',
                        help='processes of a training, one a GPU (default: 1)')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(),
                        help='threads that read the data (default: all cores)')
    parser.add_argument('--no-report', dest='report', action='store_false',
                        help='leave out the page over all folds')
    _cli.add_trust(parser)
    args, passed = parser.parse_known_args(argv)
    for word in passed:
        if word.partition('=')[0] in OWN:
            parser.error(f'{word}: {OWN[word.partition("=")[0]]}')
    for name, least in (('folds', 2), ('processes', 1), ('jobs', 1), ('seed', 0)):
        value = getattr(args, name)
        if value is not None and value < least:
            parser.error(f'--{name} {value}: give {least} or more')
    return args, passed


def main(argv=None) -> int:
    """Train all folds; returns the exit status."""
    args, passed = parse_args(argv)
    try:
        with _cli.plain_errors(args.debug, hint=_cli.FULL_DISK_TRAINING):
            from plugin.runs import kfold
            kfold(args.config, folds=args.folds, seed=args.seed, group_by=args.group_by,
                  duplicates=args.duplicates, distance=args.distance, data=args.data,
                  work_dir=args.work_dir, processes=args.processes, jobs=args.jobs,
                  report=args.report, arguments=[*passed, *(['--debug'] if args.debug else [])],
                  options=args.cfg_options)
    except KeyboardInterrupt:
        return _cli.stopped('; the same command goes on')
    return 0


if __name__ == '__main__':
    sys.exit(main())
