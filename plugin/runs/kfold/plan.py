"""What k-fold training is to do: folds, their files and configs, written once and kept."""
import copy
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from plugin.datasets.splits import folds
from plugin.datasets.splits.coco_split import join_labels, names_of_groups
from plugin.datasets.splits.duplicates import report_duplicates
from plugin.utils import UserError, first_few, write_atomically
from plugin.utils.console import progress, say, warn

from ..starts import HARMLESS
from .files import Fold, Parts, Source, write_folds, written_keys
from .state import read_state

PLAN = 'kfold_plan.json'
WORDS = dict(config='the config or its --cfg-options', folds='--folds', seed='--seed',
             group_by='--group-by', duplicates='--duplicates', distance='--distance',
             data='--data', arguments='the arguments of train.py', pictures='the data')


class Division(NamedTuple):
    """How the data are divided.

    Attributes:
        folds (int): K, 2 or more.
        seed (int, optional): Another one, other folds; None is 0, and lets the folds that the
            data come with be used.
        group_by (str, optional): Regular expression that finds the group in a file name.
        duplicates (str): Near-duplicates stay ``together``, are only reported (``report``), or
            are not looked for (``ignore``).
        distance (int, optional): Bits of 64 by which near-duplicates differ at most.
        data (str, optional): ``train`` or ``train+val``.
        jobs (int): Threads that read the data.
    """

    folds: int = 5
    seed: int | None = None
    group_by: str | None = None
    duplicates: str = 'together'
    distance: int | None = None
    data: str | None = None
    jobs: int = 1


class Plan(NamedTuple):
    """All folds.

    Attributes:
        folds (list[Fold]): The folds.
        fingerprint (str): Another one, another plan.
        options (list[str]): The ``--cfg-options`` that train.py is to have.
    """

    folds: list[Fold]
    fingerprint: str
    options: list[str]


def make_plan(cfg: Config, division: Division, work_dir: Path, *, base: str | None = None,
              arguments: Sequence[str] = (), options: Sequence[str] = ()) -> Plan:
    """Divide the data, or take the folds of an earlier start; write lists and configs.

    Args:
        cfg (mmengine.Config): The config.
        division (Division): How to divide.
        work_dir (Path): Where the plan is kept.
        base (str, optional): The file of the config. Without one, the config is written too.
        arguments (Sequence[str]): Arguments of ``tools/train.py``.
        options (Sequence[str]): The ``--cfg-options`` that ``cfg`` was read with.

    Raises:
        UserError: If the work directory holds another plan, or the data cannot be divided.
    """
    source = read_source(cfg, division)
    settings = _settings(cfg, division, arguments, source)
    path = work_dir / PLAN
    if path.is_file():
        known = read_state(
            path, 'remove it; the same command writes the same plan anew, and goes on with it',
            lambda known: set(settings) <= set(known['settings']),
            lambda known: _are_parts(known['parts']))
        other = [WORDS[key] for key, value in settings.items() if known['settings'][key] != value]
        if other:
            raise UserError(f'{work_dir} holds folds of another run ({", ".join(other)} changed '
                            f'since): give another --work-dir, or remove {work_dir} to start anew')
        parts: Parts = known['parts']
    elif source.own:
        parts = _own_parts(source)
    else:
        parts = _divide(source.data, division)
    written = write_folds(cfg, base, source, parts, work_dir)
    # last, so that a plan that is there is whole
    text = json.dumps(dict(settings=settings, parts=parts), indent=1)
    write_atomically(path, text)
    left = [option for option in options
            if not option.startswith(written_keys(cfg, source.semi))]
    return Plan(written, hashlib.sha256(text.encode()).hexdigest(), left)


def _are_parts(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(fold, int) for fold in value.values()) and bool(value)
    return all(isinstance(file, str) for train, val in value for file in (train, val))


def read_source(cfg: Config, division: Division) -> Source:
    """Find the labelled images of a config.

    Args:
        cfg (mmengine.Config): The config.
        division (Division): Which part of the data, and whether new folds are asked for.

    Raises:
        FileNotFoundError: If images are missing.
        UserError: If the config does not train and validate, or the data cannot be divided.
    """
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    for name in ('train_dataloader', 'val_dataloader', 'val_evaluator'):
        if not cfg.get(name):
            raise UserError(f'{cfg.filename or "the config"} has no {name}: each fold trains '
                            'and validates')
    train, where = cfg.train_dataloader.dataset, 'train_dataloader.dataset'
    semi = train.get('type', '').split('.')[-1] == 'SemiDataset'
    if semi:
        train, where = train.labeled, f'{where}.labeled'
    parts, nodes = [folds.read_part(train, where)], [train]
    val = folds.read_part(cfg.val_dataloader.dataset, 'val_dataloader.dataset')
    own = folds.own_folds(*(str(part.dataset.ann_file) for part in (parts[0], val)))
    if own and division.seed is None and division.group_by is None:
        if len(own) != division.folds:
            raise UserError(f'the data come with {len(own)} folds ({own[0][0]} and its '
                            f'neighbours): give --folds {len(own)}, or --seed 0 for new ones')
        return Source(folds.join_parts(parts, nodes), own, semi)
    if division.data == 'train+val' or division.data is None and not semi:
        parts.append(val)
        nodes.append(cfg.val_dataloader.dataset)
    data = folds.join_parts(parts, nodes)
    missing = [path for path in data.paths if not os.path.isfile(path)]
    if missing:
        raise FileNotFoundError(f'{len(missing)} images do not exist ({first_few(missing)}): '
                                'complete them, or correct data_root and data_prefix')
    if semi:
        _warn_of_unlabeled(cfg.train_dataloader.dataset.unlabeled, data)
    return Source(data, [], semi)


def _warn_of_unlabeled(node: Any, data: folds.FoldSet) -> None:
    """Say which images are held out with their labels, but seen without."""
    unlabeled = DATASETS.build(dict(copy.deepcopy(node), pipeline=[], serialize_data=False))
    seen = {os.path.realpath(unlabeled.get_data_info(place)['img_path'])
            for place in range(len(unlabeled))}
    both = [name for name, path in zip(data.names, data.paths) if os.path.realpath(path) in seen]
    if both:
        warn(f'{len(both)} labelled images are among the unlabelled ones as well '
             f'({first_few(both)}): a fold sees them in training, without their labels')


def _settings(cfg: Config, division: Division, arguments: Sequence[str],
              source: Source) -> dict[str, Any]:
    """What must be the same when the work goes on."""
    values = {key: value for key, value in cfg._cfg_dict.to_dict().items()
              if key not in ('launcher', 'work_dir')}
    listed: list[Any] = [[name, os.path.getsize(path)]
              for name, path in sorted(zip(source.data.names, source.data.paths))]
    if source.own:
        listed += [Path(path).read_text(encoding='utf-8') for pair in source.own for path in pair]
    return dict(
        config=_digest(values), folds=division.folds, seed=division.seed,
        group_by=division.group_by, duplicates=division.duplicates, distance=division.distance,
        data=division.data, arguments=[word for word in arguments if word not in HARMLESS],
        pictures=_digest([listed, source.data.content]))


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=repr).encode()).hexdigest()


def _divide(data: folds.FoldSet, division: Division) -> dict[str, int]:
    """The fold of each image, by name."""
    labellings: list[Sequence] = [range(len(data.names))]
    if division.group_by is not None:
        groups = names_of_groups(data.names, division.group_by)
        alone = [name for name, group in zip(data.names, groups) if group is None]
        say(f'--group-by "{division.group_by}" finds {len(set(groups) - {None})} groups')
        if alone:
            say(f'{len(alone)} image(s) do not match, each a group of its own: '
                f'{first_few(alone)}')
        labellings.append(groups)
    if division.duplicates != 'ignore':
        labels = _duplicates(data, division)
        if division.duplicates == 'together':
            labellings.append(labels)
    parts = folds.divide(data, division.folds, join_labels(*labellings).tolist(),
                         division.seed or 0, division.jobs)
    if division.duplicates != 'ignore':
        report_duplicates(labels, data.names, [f'fold {part}' for part in parts],
                          division.duplicates)
    return dict(zip(data.names, parts.tolist()))


def _duplicates(data: folds.FoldSet, division: Division) -> list[int]:
    """For each of N images the number of its set of near-duplicates."""
    # needs imagehash, which `import plugin` does without
    from plugin.datasets.doctor.near_duplicates import DISTANCE, hash_images, label_duplicates
    found = hash_images([Path(path) for path in data.paths], division.jobs)
    hashes = list(progress(found, 'images', total=len(data.paths), transient=True))
    distance = DISTANCE if division.distance is None else division.distance
    return label_duplicates(hashes, distance).tolist()


def _own_parts(source: Source) -> list[list[str]]:
    """The files of each fold; stops where an image is validated in two of them."""
    seen: dict[str, int] = {}
    for number, (_, val) in enumerate(source.own):
        text = Path(val).read_text(encoding='utf-8-sig')
        names = ([image['file_name'] for image in json.loads(text)['images']]
                 if val.endswith('.json') else text.split('\n'))
        for name in filter(str.strip, names):
            if name in seen:
                raise UserError(f'{name.strip()} is validated in fold {seen[name]} and in fold '
                                f'{number} ({val}): correct the lists, or give --seed 0 for new '
                                'folds')
            seen[name] = number
    say(f'the data come with {len(source.own)} folds, which are used: {source.own[0][1]} ... '
        '(--seed or --group-by makes new ones)')
    return [list(map(os.path.abspath, pair)) for pair in source.own]
