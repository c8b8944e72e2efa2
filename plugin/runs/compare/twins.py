"""Students, teachers and averages: the networks of a training, and what a method is compared to."""
import copy
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mmengine.config import Config, ConfigDict
from mmengine.hooks import EarlyStoppingHook, EMAHook
from mmengine.registry import HOOKS, MODELS, init_default_scope

from plugin.engine.hooks import TeacherStudentHook
from plugin.utils import UserError
from plugin.utils.config import network_config, wrapped_key

NETWORKS = ('teacher', 'student')
# where the settings of a hook stand: the list or dict of hooks, and the place in it
Place = tuple[str, Any]


class Average(NamedTuple):
    """A moving average of the weights of a training, as a teacher is one.

    Attributes:
        decay (float): Limit of the decay, 0..1.
        begin_iter (int): Iteration of the first update, from 1.
        interval (int): Iterations between two updates.
    """

    decay: float
    begin_iter: int = 1
    interval: int = 1

    @property
    def name(self) -> str:
        """What the table calls it: ``average 0.99``, or ``average 0.99 after 200`` iterations."""
        before = self.begin_iter - self.interval
        return f'average {self.decay:g}' + (f' after {before}' if before else '')


def networks_of(cfg: Config) -> tuple[str, ...]:
    """Networks of a config that are told apart, the one that it predicts with first.

    Args:
        cfg (mmengine.Config): The config.

    Returns:
        tuple[str, ...]: ``('teacher', 'student')`` or the reverse where there is an averaged
        teacher, ``('', )`` otherwise.
    """
    if not getattr(_method_of(cfg), 'has_teacher', False):
        return ('', )
    return NETWORKS[::-1] if cfg.model.get('predict_on') == 'student' else NETWORKS


def has_second(cfg: Config) -> bool:
    """Whether a second network labels the images for the first, as in CPS."""
    return 'second' in getattr(_method_of(cfg), 'networks', ())


def _method_of(cfg: Config) -> type | None:
    """The class that wraps the network of a config; None where none does."""
    scope = cfg.get('default_scope') or 'mmseg'
    init_default_scope(scope)
    model = cfg.get('model') or {}
    if not wrapped_key(model):
        return None
    with MODELS.switch_scope_and_registry(scope) as registry:
        kind: type | None = registry.get(model.get('type', ''))
    return kind


def is_semi(cfg: Config) -> bool:
    """Whether a config trains on a labelled and an unlabelled source."""
    data = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    return 'labeled' in data and 'unlabeled' in data


def is_averaged(cfg: Config, network: str) -> bool:
    """Whether a network of a config is an average of weights over the steps.

    Args:
        cfg (mmengine.Config): The config.
        network (str): One of :func:`networks_of`, or the name of an :class:`Average`.
    """
    return bool(network and network != 'student' or any(_hooks_of(cfg, EMAHook)))


def average_of(cfg: Config, labelled: int) -> Average | None:
    """How a method averages the network that its supervised twin has as well.

    Args:
        cfg (mmengine.Config): Of any training.
        labelled (int): Number of its labelled images.

    Returns:
        Average, optional: That of its teacher, or else of an ``EMAHook`` with ``TeacherAverage``;
        None where there is neither, and of a training on labels alone, which has no twin.

    Raises:
        UserError: If there is a teacher that cannot be taken away.
    """
    wait = (cfg.get('optim_wrapper') or {}).get('accumulative_counts', 1)
    method = method_hook(cfg)
    if networks_of(cfg) != ('', ):
        if not is_semi(cfg) or method is None:
            raise UserError(
                f'{cfg.filename or "the config"} has a teacher, but no SemiDataset or no hook with '
                'its decay: its averaged supervised twin cannot be made; leave it out with '
                '--no-twin')
        warmup = method.get('warmup', 0)
        if method.get('warmup_epochs') is not None:
            warmup = math.ceil(method['warmup_epochs'] * labelled / _labelled_batch(cfg))
        return Average(method.get('decay', 0.99), (warmup // wait + 1) * wait, wait)
    for _, hook in _hooks_of(cfg, EMAHook):
        if is_semi(cfg) and hook.get('ema_type') == 'TeacherAverage':
            return Average(hook.get('decay', 0.99), max(hook.get('begin_iter', 0), 1),
                           hook.get('interval', 1))
    return None


def supervised_twin(cfg: Config) -> Config:
    """The supervised training that a method adds to.

    It sees the labelled images alone, as many a step as the method does and at the same learning
    rate, and averages nothing.

    Args:
        cfg (mmengine.Config): Of a method with a ``SemiDataset``.

    Returns:
        mmengine.Config: Another one.
    """
    twin = copy.deepcopy(cfg)
    for (node, place), _ in list(_hooks_of(twin, TeacherStudentHook, EMAHook)):
        del twin[node][place]
    loader, each = twin.train_dataloader, _labelled_batch(cfg)
    scaling = twin.get('auto_scale_lr')
    if scaling and 'base_batch_size' in scaling:
        # the rate is scaled to the batch, of which the unlabelled images are no part any more
        whole, rest = divmod(scaling.base_batch_size * each, loader.batch_size)
        scaling.base_batch_size = whole + rest / loader.batch_size if rest else whole
    loader.batch_size = each
    loader.dataset = loader.dataset.labeled
    loader.sampler = ConfigDict(type='InfiniteSampler', shuffle=True)
    twin.model = network_config(twin.model)
    return twin


def method_hook(cfg: Config) -> Any:
    """Settings of the hook with the warm-up and the decay of a method; None where it has none."""
    return next((hook for _, hook in _hooks_of(cfg, TeacherStudentHook)), None)


def stops_early(cfg: Config) -> str | None:
    """Where a config names early stopping, such as ``default_hooks.early_stopping``, or None."""
    return next((f'{node}.{place}' for (node, place), _ in _hooks_of(cfg, EarlyStoppingHook)), None)


def _labelled_batch(cfg: Config) -> int:
    """Labelled images of a batch."""
    ratio = (cfg.train_dataloader.get('sampler') or {}).get('ratio', (1, 1))
    return int(cfg.train_dataloader.batch_size // sum(ratio) * ratio[0])


def _hooks_of(cfg: Config, *kinds: type) -> Iterator[tuple[Place, Any]]:
    """Hooks of these classes or of one that builds upon them, the last of a list first."""
    listed = [('default_hooks', *item) for item in (cfg.get('default_hooks') or {}).items()]
    # from the end, so that one that is taken out does not move the others
    listed += [('custom_hooks', *item)
               for item in reversed([*enumerate(cfg.get('custom_hooks') or ())])]
    for node, place, hook in listed:
        own = HOOKS.get(hook['type']) if (
            isinstance(hook, Mapping) and isinstance(hook.get('type'), str)) else None
        if own is not None and issubclass(own, kinds):
            yield (node, place), hook
