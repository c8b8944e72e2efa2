"""Students and teachers: which networks a training has, and a supervised twin that is averaged."""
import copy
import math
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS, init_default_scope

from plugin.utils import UserError
from plugin.utils.config import network_config, wrapped_key

NETWORKS = ('teacher', 'student')


def networks_of(cfg: Config) -> tuple[str, ...]:
    """Networks of a config that are told apart, the one that it predicts with first.

    Args:
        cfg (mmengine.Config): The config.

    Returns:
        tuple[str, ...]: ``('teacher', 'student')`` or the reverse where there is an averaged
        teacher, ``('', )`` otherwise.
    """
    scope = cfg.get('default_scope') or 'mmseg'
    init_default_scope(scope)
    model = cfg.get('model') or {}
    kind = None
    if wrapped_key(model):
        with MODELS.switch_scope_and_registry(scope) as registry:
            kind = registry.get(model.get('type', ''))
    if kind is None or not getattr(kind, 'has_teacher', False):
        return ('', )
    return NETWORKS[::-1] if model.get('predict_on') == 'student' else NETWORKS


def is_semi(cfg: Config) -> bool:
    """Whether a config trains on a labelled and an unlabelled source."""
    data = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    return 'labeled' in data and 'unlabeled' in data


def averaged_twin(cfg: Config, labelled: int) -> Config:
    """The supervised training that a method adds to, averaged as its teacher is.

    It sees the labelled images alone, as many a step as the method does and at the same learning
    rate, and the average of its weights and buffers is validated, saved and tested.

    Args:
        cfg (mmengine.Config): Of a method with a teacher, with a ``SemiDataset``.
        labelled (int): Number of its labelled images.

    Returns:
        mmengine.Config: Another one.

    Raises:
        UserError: If the config cannot be taken apart.
    """
    twin = copy.deepcopy(cfg)
    place, method = _method_hook(twin)
    loader = twin.train_dataloader
    if not is_semi(twin) or method is None:
        raise UserError(
            f'{cfg.filename or "the config"} has a teacher, but no SemiDataset or no hook with '
            'its decay: its averaged supervised twin cannot be made; leave it out with --no-twin')
    sampler = loader.get('sampler') or {}
    ratio = sampler.get('ratio', (1, 1))
    each = loader.batch_size // sum(ratio) * ratio[0]
    warmup = method.get('warmup', 0)
    if method.get('warmup_epochs') is not None:
        warmup = math.ceil(method['warmup_epochs'] * labelled / each)
    scaling = twin.get('auto_scale_lr')
    if scaling and 'base_batch_size' in scaling:
        # the rate is scaled to the batch, of which the unlabelled images are no part any more
        whole, rest = divmod(scaling.base_batch_size * each, loader.batch_size)
        scaling.base_batch_size = whole + rest / loader.batch_size if rest else whole
    twin.model = network_config(twin.model)
    loader.batch_size = each
    loader.dataset = loader.dataset.labeled
    loader.sampler = ConfigDict(type='InfiniteSampler', shuffle=True)
    wait = twin.optim_wrapper.get('accumulative_counts', 1)
    _replace(twin, place, dict(
        type='EMAHook', ema_type='TeacherAverage', decay=method.get('decay', 0.99),
        interval=wait, begin_iter=(warmup // wait + 1) * wait))
    return twin


def without_average(cfg: Config) -> Config:
    """A twin as it is without its average: the plain supervised training."""
    plain = copy.deepcopy(cfg)
    plain.get('default_hooks', {}).pop('average', None)
    return plain


def _method_hook(cfg: Config) -> tuple[tuple[str, Any], Mapping[str, Any] | None]:
    """Where the hook with the decay of the teacher stands, and its settings."""
    for name, hook in (cfg.get('default_hooks') or {}).items():
        if isinstance(hook, Mapping) and _teaches(hook):
            return ('default_hooks', name), hook
    for number, hook in enumerate(cfg.get('custom_hooks') or ()):
        if _teaches(hook):
            return ('custom_hooks', number), hook
    return ('', None), None


def _teaches(hook: Mapping[str, Any]) -> bool:
    from mmengine.registry import HOOKS

    from plugin.engine.hooks import TeacherStudentHook
    kind = HOOKS.get(hook['type']) if isinstance(hook.get('type'), str) else None
    return kind is not None and issubclass(kind, TeacherStudentHook)


def _replace(cfg: Config, place: tuple[str, Any], hook: dict[str, Any]) -> None:
    del cfg[place[0]][place[1]]
    cfg.setdefault('default_hooks', ConfigDict())['average'] = ConfigDict(hook)
