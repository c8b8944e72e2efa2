"""Runs tools and functions in processes of their own that need not import the stack again."""
import gc
import importlib
import multiprocessing
import os
import pickle
import runpy
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import torch

from tests.helpers.paths import ROOT
from tests.helpers.plain_texts import leave_texts_plain

# before any test sets a variable
ENVIRONMENT = dict(os.environ, PYTHONPATH=str(ROOT))


class Result(NamedTuple):
    """How a tool ended: exit status (negative: the signal), and what it printed."""

    status: int
    out: str
    err: str


def run_tool(tool: str, argv: Sequence, folder: Path, env: dict | None = None) -> Result:
    """Run ``python tools/<tool>.py argv...`` with ``folder`` as the working directory.

    The tool may be one of a sub-folder, as ``data/make_barn``.
    """
    return run_tools(tool, argv, folder, [env or {}])[0]


def run_tools(tool: str, argv: Sequence, folder: Path, envs: Sequence[dict]) -> list:
    """Run a tool several times at once, each with an environment of its own."""
    context = _context()
    logs = [folder / f'.printed_{number}' for number in range(len(envs))]
    processes = [
        context.Process(target=_run, args=(tool, [str(word) for word in argv], str(folder),
                                           dict(env), str(log)))
        for env, log in zip(envs, logs, strict=True)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [Result(process.exitcode, Path(f'{log}.out').read_text('utf-8'),
                   Path(f'{log}.err').read_text('utf-8'))
            for process, log in zip(processes, logs, strict=True)]


def run_script(script: Path, argv: Sequence, folder: Path, env: dict | None = None) -> Result:
    """Run ``python script argv...`` of another package."""
    log = folder / '.printed_script'
    process = _context().Process(target=_run_script, args=(
        str(script), [str(word) for word in argv], str(folder), env or {}, str(log)))
    process.start()
    process.join()
    return Result(process.exitcode, Path(f'{log}.out').read_text('utf-8'),
                  Path(f'{log}.err').read_text('utf-8'))


def in_processes(function: Callable, args: tuple, number: int = 2) -> None:
    """Call ``function(rank, *args)`` in several processes, as torch.multiprocessing.spawn does."""
    _context()
    torch.multiprocessing.start_processes(function, args, number, start_method='forkserver')


def call(target: str, folder: Path, *args: Any, **keywords: Any) -> Any:
    """Call a function of the library, as ``plugin.runs:train``, with ``folder`` as the working one.

    Returns:
        Any: What it returns.
    """
    log = folder / '.printed_call'
    process = _context().Process(target=_call, args=(target, args, keywords, str(folder), str(log)))
    process.start()
    process.join()
    assert process.exitcode == 0, Path(f'{log}.err').read_text('utf-8')
    return pickle.loads(Path(f'{log}.value').read_bytes())


def _context() -> multiprocessing.context.ForkServerContext:
    # a server that was never busy may be forked, unlike a process with threads or a GPU
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(
        ['mmseg.apis', 'mmengine.runner', 'matplotlib.pyplot', 'rich.progress', 'torch._dynamo',
         'setuptools', 'mmdet.apis', 'plugin'])
    # the plugin of this project, whatever folder and variables the test has that starts the server
    with mock.patch.dict(os.environ, ENVIRONMENT, clear=True):
        forkserver.ensure_running()
    return context


def _call(target: str, args: Sequence, keywords: dict, folder: str, log: str) -> None:
    _settle(folder, {}, log)
    module, _, name = target.partition(':')
    value = getattr(importlib.import_module(module), name)(*args, **keywords)
    Path(f'{log}.value').write_bytes(pickle.dumps(value))


def _run(tool: str, argv: Sequence[str], folder: str, env: dict, log: str) -> None:
    _settle(folder, env, log)
    sys.exit(importlib.import_module(Path(tool).name).main(argv))


def _run_script(script: str, argv: Sequence[str], folder: str, env: dict, log: str) -> None:
    _settle(folder, env, log)
    sys.argv = [script, *argv]
    runpy.run_path(script, run_name='__main__')


def _settle(folder: str, env: dict, log: str) -> None:
    """Make this process one of its own."""
    os.chdir(folder)
    os.environ.update(env, OMP_NUM_THREADS='1')
    more = [word for word in env.get('PYTHONPATH', '').split(os.pathsep) if word]
    sys.path[:0] = map(os.path.abspath, more)  # as a Python that starts reads it
    tempfile.tempdir = None  # torch._dynamo, loaded before the fork, has read another TMPDIR
    # a test run in the background, as a CI may be, hands down that Ctrl-C is ignored
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, suffix in ((1, '.out'), (2, '.err')):
        os.dup2(os.open(log + suffix, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    torch.set_num_threads(1)
    leave_texts_plain()
    gc.freeze()  # as in conftest.py
