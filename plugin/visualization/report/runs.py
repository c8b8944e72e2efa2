"""Reads what a report shows of a run from its work directory."""
import contextlib
import re
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from mmengine.config import Config

from plugin.utils.config import config_folder
from plugin.utils.numbers import is_number
from plugin.utils.text import printable, shortened

from ..curves import NO_SCORES, Curves, panel_of, parse_scalars, stitch, trains
from .checks import ODD, changes, limited
from .configs import changes_against_bases, flatten, read_config
from .evaluations import Evaluation, read_evaluation, read_json
from .facts import facts_of
from .logs import LogNotes, read_log

SETTINGS, LONG = 5000, 10_000  # values of a config, and letters of one
# scalars of teachers and students: name -> panel
TEACHING = {'reliable_share': 'teaching', 'pseudo_accuracy': 'teaching',
            'reliable_accuracy': 'teaching', 'gamma': 'threshold', 'lambda_u': 'threshold',
            'bank_min': 'bank', 'bank_mean': 'bank', 'contrast_classes': 'threshold'}
# the same of each class
OF_CLASSES = {'bank': 'bank', 'class_share': 'share', 'reliable_class_share': 'kept_share',
              'class_threshold': 'class_threshold'}


class Run(NamedTuple):
    """A run as a report shows it; what is not known is empty.

    Attributes:
        name (str): Of the work directory.
        folder (Path): The work directory.
        curves (dict): Panels of curves, as :func:`~plugin.visualization.stitch` returns them;
            beside its own ones ``teaching``, ``threshold``, ``bank``, ``share``, ``kept_share``
            and ``class_threshold``.
        facts (list[tuple[str, str]]): What was trained on what, and how long it took.
        environment (dict): Names and values.
        settings (dict): The config, as :func:`~.configs.flatten` returns it.
        changes (dict | None): As :func:`~.configs.changes_against_bases` returns them.
        evaluations (list[Evaluation]): The last validation, and the newest test.
        pseudo_labels (Path | None): The newest image of pseudo-labels.
        notes (list[str]): What is missing or was skipped, a sentence each.
    """

    name: str
    folder: Path
    curves: Curves
    facts: list[tuple[str, str]]
    environment: dict[str, str]
    settings: dict[str, str]
    changes: dict[str, Any] | None
    evaluations: list[Evaluation]
    pseudo_labels: Path | None
    notes: list[str]


def read_run(folder: Path, name: str | None = None) -> Run:
    """Read a work directory.

    Args:
        folder (Path): Where a training or a test left its files.
        name (str, optional): What the report calls it. Defaults to the name of the folder.

    Returns:
        Run: All that is known.

    Raises:
        FileNotFoundError: If it is no work directory.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder} is no folder: give a work directory, such as '
                                'work_dirs/<name of the config>')
    notes: list[str] = []
    logs = sorted(folder.glob('*/vis_data'))
    if not logs and not (folder / 'scores.json').is_file():
        raise FileNotFoundError(f'{folder} is no work directory: it holds neither scores.json nor '
                                'a log; give the --work-dir of a tools/train.py or tools/test.py')
    lineage = _lineage(logs, notes)
    own = [log for log, _ in lineage] or [log.parent for log in logs[-1:]]
    curves = stitch([records for _, records in lineage], _panel, gaps=True)
    config = _config(own[-1] if own else folder, folder, notes)
    spoken = [read_log(log) for log in own]
    evaluations = _evaluations(folder, [log.parent for log in logs], notes)
    if not curves.get('loss'):
        notes.append('no loss was logged, so that there are no curves: the log of the training is '
                     'not in this folder')
    last = spoken[-1] if spoken else LogNotes(None, None, {})
    images = sorted((folder / 'pseudo_labels').glob('iter_*.png'), key=_number)
    return Run(
        printable(name or folder.resolve().name), folder, curves,
        facts_of(config, curves, _seconds(spoken), _timing(lineage), last.device,
                 last.environment.get('Processes', ''), folder),
        last.environment, _settings(config, notes), _changes(own, folder, config, notes),
        evaluations, images[-1] if images else None, notes)


def _lineage(logs: list[Path], notes: list[str]) -> list[tuple[Path, list[dict]]]:
    """The last training and those that it goes on from, with their records."""
    lineage: list[tuple[Path, list[dict]]] = []
    for log in logs:
        file = log / 'scalars.json'
        if not file.is_file():
            continue
        records, torn = parse_scalars(file)
        if torn:
            lines = '1 line' if torn == 1 else f'{torn} lines'
            notes.append(f'{lines} of {log.parent.name}/vis_data/scalars.json cannot be read, as '
                         'after a kill or on a full disk, and were skipped')
        steps = [record['step'] for record in records if trains(record)]
        if not steps:
            continue
        begun = [record['step'] for _, earlier in lineage for record in earlier if trains(record)]
        # a training that starts from the beginning does not continue the earlier ones
        if begun and steps[0] <= begun[0]:
            lineage = []
        lineage.append((log.parent, records))
    return lineage


def _panel(name: str, training: bool) -> str | None:
    """The panels of ``curves.png``, and those of teachers."""
    if training and name in TEACHING:
        return TEACHING[name]
    if training and name.partition('/')[0] in OF_CLASSES and '/' in name:
        return OF_CLASSES[name.partition('/')[0]]
    return None if name in NO_SCORES else panel_of(name, training)


def _config(log: Path, folder: Path, notes: list[str]) -> dict[str, Any]:
    """The config of a run, from beside its scalars or from the work directory."""
    for path in (log / 'vis_data' / 'config.py', *sorted(folder.glob('*.py'))):
        if not path.is_file():
            continue
        try:
            return read_config(path)
        except (OSError, ValueError) as error:
            notes.append(shortened(str(error), 400))
    notes.append('the config of the run is not in this folder')
    return {}


def _settings(config: dict[str, Any], notes: list[str]) -> dict[str, str]:
    """The values of a config, as many and as much of each as a page can show."""
    flat = flatten(config)
    shown = limited(list(flat.items()), SETTINGS, 'settings', notes)
    return {shortened(path, 200): shortened(text, LONG) for path, text in shown}


def _changes(own: list[Path], folder: Path, config: dict[str, Any],
             notes: list[str]) -> dict[str, Any] | None:
    """What the config changes: as the run noted it, or against the bases as they are today."""
    noted: list[str] = []
    for log in reversed(own):
        if content := read_json(log / 'vis_data' / 'config_changes.json', noted):
            with contextlib.suppress(*ODD):
                return changes(content, notes)
    for dumped in sorted(folder.glob('*.py')):
        # a config is a program: none is run but those that come with Pasture
        if (source := config_folder() / dumped.name).is_file():
            found = changes_against_bases(Config(config), source)
            return found and dict(found, today=True)
    return None


def _evaluations(folder: Path, logs: list[Path], notes: list[str]) -> list[Evaluation]:
    found = [read_evaluation(folder, 'validation', notes)]
    tests = [log for log in logs if (log / 'scores.json').is_file()]
    found += [read_evaluation(log, 'test', notes) for log in tests[-1:]]
    known = [evaluation for evaluation in found if evaluation is not None]
    if not known:
        notes.append('no scores were written: no validation has ended, or the config has no '
                     "default_hooks.summary=dict(type='RunSummaryHook')")
    elif not any(evaluation.gallery for evaluation in known):
        notes.append('there are no images of predictions: tools/test.py CONFIG CHECKPOINT '
                     f'--work-dir {folder} writes some')
    return known


def _seconds(logs: list[LogNotes]) -> float | None:
    spans = [(log.end - log.begin).total_seconds() for log in logs if log.begin and log.end]
    return sum(spans) if spans else None


def _timing(lineage: list[tuple[Path, list[dict]]]) -> dict[str, float]:
    """Seconds an iteration (median) and the most memory of the GPU, in MB."""
    records = [record for _, records in lineage for record in records if trains(record)]
    times = [record['time'] for record in records if is_number(record.get('time'), 0)]
    memory = [record['memory'] for record in records
              if is_number(record.get('memory'), 0) and record['memory'] > 0]
    return {**(dict(time=median(times)) if times else {}),
            **(dict(memory=max(memory)) if memory else {})}


def _number(path: Path) -> int:
    digits = re.search(r'\d+', path.stem)
    return int(digits[0]) if digits else -1
