"""Pretrained weights that are not there."""
import logging
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import BaseModule, is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import HOOKS

HE_INITIALISATION = [
    dict(type='Kaiming', layer='Conv2d'),
    dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm']),
]


@HOOKS.register_module()
class MissingWeightsHook(Hook):
    """Says where missing weights come from, before the first iteration.

    A config names files of weights in ``init_cfg=dict(type='Pretrained', checkpoint=...)``. Those
    that it lists in ``weights_from = {checkpoint: 'where it comes from'}`` it can do without:
    training starts from random values there, after a warning that tells where to get them. Any
    other missing file is an error. Addresses (``https://``, ``torchvision://``) are left to
    MMEngine.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner) -> None:
        """Check the files that a training is about to load."""
        if not isinstance(runner.optim_wrapper, (OptimWrapper, OptimWrapperDict)):
            return  # a test loads its own checkpoint and nothing else
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        for name, module in model.named_modules():
            if isinstance(module, BaseModule):
                self._check(name, module, runner.cfg.get('weights_from', {}))

    def _check(self, name: str, module: BaseModule, sources: dict[str, str]) -> None:
        cfgs = module.init_cfg if isinstance(module.init_cfg, (list, tuple)) else [module.init_cfg]
        missing: list[str] = [
            cfg['checkpoint'] for cfg in cfgs
            if cfg and cfg['type'] == 'Pretrained' and _is_missing(cfg['checkpoint'])
        ]
        for path in missing:
            if path not in sources:
                raise FileNotFoundError(
                    f'{path} does not exist (init_cfg of {name or "the model"}): give the path of '
                    'the weights, or init_cfg=None to train without them')
            print_log(f'{path} does not exist: {name or "the model"} starts without it. '
                      f'{sources[path]}', logger='current', level=logging.WARNING)
        if missing:
            # a segmentor leaves initialisation to its parts; a network like Swin has its own
            own = not name or 'init_weights' in vars(type(module))
            module.init_cfg = None if own else HE_INITIALISATION


def _is_missing(path: str) -> bool:
    return '://' not in path and not Path(path).is_file()
