#!/usr/bin/env python
"""Train a model, on one device or on several."""
import argparse
import sys

import _cli

EXAMPLES = """  python tools/train.py configs/fcn8s_barn.py
  python tools/train.py configs/fcn8s_barn.py --resume
  python tools/train.py configs/fcn8s_barn.py --resume --cfg-options \\
      train_cfg.max_iters=2400 param_scheduler.1.end=2400     # twice as long, with its schedule
  python tools/train.py configs/fcn8s_barn.py --early-stop loss:5 --logger tensorboard
  python tools/train.py configs/fcn8s_voc.py --cfg-options train_dataloader.batch_size=4
  tools/dist_train.sh configs/fcn8s_voc.py 4"""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
    parser.add_argument('--work-dir', help='folder for checkpoints, logs and images '
                        '(default: work_dirs/<name of the config>)')
    parser.add_argument('--resume', nargs='?', const='auto', metavar='CHECKPOINT',
                        help='go on from the last checkpoint of the work directory, or from this')
    parser.add_argument('--amp', action=argparse.BooleanOptionalAction, default=None,
                        help='mixed precision, or not: float16 on a GPU, bfloat16 on a CPU '
                        'that has instructions for it (default: as the config says)')
    parser.add_argument('--no-check', dest='check', action='store_false',
                        help='do not look at all images and labels before training')
    parser.add_argument('--early-stop', type=_cli.score_and_patience, metavar='SCORE[:PATIENCE]',
                        help='end the training after so many validations without a better score '
                        '(default: 5), e.g. loss:5 or mIoU')
    _cli.add_logger(parser)
    _cli.add_auto_batch(parser)
    _cli.add_trust(parser)
    _cli.add_launcher(parser)
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Train; returns the exit status."""
    args = parse_args(argv)
    again = 'the same command'
    try:
        with _cli.plain_errors(args.debug, hint=_cli.FULL_DISK_TRAINING):
            from plugin.runs import resume_command, train
            again = resume_command(sys.argv[1:] if argv is None else argv)
            train(args.config, work_dir=args.work_dir, resume=args.resume, amp=args.amp,
                  check=args.check, early_stop=args.early_stop, loggers=args.logger,
                  auto_batch=args.auto_batch, options=args.cfg_options, launcher=args.launcher,
                  local_rank=args.local_rank)
    except KeyboardInterrupt as stop:
        position = f' {stop}' if str(stop) else ''
        return _cli.stopped(f'{position}; go on with\n  {again}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
