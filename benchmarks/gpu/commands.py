"""The commands of tools/, as a user starts them, on the pictures of the kit."""
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .common import ROOT


class CommandError(RuntimeError):
    """A command of tools/ failed; the text holds the end of what it printed."""


def environment(kit: Path, device: str) -> dict[str, str]:
    """Where the configs find pictures and weights; a GPU is hidden where the processor is meant."""
    weights = [str(path) for path in sorted((kit / 'weights').glob('*.pth'))]
    return dict(os.environ, CAMVID_ROOT=str(kit / 'camvid'), PIGS_ROOT=str(kit / 'pigs'),
                **(dict(MOBILENETV2_WEIGHTS=weights[0]) if weights else {}),
                **(dict(CUDA_VISIBLE_DEVICES='') if device == 'cpu' else {}))


def start(tool: str, words: Sequence[object], log: Path, *, kit: Path,
          device: str) -> subprocess.Popen:
    """Start ``python tools/<tool>.py words...``; what it prints goes into a file."""
    with log.open('w') as stream:
        return subprocess.Popen(
            [sys.executable, str(ROOT / f'tools/{tool}.py'), *map(str, words)], cwd=log.parent,
            env=environment(kit, device), stdout=stream, stderr=subprocess.STDOUT)


def finish(process: subprocess.Popen, log: Path) -> None:
    """Wait for a command.

    Raises:
        CommandError: If it failed.
    """
    if process.wait():
        raise CommandError(f'status {process.returncode}: ' + log.read_text()[-1500:])


def run(tool: str, words: Sequence[object], log: Path, *, kit: Path, device: str) -> float:
    """Run a command; returns its seconds, from its start to its end."""
    begin = time.perf_counter()
    finish(start(tool, words, log, kit=kit, device=device), log)
    return time.perf_counter() - begin


def needs_kit(kit: Path | None) -> Path:
    """The kit.

    Raises:
        ValueError: If there is none.
    """
    if kit is None:
        raise ValueError('this part trains on real pictures: name the folder that '
                         'benchmarks/gpu/prepare.py made')
    return kit.resolve()
