"""A trained model is measured on the test set of its config."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from plugin.engine.hooks import FittingCheckpointHook, NamedResultsHook
from plugin.inference import tta as augmentation
from plugin.utils import UserError
from plugin.utils.config import existing_checkpoint, is_detection, load_config, set_work_dir
from plugin.utils.console import say

from .ending import write_page
from .processes import join_processes, leave_processes
from .train import build_runner
from .unlabelled import write_only

# hooks that name what they draw by the last part of its path, or by a number alone
STOCK_HOOKS = ('SegVisualizationHook', 'DetVisualizationHook')


def test(config: str | Path | Config, checkpoint: str | Path, *,
         work_dir: str | Path | None = None, out: str | Path | None = None,
         show_dir: str | Path | None = None, tta: bool = False, options: Sequence[str] = (),
         launcher: str = 'none', local_rank: int = 0) -> dict[str, Any]:
    """Measure a trained model on the test set of its config.

    The scores are printed, and written into the work directory with a report.

    Args:
        config (str | Path | Config): A file, the name of a config that comes with Pasture, or
            what was read from one.
        checkpoint (str | Path): The weights to measure: a file or an address.
        work_dir (str | Path, optional): Folder for the log and the scores. Defaults to that of
            the config, or ``work_dirs/<name of the config>``.
        out (str | Path, optional): Folder for each prediction: PNG with class ids as benchmarks
            want them, or COCO results; where the test set has no labels, nothing is scored.
            Defaults to none.
        show_dir (str | Path, optional): Folder for truth and prediction drawn over each image.
            Defaults to none.
        tta (bool): Average over several scales and mirrorings of each image (semantic models).
        options (Sequence[str]): Values to set in the config, as ``key.of.it=value``.
        launcher (str): What started the processes: ``none``, ``pytorch``, ``slurm`` or ``mpi``.
        local_rank (int): Number of this process on its machine, where the environment does not
            tell.

    Returns:
        dict[str, Any]: Scores by name, as the metrics write them; those of ``SegMetric`` in
        percent.

    Raises:
        FileNotFoundError: If the config, the checkpoint or the data do not exist.
        UserError: If the checkpoint is of another model or other classes, the config cannot be
            read, it cannot do what is asked for, or the test set has no labels and ``out`` is not
            given.

    Example:
        >>> from plugin.runs import test, train
        >>> done = train('fcn8s_barn', options=['train_cfg.max_iters=2'])
        >>> scores = test('fcn8s_barn', done.last_checkpoint)
        >>> 0 <= scores['mIoU'] <= 100
        True
    """
    cfg = load_config(config, options)
    set_work_dir(cfg, None if work_dir is None else str(work_dir))
    cfg.load_from = existing_checkpoint(str(checkpoint), cfg.work_dir)
    # a config that resumes its training is not meant to resume its test
    cfg.resume = False
    drawing = {} if show_dir is None else draw(cfg, str(show_dir))
    if out is not None:
        write_predictions(cfg, str(out))
    write_only(cfg, out is not None)
    if tta:
        augmentation.average(cfg, cfg.filename or 'the config')
    join_processes(cfg, launcher, local_rank)
    runner = build_runner(cfg)
    runner.register_hook(FittingCheckpointHook())
    runner.register_hook(NamedResultsHook(**drawing))
    scores = runner.test()
    if scores:
        say('', '  '.join(f'{name} {value:.4g}' for name, value in scores.items()
                          if isinstance(value, (int, float))))
    shown = None if show_dir is None else Path(show_dir) / 'vis_data' / 'vis_image'
    for title, folder in (('predictions', out), ('overlays', shown), ('log', runner.log_dir)):
        if folder is not None:
            say(f'{title:12s}{folder}')
    write_page(runner)
    # its connections are closed when the model is gone
    del runner
    leave_processes()
    return scores


def draw(cfg: Config, folder: str) -> dict[str, Any]:
    """Let each image be written with its truth and prediction.

    Args:
        cfg (mmengine.Config): The config; gets the folder.
        folder (str): Where to write.

    Returns:
        dict: Arguments of ``NamedResultsHook``, which draws in place of the hooks of MMSegmentation
        and MMDetection; none where the config has a hook of its own.

    Raises:
        UserError: If the config has no visualizer or no visualization hook.
    """
    hook = cfg.get('default_hooks', {}).get('visualization')
    if hook is None or cfg.get('visualizer') is None:
        raise UserError('--show-dir needs a visualizer and default_hooks.visualization='
                        "dict(type='SegVisualizationHook') (or Det...) in the config")
    cfg.visualizer.save_dir = folder
    hook.draw = str(hook.get('type')).rpartition('.')[2] not in STOCK_HOOKS
    if hook.draw:
        return {}
    options = dict(folder=folder, backend_args=hook.get('backend_args'))
    if is_detection(cfg):
        options['pred_score_thr'] = hook.get('score_thr', 0.3)
    return options


def write_predictions(cfg: Config, folder: str) -> None:
    """Let the first metric write each prediction.

    Args:
        cfg (mmengine.Config): The config; its ``test_evaluator`` gets the folder.
        folder (str): Where to write.
    """
    evaluator = cfg.test_evaluator
    first = evaluator[0] if isinstance(evaluator, (list, tuple)) else evaluator
    if is_detection(cfg):
        first.outfile_prefix = str(Path(folder) / 'results')
    else:
        first.output_dir, first.keep_results = folder, True
