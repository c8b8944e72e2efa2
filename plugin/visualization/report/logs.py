"""Reads from the log of a run when it ran, and in what environment."""
import re
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

HEAD, TAIL = 64_000, 16_000  # bytes
TIME = re.compile(r'^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) - mmengine', re.MULTILINE)
BLOCK = re.compile(r'System environment:\n(.*?)\n-{10}', re.DOTALL)
ENTRY = re.compile(r'^ {4}(\w[^:\n]*): (.*)$', re.MULTILINE)
# entries of the environment that the report shows, in this order
SHOWN = ('sys.platform', 'Python', 'PyTorch', 'CUDA available', 'CUDA_HOME', 'NVCC', 'TorchVision',
         'OpenCV', 'MMEngine', 'GCC', 'Distributed launcher', 'GPU number', 'seed')
NAMES = {'sys.platform': 'Platform', 'GPU number': 'Processes', 'seed': 'Seed',
         'Distributed launcher': 'Launcher'}


class LogNotes(NamedTuple):
    """Beginning and end of a run, and its environment."""

    begin: datetime | None
    end: datetime | None
    environment: dict[str, str]

    @property
    def device(self) -> str:
        """The GPUs, or that there was none."""
        gpus = [value for name, value in self.environment.items() if name.startswith('GPU 0')]
        if gpus:
            return gpus[0]
        return 'CPU' if self.environment.get('CUDA available') == 'False' else 'unknown'


def read_log(folder: Path) -> LogNotes:
    """Read the log in the folder of a run; what is not there stays empty.

    Args:
        folder (Path): ``<work_dir>/<timestamp>``.

    Returns:
        LogNotes: When it ran, and on what.
    """
    path = next(iter(sorted(folder.glob('*.log'))), None)
    if path is None:
        return LogNotes(None, None, {})
    with path.open('rb') as file:
        head = file.read(HEAD).decode('utf-8', 'replace')
        file.seek(max(0, path.stat().st_size - TAIL))
        tail = file.read().decode('utf-8', 'replace')
    times = _times(TIME.findall(head)[:1] + TIME.findall(tail)[-1:])
    block = BLOCK.search(head)
    found = dict(ENTRY.findall(block[1])) if block else {}
    names = [name for name in found if name.startswith('GPU ') and name != 'GPU number']
    environment = {NAMES.get(name, name): found[name].strip()
                   for name in (*SHOWN[:3], *names, *SHOWN[3:]) if name in found}
    return LogNotes(times[0] if times else None, times[-1] if times else None, environment)


def _times(texts: list[str]) -> list[datetime]:
    try:
        return [datetime.strptime(text, '%Y/%m/%d %H:%M:%S') for text in texts]
    except ValueError:  # a 13th month
        return []
