"""A config is trained on K folds of its data."""
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from mmengine.config import Config

from plugin.utils import UserError, write_atomically
from plugin.utils.config import load_config
from plugin.utils.console import say, warn

from ..ending import report as write_report
from ..processes import shown_command, training_command, training_environment
from ..starts import GRACE, INTERRUPTED, locked, refuse_own
from .coverage import count_coverage, told_coverage
from .plan import Division, Plan, make_plan
from .scores import are_scores, join_scores, print_scores, read_scores, write_scores
from .state import read_state

DONE = 'fold_done.json'


class FoldError(UserError):
    """A fold whose training did not end well."""


def kfold(config: str | Path | Config, *, folds: int = 5, seed: int | None = None,
          group_by: str | None = None, duplicates: str = 'together', distance: int | None = None,
          data: str | None = None, work_dir: str | Path | None = None, processes: int = 1,
          jobs: int | None = None, report: bool = True, arguments: Sequence[str] = (),
          options: Sequence[str] = ()) -> dict[str, Any]:
    """Train a config on K folds of its data: how good it is, and how sure that is.

    Every labelled image is validated once, by a network that was not trained on it. Images that
    look alike stay in one fold. Each fold is trained in a process of its own; what was stopped
    goes on when the function is called again in the same way. The scores are those of the last
    validation of each fold.

    Args:
        config (str | Path | Config): A file, the name of a config that comes with Pasture, or
            what was read from one.
        folds (int): K, 2 or more. Defaults to 5.
        seed (int, optional): Another seed, other folds. Defaults to 0, or the folds that the data
            come with.
        group_by (str, optional): Regular expression that finds the name of the camera, farm or
            video in a file name, such as ``^(cam\\d+)_``; one name, one fold.
        duplicates (str): Near-duplicate images: ``together`` in one fold, only ``report`` those in
            different ones, or ``ignore`` them.
        distance (int, optional): Images are near-duplicates if so many of 64 bits of their
            perceptual hashes differ, or fewer. Defaults to 10.
        data (str, optional): What is divided: ``train`` or ``train+val``. Defaults to both, and to
            the labelled training images of a semi-supervised config.
        work_dir (str | Path, optional): Folder for the folds. Defaults to
            ``work_dirs/<name of the config>_kfold``.
        processes (int): Processes of a training, one a GPU. Defaults to 1.
        jobs (int, optional): Threads that read the data. Defaults to all cores.
        report (bool): Write a page over all folds. Defaults to True.
        arguments (Sequence[str]): Other arguments of ``tools/train.py`` for each training.
        options (Sequence[str]): Values to set in the config, as ``key.of.it=value``.

    Returns:
        dict[str, Any]: ``scores`` ``{name: summary}`` and ``classes``
        ``{class: {name: summary}}``, where a summary has ``mean``, ``std`` (of a sample), ``n``
        and the K ``values``; ``iterations`` of each fold; ``config`` and ``folds``, their work
        directories; ``count_intervals`` of models that count: how many of the true counts lie in
        intervals that the other folds calibrate. It is written as ``kfold.json`` and
        ``kfold.csv``, too.

    Raises:
        FileNotFoundError: If the config or the data do not exist.
        FoldError: If the training of a fold fails; the trainings before it are kept.
        KeyboardInterrupt: On Ctrl-C.
        UserError: If the data cannot be divided so, or the work directory holds other folds.

    Example:
        >>> from plugin.runs import kfold
        >>> joint = kfold('fcn8s_barn', folds=2, options=['train_cfg.max_iters=2'], report=False)
        >>> joint['scores']['mIoU']['n']
        2
    """
    _check_numbers(folds=(folds, 2), processes=(processes, 1), jobs=(jobs, 1), seed=(seed, 0))
    refuse_own([*arguments])
    cfg = load_config(config, options)
    name = cfg.filename or 'config'
    folder = Path(work_dir or Path('work_dirs') / f'{Path(name).stem}_kfold')
    division = Division(folds, seed, group_by, duplicates, distance, data,
                        jobs or os.cpu_count() or 1)
    with locked(folder, 'kfold.py') as lock:
        # what was changed in memory is in no file yet
        base = None if isinstance(config, Config) else name
        plan = make_plan(cfg, division, folder, base=base, arguments=arguments,
                         options=options if base else ())
        found = _train_folds(plan, [*arguments], processes, lock)
        joint = dict(config=name, folds=[str(fold.work_dir) for fold in plan.folds],
                     **join_scores(found))
        coverage = count_coverage([fold.work_dir for fold in plan.folds])
        if coverage is not None:
            joint['count_intervals'] = coverage
        paths = write_scores(joint, folder)
    say('')
    print_scores(joint)
    if coverage is not None:
        say(told_coverage(coverage))
    say(*(f'wrote {path}' for path in paths))
    if report:
        _write_page([fold.work_dir for fold in plan.folds], folder / 'report.html')
    return joint


def _check_numbers(**limits: tuple[int | None, int]) -> None:
    for name, (value, least) in limits.items():
        if value is not None and value < least:
            raise UserError(f'{name}={value}: give {least} or more')


def _train_folds(plan: Plan, arguments: list[str], processes: int,
                 lock: IO[str]) -> list[dict[str, Any]]:
    """Train the folds that are left; returns the scores of all."""
    found = []
    for number, fold in enumerate(plan.folds):
        title = (f'fold {number} of 0..{len(plan.folds) - 1}: {fold.sizes[0]} images to '
                 f'train on, {fold.sizes[1]} to validate')
        done = fold.work_dir / DONE
        state = _read_done(done)
        if state is not None and state['fingerprint'] == plan.fingerprint:
            say(f'{title}; done before')
        else:
            say('', title)
            own = ['--work-dir', str(fold.work_dir), '--resume', 'auto', *arguments]
            own += ['--cfg-options', *plan.options] if plan.options else []
            status = run_training(training_command(fold.config, own, processes), lock)
            _check_status(number, status, fold.work_dir)
            state = dict(fingerprint=plan.fingerprint, scores=read_scores(fold.work_dir))
            write_atomically(done, json.dumps(state, indent=1))
        found.append(state['scores'])
    return found


def run_training(command: Sequence[str], lock: IO[str]) -> int:
    """Train one fold, and wait for its end, also after Ctrl-C.

    Args:
        command (Sequence[str]): What to start.
        lock (IO): An open file that the training keeps open: it outlives a kill of this process.

    Returns:
        int: The exit status.
    """
    with subprocess.Popen(command, pass_fds=[lock.fileno()],
                          env=training_environment()) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:  # a launcher that is killed would leave its processes behind
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.terminate()
                process.wait()
            raise


def _read_done(path: Path) -> dict[str, Any] | None:
    """What an earlier start noted at the end of a fold; None if it did not come so far."""
    if not path.is_file():
        return None
    return read_state(
        path, 'remove it, and the same command goes on from the last checkpoint of the fold',
        lambda state: isinstance(state['fingerprint'], str),
        lambda state: are_scores(state['scores']))


def _check_status(number: int, status: int, work_dir: Path) -> None:
    """Stop after a training that did not end well."""
    if status in INTERRUPTED:
        raise KeyboardInterrupt
    if status:
        how = f'signal {-status}' if status < 0 else f'status {status}'
        raise FoldError(f'the training of fold {number} ended with {how} (see {work_dir}); what is '
                        'done is kept, the same command goes on')


def _write_page(folders: Sequence[Path], page: Path) -> None:
    """Write one page over all folds; the scores are safe without it."""
    try:
        write_report(folders, out=page)
    except (ImportError, OSError, ValueError) as error:
        again = ' '.join([*shown_command('report'), *map(str, folders), '--out', str(page)])
        warn(f'{page} was not written ({error}); try again with {again}')
