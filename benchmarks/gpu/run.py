"""All that is to be measured on a GPU, in one command that ends in time.

    python benchmarks/gpu/prepare.py ...     # where there is a network: makes the kit
    benchmarks/gpu/run.sh gpu_kit results    # on the machine with the GPU

Each part runs in a process of its own, with its own time limit: a hang or a broken GPU context
costs that part alone. ``results.json`` is written after each part, ``table.md`` with it.
``--cpu --quick`` runs the same on the processor with small sizes, which tells no speed.
"""
import argparse
import json
import multiprocessing
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .processes import Where, preload, run_part
from .tables import failures, markdown

# seconds that each part may take; together they are more than there is, as few take all of it
PARTS = dict(machine=40, equal=50, u2pl=60, waits=60, fcn8s=60, detectors=110, resume=90,
             families=150, predict=75, auto_batch=90, camvid=240)
SECONDS = 450


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts; returns 0 if nothing failed."""
    args = parse(argv)
    # ended from outside, it ends the part that runs
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    args.out.mkdir(parents=True, exist_ok=True)
    where = Where('cpu' if args.cpu else 'cuda', args.quick, args.kit)
    if args.cpu:
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    method = 'fork'
    if not args.cpu and not _works('fork'):
        method = 'spawn'
        if not _works('spawn'):
            raise SystemExit('error: no GPU works here; --cpu --quick rehearses without one.')
    results = run_all(args.only or list(PARTS), where, args.out, seconds=args.seconds,
                      method=method)
    told = list(failures(results))
    print(f'{len(told)} failures; {args.out}/table.md', *told, sep='\n  ')
    return int(bool(told))


def run_all(parts: Sequence[str], where: Where, out: Path, *, seconds: float = SECONDS,
            method: str = 'fork') -> dict[str, Any]:
    """Run parts one after the other, and write what is known after each.

    Args:
        parts (Sequence[str]): Names of :data:`PARTS`.
        where (Where): Device, size and pictures.
        out (Path): Folder of the results.
        seconds (float): After so many no further part begins, and the last one ends.
        method (str): See :func:`run_part`.
    """
    begin = time.monotonic()
    if method == 'fork':
        preload()
    log = out / 'log.txt'
    results: dict[str, Any] = dict(
        device=where.device, quick=where.quick, card=platform.processor() or platform.machine(),
        started=datetime.now(timezone.utc).isoformat(timespec='seconds'), method=method, parts={})
    for name in parts:
        left = seconds - (time.monotonic() - begin)
        limit = min(PARTS[name], left) if not where.quick or where.device == 'cuda' else left
        if left <= 0:
            result = dict(state='skipped', seconds=0, limit=PARTS[name], rows=[],
                          error='no time was left')
        else:
            result = run_part(name, limit, where, log=log, method=method)
        results['parts'][name] = result
        for row in result['rows']:
            results['card'] = row.get('card', results['card'])
        results['seconds'] = round(time.monotonic() - begin, 1)
        _write(out / 'results.json', json.dumps(results, indent=1))
        _write(out / 'table.md', markdown(results))
        print(f'{name}: {result["state"]}, {result["seconds"]} s', flush=True)
    return results


def _works(method: str) -> bool:
    """Whether a process that is started so can use the GPU."""
    if method == 'fork':
        preload()
    process = multiprocessing.get_context(method).Process(target=_touch)
    process.start()
    process.join(60)
    if process.is_alive():
        process.kill()
    return process.exitcode == 0


def _touch() -> None:
    import torch
    print(torch.zeros(1, device='cuda').item(), torch.cuda.get_device_name(), flush=True)


def _write(path: Path, text: str) -> None:
    """Replace a file at once: this process may be ended at any moment."""
    with tempfile.NamedTemporaryFile('w', dir=path.parent, delete=False) as file:
        file.write(text)
    os.replace(file.name, path)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', type=Path, required=True, help='folder of the results')
    parser.add_argument('--kit', type=Path, help='what prepare.py made; some parts need it')
    parser.add_argument('--cpu', action='store_true', help='on the processor')
    parser.add_argument('--quick', action='store_true', help='small sizes, which tell no speed')
    parser.add_argument('--only', nargs='+', choices=list(PARTS), metavar='PART',
                        help=f'some of {", ".join(PARTS)}')
    parser.add_argument('--seconds', type=float, default=SECONDS, help=f'in all [{SECONDS}]')
    return parser.parse_args(argv)


if __name__ == '__main__':
    sys.exit(main())
