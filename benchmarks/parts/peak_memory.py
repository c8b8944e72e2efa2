"""What this process holds, or has held at most, on a device."""
from pathlib import Path

import torch


def held(device: str = 'cpu') -> float:
    """Bytes that this process holds: of the GPU, or as Linux counts them."""
    return float(torch.cuda.memory_allocated()) if device == 'cuda' else _status('VmRSS')


def peak(device: str = 'cpu') -> float:
    """Bytes that this process has held at most since :func:`forget_peak`."""
    return float(torch.cuda.max_memory_allocated()) if device == 'cuda' else _status('VmHWM')


def forget_peak(device: str = 'cpu') -> None:
    """Begin to look for the peak anew."""
    if device == 'cuda':
        torch.cuda.reset_peak_memory_stats()
    else:
        Path('/proc/self/clear_refs').write_text('5')  # Linux


def _status(field: str) -> float:
    line, = (line for line in Path('/proc/self/status').read_text().splitlines()
             if line.startswith(f'{field}:'))
    return float(line.split()[1]) * 1024
