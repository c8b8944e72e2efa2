"""What a run says and leaves at its end."""
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmengine.dist import is_main_process
from mmengine.runner import Runner

from plugin.engine.hooks import RunSummaryHook
from plugin.utils.console import say, warn
from plugin.visualization.report import write_report

from .resume import last_checkpoint

# what RunSummaryHook may have left in the work directory
FILES = ('curves.png', 'predictions.png', 'confusion_matrix.png', 'precision_recall.png',
         'worst_pictures.png', 'scores.json')


class Trained(NamedTuple):
    """A training that came to its end.

    Attributes:
        work_dir (Path): Where its checkpoints, logs and images are.
        iterations (int): How many were done, those before a resume included.
        scores (dict[str, float]): Of the last validation, by name; as the metrics write them,
            those of ``SegMetric`` in percent. Empty where there was none.
        best_checkpoint (Path | None): The one with the best score, where ``save_best`` is set.
        last_checkpoint (Path | None): The one to go on from.
        stopped_early (str): When and why early stopping ended it; empty where it did not.
    """

    work_dir: Path
    iterations: int
    scores: dict[str, float]
    best_checkpoint: Path | None
    last_checkpoint: Path | None
    stopped_early: str


def result_of(runner: Runner) -> Trained:
    """What a training ended with.

    Args:
        runner (Runner): The runner at its end.
    """
    hub, folder = runner.message_hub, Path(runner.work_dir)
    state = hub.runtime_info.get('early_stopping') or {}
    best = hub.runtime_info.get('best_ckpt')
    return Trained(
        folder, runner.iter,
        {name[4:]: float(buffer.current()) for name, buffer in hub.log_scalars.items()
         if name.startswith('val/') and not name.endswith('time')},
        Path(best) if best else None, last_checkpoint(folder),
        state.get('reason', '') if getattr(runner.train_loop, 'stop_training', False) else '')


def say_results(result: Trained) -> None:
    """Print how a training ended, its scores, and where the results are; in one process."""
    if not is_main_process():
        return
    early = f'; stopped early {result.stopped_early}' if result.stopped_early else ''
    print(f'\ntrained {result.iterations} iterations{early}')
    if result.scores:
        print('  '.join(f'{name} {value:.4g}' for name, value in result.scores.items()))
    rows = [('best checkpoint', result.best_checkpoint),
            ('last checkpoint', result.last_checkpoint)]
    rows += [(name.partition('.')[0].replace('_', ' '), result.work_dir / name) for name in FILES]
    for title, path in rows:
        if path is not None and path.is_file():
            print(f'{title:17s}{path}')


def write_page(runner: Runner) -> None:
    """Write ``report.html`` into the work directory of a run that leaves a summary.

    Nothing is lost where that fails: it is a warning, and ``tools/report.py`` does it later.

    Args:
        runner (Runner): The runner at its end. Without ``RunSummaryHook`` there is nothing to tell,
            and with ``page=False`` in it nothing is written.
    """
    if not is_main_process() or not any(isinstance(hook, RunSummaryHook) and hook.page
                                        for hook in runner.hooks):
        return
    path = Path(runner.work_dir) / 'report.html'
    try:
        write_report([runner.work_dir], path)
    except (ImportError, OSError, ValueError) as error:
        warn(f'{path} is not written: {error}')
    else:
        print(f'{"report":17s}{path}')


def report(work_dirs: Sequence[str | Path], *, out: str | Path | None = None) -> Path:
    """Tell what one or several runs did, in one HTML file that opens without network.

    Args:
        work_dirs (Sequence[str | Path]): Where a training or a test left its files; several are
            shown side by side.
        out (str | Path, optional): The page. Defaults to ``report.html`` in the work directory,
            for several in the current folder.

    Returns:
        Path: The page.

    Raises:
        FileExistsError: If the file is there and no report.
        FileNotFoundError: If one is no work directory.
        UserError: If there are so many runs that the file would be too large, or none.

    Example:
        >>> from plugin.runs import report, train
        >>> done = train('fcn8s_barn', options=['train_cfg.max_iters=2'])
        >>> page = report([done.work_dir], out='compared.html')
        >>> page.stat().st_size > 10_000
        True
    """
    folders = [Path(folder) for folder in work_dirs]
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(f'{folder} is no folder: give a work directory, such as '
                                    'work_dirs/<name of the config>')
    page = Path(out or (folders[0] if len(folders) == 1 else Path()) / 'report.html')
    for note in write_report(folders, page):
        say(f'note: {note}')
    say(f'report  {page} ({page.stat().st_size / 1e6:.1f} MB)')
    return page
