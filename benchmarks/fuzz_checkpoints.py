#!/usr/bin/env python
"""Checkpoints with random changes: none may run code, end the process or take its memory.

Honest files and hostile ones (``parts/hostile_checkpoints.py``), in both formats, are changed bit
by bit and piece by piece, and read in processes with little memory and time. An audit hook notes
what a reader must not do; a file is written where a hostile pickle has its way.

  python benchmarks/fuzz_checkpoints.py --mutants 10000 --seed 0
"""
import argparse
import copy
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter, OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parts import hostile_checkpoints
from parts.mutants import mutant

BATCH = 2500  # mutants of a process
MEMORY, SECONDS = 1 << 30, 300  # of a process, beyond what it has when it starts
FORBIDDEN = ('exec', 'compile', 'os.', 'subprocess.', 'shutil.', 'socket.', 'ctypes.', 'import',
             'pickle.find_class', 'open', 'marshal.', 'code.')


def honest() -> dict[str, bytes]:
    """What OpenMMLab and torchvision write, in both formats."""
    import numpy as np
    import torch
    from mmengine.config import ConfigDict
    from mmengine.logging import HistoryBuffer
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 1, 2, 2)).sum().backward()
    optimizer.step()
    training = dict(
        state_dict=model.state_dict(), optimizer=optimizer.state_dict(),
        param_schedulers=[dict(milestones=Counter({3: 1}), last_step=2)],
        message_hub=dict(
            log_scalars=OrderedDict(loss=HistoryBuffer([0.5, 0.25], [1, 2])),
            runtime_info=OrderedDict(best_score=np.float64(0.7), seen=np.array([True, False]),
                                     names=np.array(['a', 'ö']), keep_ckpt_ids=[1, 2]),
            resumed_keys=OrderedDict(loss=True)),
        meta=dict(epoch=0, iter=3, seed=1, dataset_meta=ConfigDict(
            classes=('a', 'b'), palette=[[1, 2, 3], [4, 5, 6]])))
    files = {}
    for name, content in (('state dict', model.state_dict()), ('training', training)):
        for zipped in (True, False):
            buffer = io.BytesIO()
            torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
            files[f'{name}, {"archive" if zipped else "old format"}'] = buffer.getvalue()
    return files


def touched(value: Any) -> None:
    """Use what was read, as a training would."""
    import numpy as np
    import torch
    if isinstance(value, torch.Tensor):
        if value.numel() < 1_000_000 and value.device.type == 'cpu':
            value.clone().float().sum().item()
    elif isinstance(value, np.ndarray):
        value.tolist()
    elif isinstance(value, Mapping):
        for item in value.values():
            touched(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            touched(item)
    else:
        copy.deepcopy(value)


def read(content: bytes) -> str:
    """How the reader ends: ``read``, ``refused``, ``damaged``, or what went wrong."""
    from plugin.engine.checkpoints.safe_reading import (
        DamagedCheckpointError,
        UntrustedCheckpointError,
        read_checkpoint,
    )
    seen.clear()
    seen.append('')
    try:
        value = read_checkpoint(io.BytesIO(content), name='mutant')
        result = 'read'
    except UntrustedCheckpointError:
        result = 'refused'
    except DamagedCheckpointError:
        result = 'damaged'
    except BaseException as error:
        result = f'failed: {type(error).__name__}: {error}'[:200]
    events, seen[:] = seen[1:], []
    if events:
        return f'failed: it did {", ".join(sorted(set(events)))}'
    if result == 'read':
        try:
            touched(value)
        except Exception as error:
            return f'failed: its values raise {type(error).__name__}: {error}'[:200]
    return result


seen: list[str] = []  # empty where nothing is watched


def watch(event: str, arguments: tuple) -> None:
    """Note what a reader must not do."""
    if seen and event.startswith(FORBIDDEN):
        seen.append(f'{event} {arguments[:1]}'[:80])


def work(folder: str, first: int, count: int, seed: int) -> dict[str, Any]:
    """Read some mutants in this process, whose memory and time it limits.

    Returns:
        dict[str, Any]: ``counts`` of endings, ``failures`` by number, ``slowest`` in seconds.
    """
    import plugin  # noqa: F401
    seeds = {path.name: path.read_bytes() for path in sorted(Path(folder).glob('seed_*'))}
    read(next(iter(seeds.values())))  # what is imported late is no deed of a file
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, ) * 2)
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    resource.setrlimit(resource.RLIMIT_CPU, (int(used) + SECONDS, ) * 2)
    sys.addaudithook(watch)
    warnings.simplefilter('ignore')
    counts: Counter[str] = Counter()
    failures, slowest, progress = {}, 0.0, Path(folder) / f'at_{first}'
    for number in range(first, first + count):
        progress.write_text(str(number))
        content = mutant(seeds, number, seed)
        begin = time.perf_counter()
        result = read(content)
        slowest = max(slowest, time.perf_counter() - begin)
        counts[result.partition(':')[0]] += 1
        if result.startswith('failed'):
            failures[number] = result
    return dict(counts=counts, failures=failures, slowest=slowest)


def prepare(folder: Path) -> Path:
    """Write the files to start from; returns the one that must never appear."""
    marker = folder / 'marker'
    hostile_checkpoints.LONG = 3000
    # so many honest ones that they are half of all
    contents = [*list(honest().values()) * 15, *hostile_checkpoints.hostile(marker).values()]
    for place, content in enumerate(contents):
        (folder / f'seed_{place:03d}').write_bytes(content)
    return marker


def main(argv: list[str] | None = None) -> int:
    """Read all mutants; returns 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--mutants', type=int, default=10_000)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--work', nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.work:
        folder, first, count = args.work
        print(json.dumps(work(folder, int(first), int(count), args.seed)))
        return 0
    total: Counter[str] = Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as name:
        marker = prepare(Path(name))
        for title, content in honest().items():
            print(f'{title}: {read(content)}')
        for first in range(0, args.mutants, BATCH):
            count = min(BATCH, args.mutants - first)
            done = subprocess.run(
                [sys.executable, __file__, '--seed', str(args.seed), '--work', name, str(first),
                 str(count)], capture_output=True, text=True, check=False)
            if done.returncode:
                at = Path(name) / f'at_{first}'  # not there if it did not even begin
                print(f'mutant {at.read_text() if at.is_file() else first}: the process ended with '
                      f'{done.returncode}: {done.stderr.strip()[-300:]}')
                total['ended the process'] += 1
                continue
            result = json.loads(done.stdout.splitlines()[-1])
            total.update(result['counts'])
            slowest = max(slowest, result['slowest'])
            for number, what in result['failures'].items():
                print(f'mutant {number}: {what}')
        executed = marker.exists()
    print(', '.join(f'{count} {what}' for what, count in total.most_common()), end='; ')
    print(f'slowest {slowest:.2f} s; {"code was run" if executed else "no code was run"}')
    return int(executed or total['failed'] + total['ended the process'] > 0)


if __name__ == '__main__':
    sys.exit(main())
