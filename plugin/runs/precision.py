"""Whether a training computes in mixed precision, and in which."""
from mmengine.config import Config
from mmengine.device import get_device

from plugin.engine.precision import bfloat16_instructions
from plugin.utils import UserError

FLOAT32 = 'OptimWrapper'
# of what each kind of mixed precision has to be told, and float32 does not know
MIXED: dict[str, tuple[str, ...]] = {
    'AmpOptimWrapper': ('loss_scale', 'dtype', 'use_fp64'),
    'BFloat16OptimWrapper': (),
}


def choose_precision(cfg: Config, amp: bool | None) -> None:
    """Switch mixed precision on or off: as OpenMMLab's tools on a GPU, bfloat16 on a CPU.

    Args:
        cfg (mmengine.Config): The config; gets another ``optim_wrapper``.
        amp (bool, optional): None leaves it as it is.

    Raises:
        UserError: If mixed precision is asked for where it cannot be had, or would be slower.
    """
    wrapper = cfg.optim_wrapper
    kind = wrapper.get('type', FLOAT32)
    on_cpu = get_device() == 'cpu'
    if amp is False and kind in MIXED:
        _change(wrapper, FLOAT32)
    elif amp and kind not in (FLOAT32, *MIXED):
        raise UserError(f'--amp does not go with optim_wrapper.type={kind}; set its precision '
                        'in the config')
    elif amp and on_cpu:
        if bfloat16_instructions() is None:
            raise UserError('--amp would be slower than float32 on this CPU, which has no '
                            'instructions for bfloat16 (AMX or AVX512-BF16), and no GPU is '
                            'visible; train with --no-amp')
        _change(wrapper, 'BFloat16OptimWrapper')
    elif amp and kind == FLOAT32:
        _change(wrapper, 'AmpOptimWrapper')
        wrapper.loss_scale = 'dynamic'
    if wrapper.get('type') == 'AmpOptimWrapper' and on_cpu:
        raise UserError('mixed precision (AmpOptimWrapper) needs a GPU and none is visible; '
                        'train with --no-amp')


def _change(wrapper: dict, kind: str) -> None:
    """Let the optimizer compute in another precision, and keep all else of its settings."""
    for name in MIXED.get(wrapper.get('type', FLOAT32), ()):
        wrapper.pop(name, None)
    wrapper['type'] = kind
