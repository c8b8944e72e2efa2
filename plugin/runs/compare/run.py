"""Configs are trained with the same seeds and compared."""
import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plugin.utils.console import say, warn
from plugin.visualization.report.facts import is_lower_better

from ..processes import share_of_cores
from ..starts import OWN, locked, refuse_own
from . import children
from .files import write_page, write_results
from .plan import Method, Settings, check_inits, check_settings, keep_plan, read_methods
from .results import gather, score_of
from .runs import ComparisonError, Run, Worker
from .tables import to_markdown

# a training that stops early has other steps than the others
FOREIGN = (*OWN, '--early-stop')


def compare(configs: Sequence[str | Path], *, seeds: int = 5, rates: Sequence[float] = (),
            lr_factors: Sequence[float] = (), steps: int | None = None,
            unequal_steps: bool = False, init: str | None = None, twin: bool = True,
            score: str | None = None, work_dir: str | Path | None = None, jobs: int = 1,
            report: bool = True, arguments: Sequence[str] = (), options: Sequence[str] = ()
            ) -> dict[str, Any]:
    """Train configs with the same seeds, and tell whether the first one is matched or surpassed.

    Every config is trained on the same labelled images, for the same number of steps, with each
    seed. Its last checkpoint is tested; the best one, which val chose, stands beside it. A config
    that predicts with an average of weights is compared with the average of the first one. Each
    training and each test is a process of its own; what was stopped goes on when the function is
    called again in the same way. ``table.md``, ``results.json``, ``results.csv`` and
    ``report.html`` are written into the work directory, the runs below it into
    ``<name of the config>/lr_<learning rate>/seed_<n>``.

    Args:
        configs (Sequence[str | Path]): Files, or names of configs that come with Pasture; all
            semantic or all of instances. The others are compared with the first one.
        seeds (int): Trainings of each config, with the seeds from 0 on. Defaults to 5.
        rates (Sequence[float]): Learning rates to try, with seed 0: the best one on val is
            taken, for each config its own. Defaults to those of the configs.
        lr_factors (Sequence[float]): The same, as factors of the rate of each config.
        steps (int, optional): Iterations of each training; schedules are scaled. Defaults to those
            of the configs.
        unequal_steps (bool): Whether these may differ.
        init (str, optional): Checkpoint that every training starts from; ``{seed}`` in it is the
            seed. No method has a supervised warm-up then, and the second network of CPS starts
            from the checkpoint of another seed.
        twin (bool): Where a config averages its weights, as a teacher does, also average those of
            the training on its labelled images alone. Defaults to True.
        score (str, optional): What is compared. Defaults to mIoU, or the mask (box) AP of COCO.
        work_dir (str | Path, optional): Folder for the runs. Defaults to
            ``work_dirs/<name of the first config>_compare``.
        jobs (int): Runs at a time; they share the GPUs that are visible, or the cores, unless
            ``OMP_NUM_THREADS`` is set. Defaults to 1.
        report (bool): Write the page. Defaults to True.
        arguments (Sequence[str]): Other arguments of ``tools/train.py`` for each training.
        options (Sequence[str]): Values to set in each config, as ``key.of.it=value``.

    Returns:
        dict[str, Any]: ``rows``: of each config, of teacher and student each, and of averages of
        the supervised training, ``last_test``, ``last_val``, ``best_test``, ``best_val`` (``mean``,
        ``std`` of a sample, ``n``, ``values``), ``failed`` (seeds whose loss was not finite, and
        why), ``calibration``, ``difference`` (see
        :func:`~plugin.runs.compare.verdicts.differences_of`), ``ending`` and ``cost``;
        ``searches``, how the rates were chosen; ``differences`` of the configs. It is written as
        ``results.json``, too.

    Raises:
        ComparisonError: If a training or a test fails; what is done is kept. One whose loss is not
            finite ends alone, and its row says so.
        FileNotFoundError: If a config, a checkpoint or the data do not exist.
        KeyboardInterrupt: On Ctrl-C.
        UserError: If the configs cannot be compared, or changed since an earlier start.

    Example:
        >>> from plugin.runs import compare
        >>> found = compare(['fcn8s_barn'], seeds=1, steps=2, report=False)
        >>> found['rows'][0]['last_val']['n']
        1
    """
    settings = Settings(seeds, tuple(rates), tuple(lr_factors), steps, unequal_steps, init, twin,
                        tuple(arguments), tuple(options))
    check_settings(settings, configs, jobs)
    refuse_own([*arguments], FOREIGN, 'run')
    methods = read_methods(configs, settings)
    check_inits(init, seeds, methods)
    folder = Path(work_dir or Path('work_dirs') / f'{methods[0].name}_compare')
    with locked(folder, 'compare.py') as lock:
        kept = [keep_plan(method, settings, folder) for method in methods]
        methods = [method for method, _ in kept]
        plans = {method.name: fingerprint for method, fingerprint in kept}
        devices = children.visible_devices() if jobs > 1 else []
        shares = share_of_cores(jobs) if jobs > 1 and not devices else {}
        worker = Worker(lock, arguments, init, plans, jobs > 1, shares)
        searches = _search(worker, methods, folder, score, jobs, devices)
        runs = _train(worker, methods, searches, folder, seeds, jobs, devices)
        found = gather(worker, runs, searches, methods, score, init)
        paths = write_results(found, folder)
        if report:
            # of each method the first seed that came to its end
            shown = [run for of_method in runs.values() for run in [
                one for one in of_method if not worker.stopped(one)][:1]]
            write_page(found, shown, folder / 'report.html')
    say('', *to_markdown(found).splitlines(), '', *(f'wrote {path}' for path in paths))
    return found


def _search(worker: Worker, methods: Sequence[Method], folder: Path, score: str | None, jobs: int,
            devices: Sequence[str]) -> list[dict[str, Any]]:
    """Choose the learning rate of each method on val, where there are several."""
    tried = {method.name: [_run(method, rate, 0, folder) for rate in method.rates]
             for method in methods if len(method.rates) > 1}
    children.run_all([functools.partial(worker.complete, run, ('val', ), candidate=True)
                      for group in tried.values() for run in group], jobs, devices)
    return [_choose(worker, name, group, score) for name, group in tried.items()]


def _choose(worker: Worker, name: str, runs: Sequence[Run], score: str | None) -> dict[str, Any]:
    """The rate with the best score on val; the first of equal ones."""
    tried: list[dict[str, Any]] = []
    lower = False
    for run in runs:
        found = worker.scores(run, 'val', run.method.networks[0], 'last')
        value, why = None, 'the loss was not finite'
        if found is not None:
            key = score_of(found['scores'], score, name)
            lower, value, why = is_lower_better(key), found['scores'][key], ''
        tried.append(dict(rate=run.rate, val=value, why=why))
    known = [one for one in tried if one['val'] is not None and math.isfinite(one['val'])]
    if not known:
        raise ComparisonError(f'no learning rate of {name} can be used: '
                              f'{worker.stopped(runs[0])}; try lower --rates')
    best = (min if lower else max)(known, key=lambda one: one['val'])
    rates = [one['rate'] for one in tried]
    edge = best['rate'] in (min(rates), max(rates))
    if edge:
        warn(f'{name}: {best["rate"]:g} is at the edge of the learning rates that were tried; a '
             'better one may lie beyond')
    return dict(config=name, tried=tried, chosen=best['rate'], at_the_edge=edge)


def _train(worker: Worker, methods: Sequence[Method], searches: Sequence[dict[str, Any]],
           folder: Path, seeds: int, jobs: int, devices: Sequence[str]) -> dict[str, list[Run]]:
    """Train and test all methods with all seeds; all methods of a seed before the next seed."""
    chosen = {search['config']: search['chosen'] for search in searches}
    runs = {method.name: [_run(method, chosen.get(method.name, method.rates[0]), seed, folder)
                          for seed in range(seeds)] for method in methods}
    parts = ('val', 'test') if methods[0].own_test else ('val', )
    children.run_all([functools.partial(_complete, worker, runs[method.name][seed], parts)
                      for seed in range(seeds) for method in methods], jobs, devices)
    return runs


def _complete(worker: Worker, run: Run, parts: Sequence[str], device: str | None) -> None:
    worker.complete(run, parts, device)
    stopped = worker.stopped(run)
    if stopped:
        warn(f'{run.title} did not come to its end, and the table says so: {stopped}; give lower '
             f'--rates, or remove {run.folder} to train it anew')


def _run(method: Method, rate: float, seed: int, folder: Path) -> Run:
    return Run(method, rate, seed, folder / method.name / f'lr_{rate:g}' / f'seed_{seed}')
