#!/usr/bin/env python
"""Measure a trained model on the test set of its config."""
import argparse
import sys
from pathlib import Path

import _checkpoints
import _cli

from plugin.inference import tta

EXAMPLES = """  python tools/test.py configs/fcn8s_barn.py work_dirs/fcn8s_barn/iter_800.pth
  python tools/test.py CONFIG CHECKPOINT --out predictions/ --show-dir overlays/
  tools/dist_test.sh CONFIG CHECKPOINT 4"""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
    parser.add_argument('checkpoint', help='checkpoint to measure')
    parser.add_argument('--work-dir', help='folder for the log and the scores '
                        '(default: work_dirs/<name of the config>)')
    parser.add_argument('--out', metavar='DIR', help='also write each prediction: as PNG, ids as '
                        'they are submitted to benchmarks, or as COCO results')
    parser.add_argument('--show-dir', metavar='DIR', help='also draw truth and prediction over '
                        'each image')
    tta.add_tta(parser)
    _checkpoints.add_trust(parser)
    _cli.add_launcher(parser)
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Test; returns the exit status."""
    args = parse_args(argv)
    stage = dict(started=False)
    try:
        with _cli.plain_errors(args.debug, running=lambda: stage['started']):
            test(args, stage)
    except KeyboardInterrupt:
        _cli.say('\nstopped; nothing was measured')
        return _cli.INTERRUPTED
    return 0


def test(args: argparse.Namespace, stage: dict) -> None:
    """Build the runner and test; ``stage`` tells the caller how far it came."""
    cfg = _cli.load_config(args.config, args.cfg_options)
    _cli.set_work_dir(cfg, args.work_dir, args.config)
    cfg.load_from = _cli.existing_checkpoint(args.checkpoint, cfg.work_dir)
    # a config that resumes its training is not meant to resume its test
    cfg.resume = False
    if args.show_dir is not None:
        draw(cfg, args.show_dir)
    if args.out is not None:
        write_predictions(cfg, args.out)
    if args.tta:
        tta.average(cfg, args.config)

    import _report
    from mmengine.registry import RUNNERS
    from mmengine.runner import Runner

    from plugin.runs import processes
    processes.join_processes(cfg, args.launcher, args.local_rank)
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    runner.register_hook(checks(stage, Path(cfg.load_from).name), priority='LOWEST')
    scores = runner.test()
    _cli.say('\n' + '  '.join(f'{name} {value:.4g}' for name, value in scores.items()
                              if isinstance(value, (int, float))))
    shown = args.show_dir and Path(args.show_dir) / 'vis_data' / 'vis_image'
    folders = (('predictions', args.out), ('overlays', shown), ('log', runner.log_dir))
    for title, folder in folders:
        if folder is not None:
            _cli.say(f'{title:12s}{folder}')
    _report.write(runner)
    runner = None
    processes.leave_processes()


def draw(cfg, folder: str) -> None:
    """Let the visualization hook write each image with its truth and prediction."""
    hook = cfg.get('default_hooks', {}).get('visualization')
    if hook is None or cfg.get('visualizer') is None:
        raise UserError('--show-dir needs a visualizer and default_hooks.visualization='
                         "dict(type='SegVisualizationHook') (or Det...) in the config")
    hook.draw = True
    cfg.visualizer.save_dir = folder


def write_predictions(cfg, folder: str) -> None:
    """Let the first metric write each prediction."""
    evaluator = cfg.test_evaluator
    first = evaluator[0] if isinstance(evaluator, (list, tuple)) else evaluator
    if cfg.get('default_scope') == 'mmdet':
        first.outfile_prefix = str(Path(folder) / 'results')
    else:
        first.output_dir, first.keep_results = folder, True


def checks(stage: dict, name: str):
    """A hook that compares the checkpoint with the model."""
    from mmengine.hooks import Hook
    from mmengine.model import is_model_wrapper

    from plugin.inference import predictor

    class FittingCheckpointHook(Hook):
        """Stops when the checkpoint was made for another model or other classes."""

        def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
            model = runner.model.module if is_model_wrapper(runner.model) else runner.model
            # test-time augmentation puts the model into another one
            model = getattr(model, 'module', model)
            predictor.check_fits(checkpoint.get('state_dict', checkpoint), model,
                                  name)

        def before_test_iter(self, runner, *args, **kwargs) -> None:
            stage['started'] = True

    return FittingCheckpointHook()


if __name__ == '__main__':
    sys.exit(main())
