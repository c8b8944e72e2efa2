"""Each part in a process of its own, with its own time limit."""
import importlib
import json
import logging
import math
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

# torch asks the driver how many GPUs there are without starting it: a process that has started it
# cannot be forked, and mmengine asks when it is imported
os.environ.setdefault('PYTORCH_NVML_BASED_CUDA_CHECK', '1')


class Where(NamedTuple):
    """What all parts get."""

    device: str
    quick: bool
    kit: Path | None


def preload() -> None:
    """Import what the parts need, once for all that are forked."""
    # the plugin first: it finds operators for mmcv
    for name in ('plugin', 'plugin.runs', 'mmcv.ops', 'gpu.models', 'gpu.commands', 'bench_u2pl'):
        importlib.import_module(name)


def run_part(name: str, limit: float, where: Where, *, log: Path, method: str = 'fork',
             ) -> dict[str, Any]:
    """Run a part until it ends or its time is over.

    Args:
        name (str): Of a module of ``gpu.parts``.
        limit (float): Seconds.
        where (Where): Device, size and pictures.
        log (Path): Gets what the part prints.
        method (str): ``fork`` where this process has not started the GPU, else ``spawn``.

    Returns:
        dict: ``state`` (``done``, ``failed``, ``timed out``), ``seconds``, ``limit``, ``rows``,
        and ``error`` where the part ended by itself without being done. Rows that were there
        before are kept.
    """
    rows = log.with_name(f'.{name}.rows')
    rows.write_text('')
    begin = time.monotonic()
    process = multiprocessing.get_context(method).Process(
        target=work, args=(name, where, str(rows), str(log)))
    process.start()
    result: dict[str, Any] = dict(state='done', limit=limit)
    try:
        process.join(limit)
        if process.is_alive():
            result['state'] = 'timed out'
        elif process.exitcode:
            result.update(state='failed', error=_last_words(process.exitcode, log))
    finally:
        _end(process)
    process.join()
    result.update(seconds=round(time.monotonic() - begin, 1),
                  rows=[json.loads(line) for line in rows.read_text().splitlines()])
    rows.unlink()
    return result


def work(name: str, where: Where, rows: str, log: str) -> None:
    """The process of a part: yield its rows into a file, one a line, as soon as they are known."""
    os.setpgrp()
    stream = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for number in (1, 2):
        os.dup2(stream, number)
    sys.stdout = open(1, 'w', buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, 'w', buffering=1, closefd=False)  # noqa: SIM115
    print(f'== {name}')
    logging.disable(logging.INFO)  # of each parameter its learning rate
    import torch
    torch.manual_seed(0)
    # as in all configs; products in float32 keep their digits, as by PyTorch's default
    torch.backends.cudnn.benchmark = where.device == 'cuda'
    part = importlib.import_module(f'gpu.parts.{name}')
    with Path(rows).open('a', buffering=1) as file:
        for row in part.measure(**where._asdict()):
            print(json.dumps(plain(row)), file=file)


def plain(value: Any) -> Any:
    """A value as JSON can hold it: what is not finite becomes text."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if isinstance(value, (int, str, bool)) or value is None else str(value)


def _end(process: Any) -> None:
    """End a part and what it started, such as loaders of data and commands."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()  # it has no group yet, or has ended with all of them


def _last_words(status: int, log: Path) -> str:
    lines = [line for line in log.read_text().splitlines() if line.strip()][-3:]
    return f'status {status}: ' + ' | '.join(lines)[-600:]
