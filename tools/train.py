#!/usr/bin/env python
"""Train a model, on one device or on several."""
import argparse
import shlex
import sys
from pathlib import Path

import _checkpoints
import _cli
import _train_options

EXAMPLES = """  python tools/train.py configs/fcn8s_barn.py
  python tools/train.py configs/fcn8s_barn.py --resume
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
                        help='mixed precision, or not (default: as the config says)')
    parser.add_argument('--no-check', action='store_true',
                        help='do not look at all images and labels before training')
    _train_options.add_options(parser)
    _checkpoints.add_trust(parser)
    _cli.add_launcher(parser)
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Train; returns the exit status."""
    args = parse_args(argv)
    stage = dict(runner=None, started=False)
    try:
        with _cli.plain_errors(args.debug, running=lambda: stage['started']):
            train(args, stage)
    except KeyboardInterrupt:
        _cli.say(f'\nstopped{_position(stage["runner"])}; go on with\n  '
                 f'{resume_command(argv if argv is not None else sys.argv[1:])}')
        return _cli.INTERRUPTED
    return 0


def train(args: argparse.Namespace, stage: dict) -> None:
    """Build the runner and run it; ``stage`` tells the caller how far it came."""
    cfg = _cli.load_config(args.config, args.cfg_options)
    _cli.set_work_dir(cfg, args.work_dir, args.config)
    _checkpoints.choose_checkpoint(cfg, args.resume)
    choose_precision(cfg, args.amp)
    if args.no_check and 'check_data' in cfg.get('default_hooks', {}):
        cfg.default_hooks.check_data.enabled = False
    _train_options.set_options(cfg, args)

    import _report
    from mmengine.registry import RUNNERS
    from mmengine.runner import Runner

    from plugin.runs import auto_batch, processes
    processes.join_processes(cfg, args.launcher, args.local_rank)
    if args.auto_batch:
        auto_batch.choose_batch(cfg)
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    stage['runner'] = runner
    runner.register_hook(_start_hook(stage), priority='LOWEST')
    with _train_options.looked_after(cfg, runner, args.debug):
        runner.train()
    report(runner)
    _report.write(runner)
    stage['runner'] = runner = None
    processes.leave_processes()


def choose_precision(cfg, amp) -> None:
    """Switch mixed precision on or off, as OpenMMLab's tools do.

    Raises:
        UserError: If mixed precision is asked for where it cannot be had.
    """
    from mmengine.device import get_device
    wrapper = cfg.optim_wrapper
    kind = wrapper.get('type', 'OptimWrapper')
    if amp is False and kind == 'AmpOptimWrapper':
        wrapper.type = 'OptimWrapper'
        for name in ('loss_scale', 'dtype', 'use_fp64'):
            wrapper.pop(name, None)
    elif amp and kind == 'OptimWrapper':
        wrapper.type, wrapper.loss_scale = 'AmpOptimWrapper', 'dynamic'
    elif amp and kind != 'AmpOptimWrapper':
        raise UserError(f'--amp does not go with optim_wrapper.type={kind}; set its precision '
                         'in the config')
    if wrapper.get('type') == 'AmpOptimWrapper' and get_device() == 'cpu':
        raise UserError('mixed precision (AmpOptimWrapper) needs a GPU and none is visible; '
                         'train with --no-amp')


def report(runner) -> None:
    """Print the scores and where the results are."""
    from mmengine.dist import is_main_process
    if not is_main_process():
        return
    hub, folder = runner.message_hub, Path(runner.work_dir)
    scores = {name[4:]: buffer.current() for name, buffer in hub.log_scalars.items()
              if name.startswith('val/') and not name.endswith('time')}
    print(f'\n{_train_options.ending(runner)}')
    if scores:
        print('  '.join(f'{name} {value:.4g}' for name, value in scores.items()))
    best = hub.runtime_info.get('best_ckpt')
    names = ('curves.png', 'predictions.png', 'confusion_matrix.png', 'precision_recall.png',
             'worst_pictures.png', 'scores.json')
    rows = [('best checkpoint', best)] if best else []
    rows += [('last checkpoint', _checkpoints.last_checkpoint(folder))]
    rows += [(name.partition('.')[0].replace('_', ' '), folder / name) for name in names]
    for title, path in rows:
        if path is not None and Path(path).is_file():
            print(f'{title:17s}{path}')


def resume_command(argv) -> str:
    """The command that goes on with a training that was started with ``argv``."""
    argv, kept = list(argv), []
    while argv:
        word = argv.pop(0)
        if word == '--resume':
            if argv and not argv[0].startswith('-'):
                argv.pop(0)
        elif not word.startswith('--resume='):
            kept.append(word)
    return shlex.join(['python', 'tools/train.py', *kept, '--resume'])


def _position(runner) -> str:
    # the loop is a config until the training begins
    loop = getattr(runner, '_train_loop', None)
    return f' after {loop.iter} iterations' if hasattr(loop, 'run') else ''


def _start_hook(stage: dict):
    from mmengine.hooks import Hook

    class StartHook(Hook):
        """Notes that the first batch was loaded."""

        def before_train_iter(self, runner, *args, **kwargs) -> None:
            stage['started'] = True

    return StartHook()


if __name__ == '__main__':
    sys.exit(main())
