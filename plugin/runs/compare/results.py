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
from .runs import Run, Trained, Worker
from .schedule import steps_of
from .statistics import ALPHA, interval, judge, paired

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
           methods: Sequence[Method], score: str | None) -> dict[str, Any]:
    """Everything that a comparison tells.

    Args:
        worker (Worker): Knows what the runs found.
        runs (dict[str, list[Run]]): Those of each method by its name, a seed each.
        searches (list[dict]): How the learning rates were chosen.
        methods (Sequence[Method]): The methods; the first one is the reference.
        score (str, optional): The score that is compared.

    Returns:
        dict: ``score``, ``seeds``, ``part`` (that is told: ``test``, or ``val`` where the configs
        have no other images), ``rows``, ``searches`` and ``differences`` of the configs.
    """
    first = methods[0]
    part = 'test' if first.own_test else 'val'
    found = _scores(worker, runs[first.name][0], part, first.networks[0], 'last')
    name = score_of(found, score, first.name)
    rows = [_row(worker, runs[method.name], network, name, part)
            for method in methods for network in method.networks]
    lower = is_lower_better(name)
    pairs = [paired(row[f'last_{part}']['values'], rows[0][f'last_{part}']['values'])
             for row in rows[1:]]
    for row, pair, verdict in zip(rows[1:], pairs, judge(pairs, lower), strict=True):
        low, high = interval(pair, 1 - ALPHA)
        row['difference'] = dict(
            **pair._asdict(), verdict=verdict.word, low=verdict.low, high=verdict.high,
            level=verdict.level, plain_low=low, plain_high=high)
    flats = [{key: text for key, text in flatten(method.cfg).items() if key != RATE}
             for method in methods]
    compared = [[path, *texts] for path, texts in differences(flats)] if len(methods) > 1 else []
    result: dict[str, Any] = jsonable(dict(
        score=name, lower_is_better=lower, part=part, reference=rows[0]['title'],
        seeds=[run.seed for run in runs[first.name]], rows=rows, searches=searches,
        configs=[method.name for method in methods], differences=compared))
    return result


def _scores(worker: Worker, run: Run, part: str, network: str, which: str) -> dict[str, Any]:
    found = worker.scores(run, part, network, which)
    return {} if found is None else found['scores']


def _row(worker: Worker, runs: Sequence[Run], network: str, name: str, part: str
         ) -> dict[str, Any]:
    """One network of one method, over all seeds."""
    method, trained = runs[0].method, [worker.trained(run) for run in runs]
    known = [one for one in trained if one is not None]
    title = f'{method.name}, its {network}' if network else method.name
    row: dict[str, Any] = dict(title=title, config=method.name, network=network,
                               rate=runs[0].rate, steps=steps_of(method.cfg), difference=None)
    classes = []
    for key, which, where in MEASURED:
        if where == 'test' and part == 'val':
            continue
        found = [_scores(worker, run, where, network, which) for run in runs]
        if which == 'last':
            for place, one in enumerate(found):
                score_of(one, name, runs[place].title)
        row[key] = summarise([one.get(name) for one in found], name)
        if (which, where) == ('last', part):
            row['calibration'] = summarise([one.get(CALIBRATION) for one in found])
            row['scores'] = {one: summarise([scores.get(one) for scores in found], one)
                             for one in found[0] if _is_score(found, one)}
            classes = [(worker.scores(run, where, network, which) or {}).get('classes', {})
                       for run in runs]
    row['classes'] = {kind: {measure: summarise([one.get(kind, {}).get(measure)
                                                 for one in classes]) for measure in measures}
                      for kind, measures in (classes[0] if classes else {}).items()}
    row['ending'] = _ending(known, name)
    row['cost'] = _cost(known)
    return row


def _is_score(found: Sequence[dict[str, Any]], name: str) -> bool:
    return all(isinstance(one.get(name), (int, float)) or one.get(name) is None
               for one in found) and not name.endswith('time')


def _ending(trained: Sequence[Trained], name: str) -> dict[str, Any]:
    """Whether the trainings were still improving: by the loss, and by the validated score."""
    looks = [one.scores[name] for one in trained if len(one.scores.get(name, ())) > 1]
    return dict(loss=summarise([one.loss for one in trained])['mean'],
                score=summarise([last - before for before, last in looks])['mean'])


def _cost(trained: Sequence[Trained]) -> dict[str, Any]:
    """Time of an iteration (the median of the runs), memory (the most), parameters."""
    seconds = [one.seconds for one in trained if one.seconds is not None]
    memory = [one.memory for one in trained if one.memory is not None]
    return dict(seconds=median(seconds) if seconds else None, memory=max(memory, default=None),
                gpu=any(one.on_gpu for one in trained),
                parameters=trained[0].parameters if trained else None)
