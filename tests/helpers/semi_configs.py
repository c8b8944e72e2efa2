"""Configs with unlabelled images, read for one of their partitions."""
import copy
import functools
from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.registry import HOOKS, MODELS, DefaultScope

from plugin.datasets.splits import split
from tests.helpers.paths import CONFIGS

# the numbers of labelled images of each set that is divided as published
PARTITIONS = {
    'r101_voc': (92, 183, 366, 732, 1464),
    'r101_voc-blender': (662, 1323, 2646, 5291),
    'r101_cityscapes': (186, 372, 744, 1488),
    'r101-321_voc': (92, 183, 366, 732, 1464),
    'r101-801_cityscapes': (186, 372, 744, 1488),
}


def method_of(data) -> str:
    """The method that was published on such a division and size of crops."""
    return 'unimatch' if '-321_' in data or '-801_' in data else 'u2pl'


EACH = [(data, number) for data, numbers in PARTITIONS.items() for number in numbers]


@functools.cache
def _read(name, labeled) -> Config:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv('LABELED', raising=False)
        if labeled is not None:
            patch.setenv('LABELED', str(labeled))
        return Config.fromfile(CONFIGS / f'{name}.py')


def load(name, labeled=None) -> Config:
    """A config, of a number of labelled images where it lets one choose."""
    return copy.deepcopy(_read(name, labeled))


def halve_animals7(animals, partitions) -> None:
    """Write the halves of the validation images, as the page on data says it."""
    split(animals / 'val.json', val=0.5, test=0.5, images=animals / 'val',
          out_dir=partitions / 'animals7/halves')


def unsupervised_weights(cfg) -> list[float]:
    """The weight of the unlabelled in each step after the warm-up of a config."""
    hook = HOOKS.build(cfg.default_hooks.method)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        model = MODELS.build(cfg.model)
    runner = SimpleNamespace(model=model, max_iters=cfg.train_cfg.max_iters, val_loop=None)
    weights = []
    for iteration in range(runner.max_iters):
        runner.iter = iteration
        hook.before_train_iter(runner, iteration)
        if not model.warming_up:
            weights.append(model.weight)
    return weights
