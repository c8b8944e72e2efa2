#!/usr/bin/env python
"""Compare configs as an experiment: the same seeds, images and steps, and what chance explains.

The last checkpoint of each run is scored, val chooses and test tells; differences to the first
config are paired over the seeds, with their confidence interval. What was stopped goes on when the
same command is run again.
"""
import sys
from pathlib import Path

import _cli

OWN = {'--resume': 'compare.py goes on by itself when it is run again',
       '--launcher': 'each run is one process; several at a time by --jobs N',
       '--local_rank': 'each run is one process; several at a time by --jobs N',
       '--local-rank': 'each run is one process; several at a time by --jobs N',
       '--early-stop': 'what is compared trains the same number of steps'}
EXAMPLES = """  python tools/compare.py configs/fcn8s_barn.py configs/u2pl_barn.py --seeds 5
  python tools/compare.py configs/mean-teacher_mnv2_animals7.py configs/u2pl_mnv2_animals7.py \\
      --init "pretrained/seed_{seed}.pth" --jobs 2
  python tools/compare.py configs/fcn8s_mnv2_camvid.py configs/pspnet_mnv2_camvid.py \\
      --lr-factors 0.3 1 3 --seeds 3      # the same budget of looks for every network
  python tools/compare.py A.py B.py --steps 400 --cfg-options train_dataloader.batch_size=4

Arguments that are not listed here go to train.py. Where a config has a teacher, teacher and student
are rows of their own, and so is the average of the supervised training, to which it is compared."""


def parse_args(argv=None):
    """Read the command line; returns the own arguments, and those of train.py."""
    parser = _cli.parser_for(
        __doc__, EXAMPLES, 'config files; the others are compared with the first', several=True)
    parser.allow_abbrev = False
    parser.add_argument('--seeds', type=_cli.positive, default=5, metavar='N',
                        help='trainings of each config, with the seeds 0 to N-1 (default: 5); more '
                        'seeds later go on from those that are there')
    rates = parser.add_mutually_exclusive_group()
    rates.add_argument('--rates', type=_cli.rate, nargs='+', default=[], metavar='LR',
                       help='learning rates to try with seed 0; each config gets the one that is '
                       'best on val')
    rates.add_argument('--lr-factors', type=_cli.rate, nargs='+', default=[], metavar='F',
                       help="the same, as factors of each config's own learning rate")
    parser.add_argument('--steps', type=_cli.positive, metavar='N',
                        help='iterations of each training, with schedules in proportion (default: '
                        'those of the configs, which must be equal)')
    parser.add_argument('--unequal-steps', action='store_true',
                        help='let each config train as long as it says')
    parser.add_argument('--init', metavar='CHECKPOINT', help='start every training from these '
                        'weights, without a supervised warm-up; {seed} in the name is the seed')
    parser.add_argument('--no-twin', dest='twin', action='store_false',
                        help='leave out the averages of the supervised training')
    parser.add_argument('--score', metavar='NAME',
                        help='what is compared (default: mIoU, or the mask AP of COCO)')
    parser.add_argument('--work-dir', type=Path, metavar='DIR', help='folder for the runs '
                        '(default: work_dirs/<name of the first config>_compare)')
    parser.add_argument('--jobs', type=_cli.positive, default=1, metavar='N',
                        help='runs at a time, which share the visible GPUs (default: 1); what they '
                        'print is then in output.txt of each')
    parser.add_argument('--no-report', dest='report', action='store_false',
                        help='leave out the page')
    _cli.add_trust(parser)
    args, passed = parser.parse_known_args(argv)
    for word in passed:
        if word.partition('=')[0] in OWN:
            parser.error(f'{word}: {OWN[word.partition("=")[0]]}')
    return args, passed


def main(argv=None) -> int:
    """Compare; returns the exit status."""
    args, passed = parse_args(argv)
    try:
        with _cli.plain_errors(args.debug, hint=_cli.FULL_DISK_TRAINING):
            from plugin.runs import compare
            compare(args.configs, seeds=args.seeds, rates=args.rates, lr_factors=args.lr_factors,
                    steps=args.steps, unequal_steps=args.unequal_steps, init=args.init,
                    twin=args.twin, score=args.score, work_dir=args.work_dir, jobs=args.jobs,
                    report=args.report, arguments=[*passed, *(['--debug'] if args.debug else [])],
                    options=args.cfg_options)
    except KeyboardInterrupt:
        return _cli.stopped('; the same command goes on')
    return 0


if __name__ == '__main__':
    sys.exit(main())
