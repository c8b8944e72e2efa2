"""Where the host waits for the GPU: nowhere in U2PL's step, by its rule."""
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import bench_u2pl
import torch
from gpu.common import Row, attempt, places
from gpu.models import Learner

from .u2pl import SMALL


def measure(*, device: str, quick: bool, kit: Path | None) -> Iterator[Row]:
    """Yield whether a step waits, and all places where one does; on a CPU nothing can."""
    args = bench_u2pl.parse([*(SMALL if quick else []), '--device', device])
    yield attempt('U2PL after the logits, under "error"', lambda: _once(args))
    config, size = ('u2pl_mnv2_camvid', (64, 64)) if quick else ('u2pl_r101_voc', None)
    learner = Learner(config, device, size=size, keys=64 if quick else None)
    yield attempt('U2PL, the whole step under "error"', lambda: _strict(learner, device))
    yield attempt('U2PL, all places of a whole step', lambda: dict(
        waits=all_places(learner.step)) if device == 'cuda' else _told(device))


def _told(device: str) -> Row:
    """That no place was found; a processor has none to find."""
    return dict(waits=[]) if device == 'cuda' else dict(ran='nothing can wait on a processor')


def _once(args) -> Row:
    bench_u2pl.measure_time(args)  # raises where our step waits
    return _told(args.device)


def _strict(learner: Learner, device: str) -> Row:
    learner.step()
    data = learner.model.data_preprocessor(learner.batch(), True)
    with bench_u2pl.no_synchronisation(device == 'cuda'):
        losses = learner.model(**data, mode='loss')
        learner.model.parse_losses(losses)[0].backward()
    learner.wrapper.zero_grad()
    return _told(device)


def all_places(call: Callable[[], object]) -> list[list[str]]:
    """The lines, innermost first, from which the host waits in a call, each once."""
    found: dict[str, list[str]] = {}

    def note(message, *others, **more) -> None:
        if 'synchronizing' in str(message):
            lines = places(traceback.extract_stack()[:-1])
            found.setdefault(lines[0] if lines else str(message), lines)

    with warnings.catch_warnings():
        warnings.simplefilter('always')
        warnings.showwarning = note
        torch.cuda.set_sync_debug_mode('warn')
        try:
            call()
        finally:
            torch.cuda.set_sync_debug_mode(0)
    return list(found.values())
