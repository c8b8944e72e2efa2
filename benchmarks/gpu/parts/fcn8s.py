"""FCN-8s on VGG16: a step with 4 images of 512 x 512, and its share of the floor."""
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from gpu.common import Row, attempt, free, median_ms, peak_of
from gpu.models import Learner
from torch.utils.flop_counter import FlopCounterMode

from .machine import matmul_rate

CONFIG, SMALL = 'fcn8s_voc', 'fcn8s_mnv2_camvid'
# MindSpore's tutorial on FCN-8s, ms a step; the aim in bfloat16
TUTORIAL_MS, AIM_MS = 666, 10


def measure(*, device: str, quick: bool, kit: Path | None) -> Iterator[Row]:
    """Yield milliseconds a step in each precision, and of the network alone."""
    torch.manual_seed(0)
    learner = Learner(SMALL if quick else CONFIG, device, size=(64, 64) if quick else (512, 512))
    floor = _floor(learner, device, quick)
    yield dict(name='floor', **floor)
    for precision in ('bfloat16', ) if quick else ('bfloat16', 'float16', 'float32'):
        learner.wrap(precision)
        yield attempt(f'step in {precision}', partial(
            _step, learner, partial(learner.step, precision), device, quick, floor))
    learner.wrap('bfloat16')
    free(device)
    yield attempt('network and loss alone, bfloat16', partial(
        _step, learner, _alone(learner), device, quick, floor))
    learner.model.to(memory_format=torch.channels_last)
    yield attempt('step in bfloat16, channels last', partial(
        _step, learner, partial(learner.step, 'bfloat16'), device, quick, floor))


def _floor(learner: Learner, device: str, quick: bool) -> Row:
    """Convolutions forwards and backwards as one large matrix product would do them."""
    with FlopCounterMode(display=False) as counter:
        learner.losses().backward()
    learner.wrapper.zero_grad()
    rate = matmul_rate(device, quick)
    flops = counter.get_total_flops()
    return dict(teraflop=flops / 1e12, rate_teraflops=rate / 1e12, floor_ms=1e3 * flops / rate)


def _step(learner: Learner, call, device: str, quick: bool, floor: Row) -> Row:
    with peak_of(device) as peak:
        milliseconds = median_ms(call, device, repeats=1 if quick else 10,
                                 warm_up=1 if quick else 5)
    return dict(ms=milliseconds, share_of_floor=floor['floor_ms'] / milliseconds,
                tutorial_ms=TUTORIAL_MS, aim_ms=AIM_MS, **peak)


def _alone(learner: Learner):
    """Forwards, loss, backwards of images that lie on the device already."""
    data = learner.model.data_preprocessor(learner.batch(), True)

    def run() -> None:
        with learner.autocast('bfloat16', also_gpu=True):
            losses = learner.model(**data, mode='loss')
        learner.model.parse_losses(losses)[0].backward()
        learner.wrapper.zero_grad()
    return run
