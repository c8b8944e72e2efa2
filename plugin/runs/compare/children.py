"""The processes of a comparison, one or several at a time."""
import contextlib
import os
import queue
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

from ..processes import training_environment
from ..starts import GRACE

T = TypeVar('T')
# those that run; a thread of its own waits for each
running: set[int] = set()


class Ended(NamedTuple):
    """How a process ended: its exit status, and the most memory of it or a child of it, in MB."""

    status: int
    memory: float | None


def start(command: Sequence[str], lock: IO[str], *, output: Path | None = None,
          device: str | None = None, environment: Mapping[str, str] | None = None) -> Ended:
    """Run a tool, and wait for its end, also after Ctrl-C.

    Args:
        command (Sequence[str]): What to start.
        lock (IO): An open file that the process keeps open: it outlives a kill of this one.
        output (Path, optional): A file that gets what it prints. Defaults to this terminal.
        device (str, optional): The GPU it sees, as ``CUDA_VISIBLE_DEVICES``. Defaults to all.
        environment (Mapping, optional): Variables beside those of this process.
    """
    variables = {**training_environment(), **(environment or {})}
    if device is not None:
        variables['CUDA_VISIBLE_DEVICES'] = device
    with contextlib.ExitStack() as stack:
        told = None
        if output is not None:
            output.parent.mkdir(parents=True, exist_ok=True)
            told = stack.enter_context(output.open('ab'))
        process = subprocess.Popen(
            command, pass_fds=[lock.fileno()], env=variables, stdout=told,
            stderr=None if told is None else subprocess.STDOUT)
        running.add(process.pid)
        try:
            return _wait(process)
        except KeyboardInterrupt:
            end_all()
            _wait(process)
            raise
        finally:
            running.discard(process.pid)


def run_all(tasks: Sequence[Callable[[str | None], T]], jobs: int = 1,
            devices: Sequence[str] = ()) -> list[T]:
    """Run tasks, several at a time; those that run come to their end also after an error.

    Args:
        tasks (Sequence[Callable]): Each is given its GPU, or None for all.
        jobs (int): How many at a time. Defaults to 1: one after the other, in this thread.
        devices (Sequence[str]): GPUs that are dealt out, where there are several jobs.

    Returns:
        list: What they returned.
    """
    if jobs == 1:
        return [task(None) for task in tasks]
    free: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    for number in range(jobs):
        free.put(devices[number % len(devices)] if devices else None)

    def work(task: Callable[[str | None], T]) -> T:
        device = free.get()
        try:
            return task(device)
        finally:
            free.put(device)

    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(work, task) for task in tasks]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException as error:
            for future in futures:
                future.cancel()
            if isinstance(error, KeyboardInterrupt):
                end_all()
            raise
    return [future.result() for future in futures]


def visible_devices() -> list[str]:
    """The GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    given = os.environ.get('CUDA_VISIBLE_DEVICES')
    if given is not None:
        return [name.strip() for name in given.split(',') if name.strip()]
    import torch
    return [str(number) for number in range(torch.cuda.device_count())]


def end_all() -> None:
    """Give what runs time to end, as Ctrl-C in the terminal asked it to; then end it."""
    until = time.monotonic() + GRACE
    while time.monotonic() < until and any(map(_lives, running.copy())):
        time.sleep(0.1)
    for pid in running.copy():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _lives(pid: int) -> bool:
    """Whether a child of this process runs; it is not waited for."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


def _wait(process: subprocess.Popen) -> Ended:
    """Wait for a process; unlike ``process.wait()`` it tells the memory."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # kilobytes on Linux, bytes on macOS
    unit = 1024 if os.uname().sysname == 'Linux' else 1024**2
    return Ended(process.returncode, usage.ru_maxrss / unit)
