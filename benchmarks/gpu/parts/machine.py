"""The machine: versions, the card, and how fast it multiplies and copies."""
import importlib.metadata
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import torch
from gpu.common import Row, attempt, median_ms

PACKAGES = ('torch', 'torchvision', 'numpy', 'opencv-python-headless', 'onedl-mmengine',
            'onedl-mmcv', 'onedl-mmsegmentation', 'onedl-mmdetection')


def measure(*, device: str, quick: bool, kit: Path | None) -> Iterator[Row]:
    """Yield what the figures of the other parts hang on."""
    yield attempt('versions', lambda: dict(
        python=platform.python_version(), cuda=torch.version.cuda,
        cores=len(os.sched_getaffinity(0)), **{name: _version(name) for name in PACKAGES}))
    yield attempt('card', lambda: _card(device))
    for name, dtype in (('bfloat16', torch.bfloat16), ('float32', torch.float32)):
        yield attempt(f'matrix product in {name}', lambda dtype=dtype: dict(
            teraflops=matmul_rate(device, quick, dtype) / 1e12))
    yield attempt('copy on the device', lambda: _copy(device, quick))


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _card(device: str) -> Row:
    if device == 'cpu':
        return dict(card=platform.processor() or platform.machine())
    about = torch.cuda.get_device_properties(0)
    return dict(card=about.name, memory_gb=about.total_memory / 1e9,
                multiprocessors=about.multi_processor_count,
                capability=f'{about.major}.{about.minor}', cudnn=torch.backends.cudnn.version())


def matmul_rate(device: str, quick: bool, dtype: torch.dtype = torch.bfloat16) -> float:
    """Floating-point operations a second of a large product of random matrices."""
    side = 256 if quick else 8192
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    milliseconds = median_ms(lambda: left @ right, device, repeats=5, warm_up=3,
                             batch=1 if quick else 5)
    return 2 * side ** 3 / milliseconds * 1e3


def _copy(device: str, quick: bool) -> Row:
    numbers = torch.zeros(1 << (20 if quick else 31), dtype=torch.uint8, device=device)
    other = torch.empty_like(numbers)
    milliseconds = median_ms(lambda: other.copy_(numbers), device)
    return dict(gigabytes_a_second=2 * len(numbers) / milliseconds / 1e6)
