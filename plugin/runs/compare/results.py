"""What the runs of a comparison found, row by row: plain values, as ``results.json`` holds them."""
from collections.abc import Sequence
from statistics import median
from typing import Any

from plugin.utils import UserError
from plugin.utils.numbers import jsonable
from plugin.visualization.report.configs import differences, flatten
from plugin.visualization.report.facts import is_lower_better

from ..kfold.scores import summarise
from .plan import RATE, Method
from .runs import ComparisonError, Run, Trained, Worker
from .schedule import steps_of
from .twins import has_second, is_averaged
from .verdicts import differences_of

# what is compared where no score is named, the first that is there
SCORES = ('mIoU', 'coco/segm_mAP', 'coco/bbox_mAP')
CALIBRATION = 'ECE'
# what the parts and checkpoints of a row are called
MEASURED = [(f'{which}_{part}', which, part) for which in ('last', 'best')
            for part in ('val', 'test')]


def score_of(scores: dict[str, Any], name: str | None, config: str) -> str:
    """The name of the score that is compared.

    Args:
        scores (dict): Of an evaluation.
        name (str, optional): The one that is asked for.
        config (str): What the message calls the config.

    Raises:
        UserError: If there is none of that name; lists those that there are.
    """
    known = [key for key, value in scores.items() if isinstance(value, (int, float))]
    found = next((key for key in ([name] if name is not None else SCORES) if key in scores), None)
    if found is None:
        raise UserError(f'{config} has no score {name or " or ".join(SCORES)}: give --score one of '
                        f'{", ".join(known) or "those of another evaluator"}')
    return found


def gather(worker: Worker, runs: dict[str, list[Run]], searches: list[dict[str, Any]],
           methods: Sequence[Method], score: str | None, init: str | None = None
           ) -> dict[str, Any]:
    """Everything that a comparison tells.

    Args:
        worker (Worker): Knows what the runs found.
        runs (dict[str, list[Run]]): Those of each method by its name, a seed each.
        searches (list[dict]): How the learning rates were chosen.
        methods (Sequence[Method]): The methods; the first one is the reference.
        score (str, optional): The score that is compared.
        init (str, optional): Checkpoint that the trainings started from.

    Returns:
        dict: ``score``, ``seeds``, ``part`` (that is told: ``test``, or ``val`` where the configs
        have no other images), ``init``, ``second`` (names of methods with two networks),
        ``rows``, ``searches`` and ``differences`` of the configs.

    Raises:
        ComparisonError: If no training came to its end.
    """
    first = methods[0]
    part = 'test' if first.own_test else 'val'
    ended = [run for of_method in runs.values() for run in of_method if not worker.stopped(run)]
    if not ended:
        raise ComparisonError(
            f'no training came to its end: {worker.stopped(runs[first.name][0])}; try lower '
            '--rates')
    found = _scores(worker, ended[0], part, ended[0].method.networks[0], 'last')
    name = score_of(found, score, ended[0].method.name)
    rows = [_row(worker, runs[method.name], network, name, part)
            for method in methods for network in method.networks]
    lower = is_lower_better(name)
    for row, difference in zip(rows, differences_of(rows, f'last_{part}', lower), strict=True):
        row['difference'] = difference
    flats = [{key: text for key, text in flatten(method.cfg).items() if key != RATE}
             for method in methods]
    compared = [[path, *texts] for path, texts in differences(flats)] if len(methods) > 1 else []
    result: dict[str, Any] = jsonable(dict(
        score=name, lower_is_better=lower, part=part, reference=rows[0]['title'], init=init,
        second=[method.name for method in methods if has_second(method.cfg)],
        seeds=[run.seed for run in runs[first.name]], rows=rows, searches=searches,
        configs=[method.name for method in methods], differences=compared))
    return result


def _scores(worker: Worker, run: Run, part: str, network: str, which: str) -> dict[str, Any]:
    found = worker.scores(run, part, network, which)
    return {} if found is None else found['scores']


def _row(worker: Worker, runs: Sequence[Run], network: str, name: str, part: str
         ) -> dict[str, Any]:
    """One network of one method, over all seeds."""
    method, predicts = runs[0].method, network == runs[0].method.networks[0]
    trained = [one for one in map(worker.trained, runs) if one is not None and not one.stopped]
    reasons = {run.seed: worker.stopped(run) for run in runs}
    row: dict[str, Any] = dict(
        title=f'{method.name}, its {network}' if network else method.name, config=method.name,
        network=network, averaged=is_averaged(method.cfg, network),
        average=method.average.name if method.average else None,
        judged=method.given and predicts, rate=runs[0].rate, steps=steps_of(method.cfg),
        failed={str(seed): why for seed, why in reasons.items() if why}, difference=None)
    classes = []
    for key, which, where in MEASURED:
        if where == 'test' and part == 'val':
            continue
        found = [_scores(worker, run, where, network, which) for run in runs]
        if which == 'last':
            for run, one in zip(runs, found):
                if not reasons[run.seed]:
                    score_of(one, name, run.title)
        row[key] = summarise([one.get(name) for one in found], name)
        if (which, where) == ('last', part):
            row['calibration'] = summarise([one.get(CALIBRATION) for one in found])
            row['scores'] = {one: summarise([scores.get(one) for scores in found], one)
                             for one in max(found, key=len) if _is_score(found, one)}
            classes = [(worker.scores(run, where, network, which) or {}).get('classes', {})
                       for run in runs]
    row['classes'] = {kind: {measure: summarise([one.get(kind, {}).get(measure)
                                                 for one in classes]) for measure in measures}
                      for kind, measures in max(classes, key=len, default={}).items()}
    row['ending'] = _ending(trained, name if predicts else None)
    row['cost'] = _cost(trained)
    return row


def _is_score(found: Sequence[dict[str, Any]], name: str) -> bool:
    return all(isinstance(one.get(name), (int, float)) or one.get(name) is None
               for one in found) and not name.endswith('time')


def _ending(trained: Sequence[Trained], name: str | None) -> dict[str, Any]:
    """Whether the trainings were still improving: by the loss, and by the validated score."""
    looks = [one.scores[name] for one in trained
             if name is not None and len(one.scores.get(name, ())) > 1]
    return dict(loss=summarise([one.loss for one in trained])['mean'],
                score=summarise([last - before for before, last in looks])['mean'])


def _cost(trained: Sequence[Trained]) -> dict[str, Any]:
    """Time of an iteration (the median of the runs), memory (the most), parameters."""
    seconds = [one.seconds for one in trained if one.seconds is not None]
    memory = [one.memory for one in trained if one.memory is not None]
    return dict(seconds=median(seconds) if seconds else None, memory=max(memory, default=None),
                gpu=any(one.on_gpu for one in trained),
                parameters=trained[0].parameters if trained else None)
