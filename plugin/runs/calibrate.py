"""Threshold and intervals of the counts of a trained model, anew from validation images."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from plugin.engine.checkpoints.safe_reading import read_checkpoint
from plugin.engine.hooks import FittingCheckpointHook
from plugin.utils import UserError, write_checkpoint
from plugin.utils.config import existing_checkpoint, is_detection, load_config, set_work_dir
from plugin.utils.console import say
from plugin.utils.counts import KEPT_COUNTS, KEPT_THRESHOLD

from .processes import join_processes, leave_processes
from .train import build_runner


def calibrate(config: str | Path | Config, checkpoint: str | Path, out: str | Path, *,
              work_dir: str | Path | None = None, options: Sequence[str] = (),
              overwrite: bool = False) -> dict[str, Any]:
    """Count the validation images of a config with a trained model, and keep what follows.

    The copy of the checkpoint has the same weights; its threshold is the one that counts best on
    these images, and its intervals come from them. That is for checkpoints that keep no counts,
    for images of another farm, and for another ``test_cfg``, such as suppression on masks.

    Args:
        config (str | Path | Config): A file, the name of a config that comes with Pasture, or
            what was read from one.
        checkpoint (str | Path): The trained weights.
        out (str | Path): The checkpoint to write.
        work_dir (str | Path, optional): Folder for the log and the scores. Defaults to that of
            the config, or ``work_dirs/<name of the config>``.
        options (Sequence[str]): Values to set in the config, as ``key.of.it=value``.
        overwrite (bool): Replace an older file.

    Returns:
        dict[str, Any]: Scores of the validation by name, counted at 0.5 as in a training.

    Raises:
        FileExistsError: If ``out`` exists already.
        FileNotFoundError: If the config, the checkpoint or the data do not exist.
        UserError: If the config counts nothing.

    Example:
        >>> from plugin.runs import calibrate
        >>> scores = calibrate('mask-rcnn_mnv2_barn', 'best.pth', 'calibrated.pth')
        >>> scores['count/best_MAE'] <= scores['count/MAE']
        True
    """
    if Path(out).exists() and not overwrite:
        raise FileExistsError(f'{out} exists already: choose another name, or replace it with '
                              '--overwrite')
    cfg = load_config(config, options)
    set_work_dir(cfg, None if work_dir is None else str(work_dir))
    evaluator = cfg.get('val_evaluator') or []
    metrics = evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]
    if not is_detection(cfg) or not any(one.get('type') == 'CountMetric' for one in metrics):
        raise UserError(f'{cfg.filename or "the config"} counts nothing: give one of a model of '
                        "animals with dict(type='CountMetric') in its val_evaluator")
    cfg.load_from = existing_checkpoint(str(checkpoint), cfg.work_dir)
    cfg.resume = False
    for name in ('test_dataloader', 'test_evaluator', 'test_cfg'):
        cfg.pop(name, None)  # perhaps there are no test images yet
    # without training there is no best checkpoint to save
    cfg.default_hooks = {**cfg.get('default_hooks', {}), 'checkpoint': None,
                         'count_threshold': dict(type='CountThresholdHook')}
    kept = read_checkpoint(cfg.load_from)
    join_processes(cfg, 'none', 0)
    runner = build_runner(cfg)
    runner.register_hook(FittingCheckpointHook())
    scores = runner.val()
    hub = kept.setdefault('message_hub', {})
    now = runner.message_hub
    hub.setdefault('log_scalars', {})[KEPT_THRESHOLD] = now.log_scalars[KEPT_THRESHOLD]
    hub.setdefault('runtime_info', {})[KEPT_COUNTS] = now.runtime_info[KEPT_COUNTS]
    # a resumed training takes over only what is listed
    hub.setdefault('resumed_keys', {}).update({KEPT_THRESHOLD: True, KEPT_COUNTS: True})
    write_checkpoint(kept, out)
    say('', f'counts best at {scores["count/best_threshold"]:.4g}: off by '
        f'{scores["count/best_MAE"]:.4g} animals an image on {scores["count/images"]} images of '
        f'the validation; always saying {scores["count/constant"]}: '
        f'{scores["count/constant_MAE"]:.4g}', f'wrote {out}')
    del runner
    leave_processes()
    return scores
