"""Training in bfloat16, on any device that can."""
import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.models.roi_heads.roi_extractors.base_roi_extractor import BaseRoIExtractor
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from mmengine.utils import apply_to
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

# what hands scores and boxes to losses and to non-maximum suppression
HEADS = (BaseDecodeHead, BaseDenseHead, BBoxHead, FCNMaskHead)
# bfloat16 has 8 bits: a coordinate behind 256 would be a multiple of 2 pixels
EXTRACTORS = (BaseRoIExtractor, )
# of a CPU: how its flags on Linux name them, and what PyTorch calls the question
INSTRUCTIONS = {'AMX': ('amx_bf16', '_is_amx_tile_supported'),
                'AVX512-BF16': ('avx512_bf16', '_is_avx512_bf16_supported')}
CPU_FLAGS = Path('/proc/cpuinfo')


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Convolutions and matrix products of a training step in bfloat16, its losses in float32.

    What lies between them follows the type of its inputs. Weights, their updates, batch-norm
    statistics, boxes and the pooling of regions stay in float32, too: of heads the results are
    converted, of RoI extractors the maps. bfloat16 has the range of float32, so that no loss is
    scaled and no step is left out. It works on the CPU, where it is faster if there are
    instructions for it (:func:`bfloat16_instructions`), and on a GPU that has bfloat16.
    Checkpoints are those of ``OptimWrapper``, in both directions; validations and tests compute in
    float32.

        optim_wrapper = dict(type='BFloat16OptimWrapper', optimizer=...)

    Args:
        **kwargs: Of :class:`mmengine.optim.OptimWrapper`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.device_type = self.optimizer.param_groups[0]['params'][0].device.type
        found = bfloat16_instructions() if self.device_type == 'cpu' else None
        print_log('convolutions and matrix products of the training compute in bfloat16'
                  f'{f", for which this CPU has {found} instructions" if found else ""}; weights, '
                  'losses and validations stay in float32', 'current')

    @contextlib.contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """What the forward pass and the losses of a step run in.

        Args:
            model (nn.Module): The network that is trained.
        """
        # a weight that is converted without a gradient must not serve where one is needed
        autocast = torch.autocast(self.device_type, torch.bfloat16, cache_enabled=False)
        with super().optim_context(model), float32_losses(model), autocast:
            yield


@contextlib.contextmanager
def float32_losses(model: nn.Module) -> Iterator[None]:
    """Let heads return float32, and RoI extractors read it, while the context is open.

    Args:
        model (nn.Module): A network whose layers compute in a shorter type.
    """
    heads = [part for part in model.modules() if isinstance(part, HEADS)]
    extractors = [part for part in model.modules() if isinstance(part, EXTRACTORS)]
    for part in heads:
        part.forward = partial(_returning_float32, part.forward)
    for part in extractors:
        part.forward = partial(_reading_float32, part.forward)
    try:
        yield
    finally:
        for part in heads + extractors:
            del part.forward  # that of the class again


def bfloat16_instructions() -> str | None:
    """What the CPU multiplies bfloat16 with; None where it would convert, slower than in float32.

    Example:
        >>> from plugin.engine.precision import bfloat16_instructions
        >>> bfloat16_instructions() in ('AMX', 'AVX512-BF16', None)
        True
    """
    flags = (CPU_FLAGS.read_text(encoding='utf-8', errors='replace').split()
             if CPU_FLAGS.is_file() else [])
    for name, (flag, question) in INSTRUCTIONS.items():
        # older ones of PyTorch cannot be asked
        ask = getattr(torch.cpu, question, None)
        if ask() if ask else flag in flags:
            return name
    return None


def _returning_float32(forward: Any, *args: Any, **kwargs: Any) -> Any:
    return _in_float32(forward(*args, **kwargs))


def _reading_float32(forward: Any, *args: Any, **kwargs: Any) -> Any:
    return forward(*_in_float32(args), **_in_float32(kwargs))


def _in_float32(values: Any) -> Any:
    return apply_to(values, lambda value: isinstance(value, Tensor) and value.is_floating_point(),
                    Tensor.float)
