"""What the parts share: time, memory, and failures that are kept."""
import gc
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from parts import peak_memory

ROOT = Path(__file__).resolve().parents[2]
# what a part yields: plain JSON, with 'name', and 'error' where something failed
Row = dict[str, Any]


def attempt(name: str, call: Callable[[], Row]) -> Row:
    """The numbers of a call, or how it failed: one failure must not cost what follows."""
    try:
        return dict(name=name, **call())
    except Exception as error:
        return dict(name=name, **failure(error))


def failure(error: BaseException) -> Row:
    """An error in words, and the places in this project and in the stack where it rose."""
    frames = traceback.extract_tb(error.__traceback__)
    return dict(error=f'{type(error).__name__}: {str(error)[:500]}', places=places(frames))


def places(frames: traceback.StackSummary, most: int = 4) -> list[str]:
    """The innermost lines outside of PyTorch, innermost first."""
    told = [frame for frame in frames if f'{os.sep}torch{os.sep}' not in frame.filename
            and not frame.filename.endswith(f'{os.sep}warnings.py')]
    return [f'{_short(frame.filename)}:{frame.lineno}: {frame.line}' for frame in told[::-1][:most]]


def _short(path: str) -> str:
    for folder in (f'{ROOT}{os.sep}', *(f'{entry}{os.sep}' for entry in sys.path if entry)):
        if path.startswith(folder):
            return path[len(folder):]
    return path


def now(device: str) -> float:
    """Seconds of a clock, after what the GPU has still to do."""
    if device == 'cuda':
        torch.cuda.synchronize()
    return time.perf_counter()


def median_ms(call: Callable[[], object], device: str, *, repeats: int = 5, warm_up: int = 2,
              batch: int = 1) -> float:
    """Median milliseconds of a call; ``batch`` calls are timed together, so that a GPU queues them.

    On a GPU its own clock counts (CUDA events), the launches included, as the host must keep up.
    """
    for _ in range(warm_up):
        call()
    taken = []
    for _ in range(repeats):
        if device == 'cuda':
            first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            first.record()
        start = now(device) if device == 'cpu' else 0.
        for _ in range(batch):
            call()
        if device == 'cuda':
            last.record()
            last.synchronize()
            taken.append(first.elapsed_time(last) / batch)
        else:
            taken.append(1e3 * (now(device) - start) / batch)
    return statistics.median(taken)


@contextmanager
def peak_of(device: str) -> Iterator[Row]:
    """Fill a row with the peak memory in MB while the context is open; on a CPU the process's."""
    row: Row = {}
    peak_memory.forget_peak(device)
    yield row
    row['peak_mb'] = peak_memory.peak(device) / 1e6


def free(device: str) -> None:
    """Give memory back that nothing uses, so that the next one has a peak of its own."""
    gc.collect()
    if device == 'cuda':
        torch.cuda.empty_cache()
