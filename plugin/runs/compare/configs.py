"""The configs of a run: of its training, and of its tests."""
import ast
import copy
import os
import pprint
from collections.abc import Sequence

from mmengine.config import Config, ConfigDict

from plugin.utils import UserError
from plugin.utils.config import is_detection

from .twins import NETWORKS, Average, has_second


def init_of(init: str, seed: int) -> str:
    """Path of the checkpoint that a seed starts from."""
    return os.path.abspath(init.replace('{seed}', str(seed)))


def seed_of_second(seed: int) -> int:
    """Seed whose checkpoint the second network of CPS starts from, so that the two differ.

    It is the seed before, and 1 for seed 0, however many seeds there are.
    """
    return abs(seed - 1)


def run_config(cfg: Config, rate: float, seed: int, init: str | None = None,
               averages: Sequence[Average] = ()) -> Config:
    """The config of one training.

    Args:
        cfg (mmengine.Config): What is trained.
        rate (float): The learning rate.
        seed (int): The seed.
        init (str, optional): Checkpoint to start from; ``{seed}`` in it is the seed. A second
            network starts from that of :func:`seed_of_second`.
        averages (Sequence[Average]): Moving averages that are kept beside the weights.

    Returns:
        mmengine.Config: Another one.
    """
    cfg = copy.deepcopy(cfg)
    cfg.randomness = {**(cfg.get('randomness') or {}), 'seed': seed}
    cfg.optim_wrapper.optimizer.lr = rate
    if init is not None:
        cfg.load_from = init_of(init, seed)
        if has_second(cfg):
            second = cfg.model.get('second') or ConfigDict()
            second['init_cfg'] = dict(
                type='Pretrained', checkpoint=init_of(init, seed_of_second(seed)))
            cfg.model.second = second
    if averages:
        cfg.setdefault('default_hooks', ConfigDict())['averages'] = ConfigDict(
            type='AveragesHook', averages={average.name: dict(
                ema_type='TeacherAverage', **average._asdict()) for average in averages})
    return cfg


def evaluation_config(cfg: Config, part: str, network: str) -> Config:
    """The config by which ``tools/test.py`` measures a network on a part of the data.

    Args:
        cfg (mmengine.Config): That of the training.
        part (str): ``val`` or ``test``.
        network (str): What predicts: teacher, student, or an average that the training kept by its
            name; empty for the default.

    Returns:
        mmengine.Config: Another one; semantic models are measured by ``CalibrationMetric``, too.
    """
    new = copy.deepcopy(cfg)
    if part == 'val':
        new.test_dataloader, new.test_evaluator = new.val_dataloader, new.val_evaluator
        if not new.get('test_cfg'):
            new.test_cfg = dict(type='TestLoop')
    if not is_detection(new):
        metrics = new.test_evaluator
        metrics = list(metrics) if isinstance(metrics, (list, tuple)) else [metrics]
        ignored = next((one['ignore_index'] for one in metrics if 'ignore_index' in one), 255)
        new.test_evaluator = [*metrics, dict(type='CalibrationMetric', ignore_index=ignored)]
    hooks = new.setdefault('default_hooks', {})
    if network in NETWORKS:
        new.model.predict_on = network
    elif network:
        hooks['averages'] = dict(type='AveragesHook', predict_on=network)
    # the checkpoint holds the average in the place of the weights
    hooks.pop('average', None)
    hooks['summary'] = dict(type='RunSummaryHook', samples=0, worst=0, gallery=0, page=False)
    new.load_from = None
    return new


def config_text(cfg: Config) -> str:
    """A config as a file that builds upon no other.

    Args:
        cfg (mmengine.Config): The config.

    Returns:
        str: Python.

    Raises:
        UserError: If it holds what cannot be written as text.
    """
    lines = ['# Written by tools/compare.py.']
    for name, value in cfg._cfg_dict.to_dict().items():
        shown = pprint.pformat(value, width=99, sort_dicts=False)
        try:
            plain = ast.literal_eval(shown) == value
        except (SyntaxError, ValueError):
            plain = False
        if not plain:
            raise UserError(f'{name} of {cfg.filename or "the config"} holds more than plain '
                            'values, which no config of a run can repeat: write them as text')
        lines.append(f'{name} = {shown}')
    return '\n'.join(lines) + '\n'
