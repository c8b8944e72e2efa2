"""What a comparison is to do: which configs, which rates, and that they may be compared."""
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config

from plugin.utils import UserError, first_few, write_atomically
from plugin.utils.config import existing_checkpoint, is_detection, load_config
from plugin.utils.config_options import missing_parent, set_options
from plugin.utils.text import shortened
from plugin.visualization.report.configs import Difference, differences, flatten

from ..kfold.state import read_state
from ..starts import HARMLESS
from .images import PARTS, check_apart, check_same, images_of
from .schedule import drop_warmup, log_often, set_steps, steps_of
from .twins import Average, average_of, has_second, networks_of, stops_early, supervised_twin

PLAN = 'plan.json'
RATE = 'optim_wrapper.optimizer.lr'
# in a plan: averages that a training keeps beside its weights
KEPT = 'the averages'


class Settings(NamedTuple):
    """How configs are compared.

    Attributes:
        seeds (int): Trainings of each config, 1 or more.
        rates (Sequence[float]): Learning rates of which one is chosen on val; empty for none.
        lr_factors (Sequence[float]): The same, as factors of the rate of each config.
        steps (int, optional): Iterations of each training. Defaults to those of the configs.
        unequal_steps (bool): Whether they may differ.
        init (str, optional): Checkpoint to start from; ``{seed}`` in it is the seed. The second
            network of CPS starts from that of another seed.
        twin (bool): Average the supervised training as the methods are averaged, too.
        arguments (Sequence[str]): Other arguments of ``tools/train.py``.
        options (Sequence[str]): Values to set in each config.
    """

    seeds: int = 5
    rates: Sequence[float] = ()
    lr_factors: Sequence[float] = ()
    steps: int | None = None
    unequal_steps: bool = False
    init: str | None = None
    twin: bool = True
    arguments: Sequence[str] = ()
    options: Sequence[str] = ()


class Method(NamedTuple):
    """One config of a comparison.

    Attributes:
        name (str): What it is called, and the folder of its runs.
        cfg (Config): The config, with the steps of the comparison.
        rates (tuple[float, ...]): Learning rates to choose from; one, if nothing is chosen.
        networks (tuple[str, ...]): Networks that are told apart; see
            :func:`~.twins.networks_of`.
        images (Mapping[str, tuple[str, ...]]): Its images by their part; see
            :func:`~.images.images_of`.
        average (Average, optional): How it averages the network that its supervised twin has, too.
        averages (tuple[Average, ...]): Those that its training keeps beside the weights, as the
            supervised twin of other methods.
        given (bool): Whether the user gave it, and it was not added as a twin.
    """

    name: str
    cfg: Config
    rates: tuple[float, ...]
    networks: tuple[str, ...]
    images: Mapping[str, tuple[str, ...]]
    average: Average | None = None
    averages: tuple[Average, ...] = ()
    given: bool = True

    @property
    def own_test(self) -> bool:
        """Whether it is tested on other images than it is validated on."""
        return set(self.images['test']) not in (set(), set(self.images['val']))


def read_methods(configs: Sequence[str | Path], settings: Settings) -> list[Method]:
    """Read configs, and check that they may be compared.

    Args:
        configs (Sequence[str | Path]): Files, or names of configs that come with Pasture.
        settings (Settings): How to compare.

    Returns:
        list[Method]: One for each, and supervised twins that are not among them.

    Raises:
        FileNotFoundError: If a config or the data do not exist.
        UserError: If they differ in what a comparison must share; names the difference.
    """
    methods: list[Method] = []
    for config in configs:
        cfg = load_config(config)
        _set_options(cfg, settings.options, config)
        if settings.init is not None:
            # the checkpoint was trained on the labels already
            drop_warmup(cfg)
        if settings.steps is not None:
            set_steps(cfg, settings.steps)
        name = Path(cfg.filename or config).stem
        if any(name == method.name for method in methods):
            raise UserError(f'two configs are called {name}: copy one of them under another name')
        methods.append(_method(name, cfg, settings))
    _check(methods, settings)
    if settings.twin:
        methods = _with_twins(methods, settings)
    for method in methods:
        log_often(method.cfg)
    return methods


def _set_options(cfg: Config, options: Sequence[str], name: str | Path) -> None:
    """Set values that all compared configs must have a place for."""
    for option in options:
        missing = missing_parent(cfg, option)
        if missing is not None:
            raise UserError(
                f'--cfg-options {option}: {name} has no {missing}, and what is set for all configs '
                'must fit each of them; leave it out, and compare configs of a few lines that '
                'build upon these and set it where it belongs (benchmarks/few_labels has some)')
    set_options(cfg, options, name)


def _method(name: str, cfg: Config, settings: Settings,
            images: Mapping[str, tuple[str, ...]] | None = None) -> Method:
    for part in ('train_dataloader', 'val_dataloader', 'val_evaluator'):
        if not cfg.get(part):
            raise UserError(f'{name} has no {part}: what is compared trains and validates')
    own = (cfg.get('optim_wrapper') or {}).get('optimizer', {}).get('lr')
    if not isinstance(own, (int, float)):
        raise UserError(f'{name} has no {RATE}: a comparison names the learning rate of each run, '
                        'so that one optimizer must have it')
    rates = settings.rates or [own * factor for factor in settings.lr_factors] or [own]
    return Method(name, cfg, tuple(float(f'{rate:.6g}') for rate in rates), networks_of(cfg),
                  {part: images_of(cfg, part) for part in PARTS} if images is None else images)


def _check(methods: Sequence[Method], settings: Settings) -> None:
    """Stop where what a comparison must share differs."""
    first = methods[0]
    for method in methods:
        check_apart(method.images, method.name)
        early = stops_early(method.cfg)
        if early is not None:
            raise UserError(f'{method.name} has {early}, which ends its trainings at other steps '
                            'than those of the others: leave that hook out')
        own, steps = steps_of(first.cfg), steps_of(method.cfg)
        if own != steps and not settings.unequal_steps:
            raise UserError(
                f'{first.name} trains {own} steps and {method.name} {steps}: give --steps N, which '
                'scales the schedules, or --cfg-options train_cfg.max_iters=N and the ends of the '
                'schedules, or --unequal-steps if that is what is compared')
        if is_detection(first.cfg) != is_detection(method.cfg):
            raise UserError(f'{first.name} and {method.name} are not of one kind: compare semantic '
                            'models or instance models')
        if first.own_test != method.own_test:
            with_test, without = (first, method) if first.own_test else (method, first)
            raise UserError(f'{with_test.name} has a test part of its own and {without.name} has '
                            'none: give both the same test_dataloader')
    for part, name in (('labelled', 'labelled training'), ('val', 'val'), ('test', 'test')):
        check_same({method.name: method.images[part] for method in methods}, name,
                   'compare configs of the same data')


def _with_twins(methods: Sequence[Method], settings: Settings) -> list[Method]:
    """Let the supervised twin of each averaged method keep its average.

    One training serves all: that of a config which is compared, or else one that is added.
    """
    found = list(methods)
    for place, method in enumerate(methods):
        average = average_of(method.cfg, len(method.images['labelled']))
        if average is None:
            continue
        found[place] = found[place]._replace(average=average)
        plain = supervised_twin(method.cfg)
        wanted = flatten(plain)
        known = next((index for index, other in enumerate(found)
                      if flatten(other.cfg) == wanted), None)
        if known is None:
            known, names = len(found), {other.name for other in found}
            name = f'{method.name}_supervised'
            name += '_twin' if name in names else ''
            found.append(_method(name, plain, settings, method.images)._replace(given=False))
        twin = found[known]
        if average not in twin.averages:
            found[known] = twin._replace(networks=(*twin.networks, average.name),
                                         averages=(*twin.averages, average))
    return found


def check_inits(init: str | None, seeds: int, methods: Sequence[Method]) -> None:
    """Stop where a checkpoint to start from is missing.

    Raises:
        FileNotFoundError: If there is none for one of the seeds.
        UserError: If the two networks of a method would start from the same one.
    """
    if init is None:
        return
    second = next((method.name for method in methods if has_second(method.cfg)), None)
    if second is not None and '{seed}' not in init:
        raise UserError(
            f'--init {init} is one checkpoint, and the two networks of {second} learn nothing from '
            'each other if they start alike: put {seed} in its name, with a checkpoint for each '
            'seed, as the second network takes that of another seed')
    for seed in range(max(seeds, 2 if second else 1)):
        existing_checkpoint(init.replace('{seed}', str(seed)))


def keep_plan(method: Method, settings: Settings, work_dir: Path) -> tuple[Method, str]:
    """Write what a method trains, or compare it with what an earlier start wrote.

    Args:
        method (Method): The method.
        settings (Settings): How it is compared.
        work_dir (Path): Folder of the comparison.

    Returns:
        tuple[Method, str]: The method, with the averages of an earlier start, and the fingerprint
        of its training: another one, another training.

    Raises:
        UserError: If the config changed since.
    """
    path = work_dir / method.name / PLAN
    plan = _plan(method, settings)
    fingerprint = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()
    if not path.is_file():
        whole = {**plan, KEPT: json.dumps(method.averages)}
        write_atomically(path, json.dumps(whole, indent=1, ensure_ascii=False))
        return method, fingerprint
    known: dict[str, str] = read_state(
        path, f'remove {path.parent}, and the same command trains {method.name} anew',
        lambda known: all(isinstance(text, str) for text in known.values()),
        lambda known: isinstance(_kept(known), tuple))
    kept = _kept(known)
    known.pop(KEPT, None)
    changed = differences([known, plan])
    if not set(method.averages) <= set(kept):
        changed.append(Difference(KEPT, [', '.join(one.name for one in averages) or 'none'
                                         for averages in (kept, method.averages)]))
    if changed:
        told = [f'{key} was {_short(old)} and is {_short(new)}' for key, (old, new) in changed]
        raise UserError(
            f'{method.name} changed since {path.parent} was begun: {first_few(told, 3)}; '
            'restore it, give another --work-dir, or remove that folder to train it anew')
    return method._replace(averages=kept), fingerprint


def _kept(plan: Mapping[str, str]) -> tuple[Average, ...]:
    return tuple(Average(*one) for one in json.loads(plan.get(KEPT, '[]')))


def _plan(method: Method, settings: Settings) -> dict[str, str]:
    """What must be the same when the work goes on, as text by its path."""
    flat = {key: text for key, text in flatten(method.cfg).items() if key != 'randomness.seed'}
    words = [word for word in settings.arguments if word not in HARMLESS]
    labelled = method.images['labelled']
    digest = hashlib.sha256('\n'.join(labelled).encode()).hexdigest()[:16]
    if settings.init is not None and has_second(method.cfg):
        flat['the second network'] = 'from --init of another seed'
    return {**flat, '--init': repr(settings.init),
            'the arguments of train.py': ' '.join(words) or 'none',
            'the labelled images': f'{len(labelled)} images, digest {digest}'}


def _short(text: str | None) -> str:
    return 'not there' if text is None else shortened(text.replace('\n', ' '), 120)


def check_settings(settings: Settings, configs: Sequence[Any], jobs: int) -> None:
    """Stop at settings with which nothing can be compared."""
    if not configs:
        raise UserError('there is no config to compare: give one or more')
    for name, value in (('seeds', settings.seeds), ('steps', settings.steps), ('jobs', jobs)):
        if value is not None and value < 1:
            raise UserError(f'{name}={value}: give 1 or more')
    if settings.rates and settings.lr_factors:
        raise UserError('rates and lr_factors both say which learning rates are tried: give one')
    for name in ('rates', 'lr_factors'):
        values = getattr(settings, name)
        wrong = [value for value in values if not 0 < value < math.inf]
        if wrong or len(set(values)) < len(values):
            raise UserError(f'{name}={", ".join(f"{value:g}" for value in values)}: give different '
                            'numbers above 0')
