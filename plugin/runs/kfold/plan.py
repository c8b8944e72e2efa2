"""What k-fold training is to do: folds, their files and configs, written once and kept."""
import argparse
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from plugin.utils import UserError
from plugin.utils.console import say, warn

from .files import Fold, write_folds, written_keys

PLAN = 'kfold_plan.json'
# they change nothing of what is learned
HARMLESS = ('--debug', '--no-check', '--trust-checkpoint')
WORDS = dict(config='the config or its --cfg-options', folds='--folds', seed='--seed',
             group_by='--group-by', duplicates='--duplicates', distance='--distance',
             data='--data', arguments='the arguments of train.py', pictures='the data')


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


class Source(NamedTuple):
    """What of a config is divided.

    Attributes:
        data (FoldSet): The images.
        own (list): Folds that the data come with: the files of each.
        semi (bool): They are the labelled part of a semi-supervised training.
    """

    data: Any
    own: list
    semi: bool


def make_plan(cfg, args: argparse.Namespace, passed: Sequence[str], work_dir: Path) -> Plan:
    """Divide the data, or take the folds of an earlier start; write lists and configs.

    Args:
        cfg (mmengine.Config): The config.
        args (argparse.Namespace): Those of kfold.py.
        passed (Sequence[str]): Those of train.py.
        work_dir (Path): Where the plan is kept.

    Raises:
        UserError: If the work directory holds another plan, or the data cannot be divided.
    """
    source = read_source(cfg, args)
    settings = _settings(cfg, args, passed, source)
    path = work_dir / PLAN
    if path.is_file():
        known = json.loads(path.read_text(encoding='utf-8'))
        other = [WORDS[key] for key, value in settings.items() if known['settings'][key] != value]
        if other:
            raise UserError(f'{work_dir} holds folds of another run ({", ".join(other)} changed '
                             f'since): give another --work-dir, or remove {work_dir} to start anew')
        parts = known['parts']
    elif source.own:
        parts = _own_parts(source)
    else:
        parts = _divide(source.data, args)
    from plugin.utils import write_atomically
    folds = write_folds(cfg, args.config, source, parts, work_dir)
    # last, so that a plan that is there is whole
    text = json.dumps(dict(settings=settings, parts=parts), indent=1)
    write_atomically(path, text)
    options = [option for option in args.cfg_options
               if not option.startswith(written_keys(cfg, source.semi))]
    return Plan(folds, hashlib.sha256(text.encode()).hexdigest(), options)


def read_source(cfg, args: argparse.Namespace) -> Source:
    """Find the labelled images of a config."""
    from mmengine.registry import init_default_scope

    from plugin.datasets.splits import folds
    from plugin.utils import first_few
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    for name in ('train_dataloader', 'val_dataloader', 'val_evaluator'):
        if not cfg.get(name):
            raise UserError(f'{args.config} has no {name}: each fold trains and validates')
    train, where = cfg.train_dataloader.dataset, 'train_dataloader.dataset'
    semi = train.get('type', '').split('.')[-1] == 'SemiDataset'
    if semi:
        train, where = train.labeled, f'{where}.labeled'
    parts, nodes = [folds.read_part(train, where)], [train]
    val = folds.read_part(cfg.val_dataloader.dataset, 'val_dataloader.dataset')
    own = folds.own_folds(*(str(part.dataset.ann_file) for part in (parts[0], val)))
    if own and args.seed is None and args.group_by is None:
        if len(own) != args.folds:
            raise UserError(f'the data come with {len(own)} folds ({own[0][0]} and its '
                             f'neighbours): give --folds {len(own)}, or --seed 0 for new ones')
        return Source(folds.join_parts(parts, nodes), own, semi)
    if args.data == 'train+val' or args.data is None and not semi:
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


def _warn_of_unlabeled(node, data) -> None:
    """Say which images are held out with their labels, but seen without."""
    import copy

    from mmengine.registry import DATASETS

    from plugin.utils import first_few
    unlabeled = DATASETS.build(dict(copy.deepcopy(node), pipeline=[], serialize_data=False))
    seen = {os.path.realpath(unlabeled.get_data_info(place)['img_path'])
            for place in range(len(unlabeled))}
    both = [name for name, path in zip(data.names, data.paths) if os.path.realpath(path) in seen]
    if both:
        warn(f'{len(both)} labelled images are among the unlabelled ones as well '
                  f'({first_few(both)}): a fold sees them in training, without their labels')


def _settings(cfg, args: argparse.Namespace, passed: Sequence[str],
              source: Source) -> dict[str, Any]:
    """What must be the same when the work goes on."""
    values = {key: value for key, value in cfg._cfg_dict.to_dict().items()
              if key not in ('launcher', 'work_dir')}
    listed = [[name, os.path.getsize(path)]
              for name, path in sorted(zip(source.data.names, source.data.paths))]
    if source.own:
        listed += [Path(path).read_text(encoding='utf-8') for pair in source.own for path in pair]
    return dict(
        config=_digest(values), folds=args.folds, seed=args.seed, group_by=args.group_by,
        duplicates=args.duplicates, distance=args.distance, data=args.data,
        arguments=[word for word in passed if word not in HARMLESS],
        pictures=_digest([listed, source.data.content]))


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=repr).encode()).hexdigest()


def _divide(data, args: argparse.Namespace) -> dict[str, int]:
    """The fold of each image, by name."""
    from plugin.datasets.splits import folds
    from plugin.datasets.splits.coco_split import join_labels, names_of_groups
    from plugin.utils import first_few
    labellings: list[Sequence] = [range(len(data.names))]
    if args.group_by is not None:
        groups = names_of_groups(data.names, args.group_by)
        alone = [name for name, group in zip(data.names, groups) if group is None]
        say(f'--group-by "{args.group_by}" finds {len(set(groups) - {None})} groups')
        if alone:
            say(f'{len(alone)} image(s) do not match, each a group of its own: '
                     f'{first_few(alone)}')
        labellings.append(groups)
    if args.duplicates != 'ignore':
        labels = _duplicates(data, args)
        if args.duplicates == 'together':
            labellings.append(labels)
    parts = folds.divide(data, args.folds, join_labels(*labellings), args.seed or 0, args.jobs)
    if args.duplicates != 'ignore':
        from split_coco import report_duplicates
        report_duplicates(labels, data.names, [f'fold {part}' for part in parts], args.duplicates)
    return dict(zip(data.names, parts.tolist()))


def _duplicates(data, args: argparse.Namespace):
    """Numbers of the sets of near-duplicates."""
    from rich.console import Console
    from rich.progress import track

    from plugin.datasets.doctor.near_duplicates import DISTANCE, hash_images, label_duplicates
    console = Console(stderr=True)
    hashes = list(track(hash_images([Path(path) for path in data.paths], args.jobs), 'images',
                        total=len(data.paths), console=console, transient=True,
                        disable=not console.is_terminal))
    return label_duplicates(hashes, DISTANCE if args.distance is None else args.distance)


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
