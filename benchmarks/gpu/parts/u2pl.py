"""U2PL after the logits against the published algorithm, at the size of VOC."""
from collections.abc import Iterator
from pathlib import Path

import bench_u2pl
from gpu.common import Row, attempt, free

SMALL = ['--size', '65', '--channels', '8', '--capacity', '300', '--background-capacity', '400',
         '--pictures', '2', '--anchors', '5', '--negatives', '6', '--steps', '1']


def measure(*, device: str, quick: bool, kit: Path | None) -> Iterator[Row]:
    """Yield seconds of both, how many times ours is faster (the aim is 10), and peak memory."""
    args = bench_u2pl.parse([*(SMALL if quick else []), '--device', device, '--let-wait'])
    yield attempt('time', lambda: _times(args))
    for name in bench_u2pl.METHODS:
        free(device)
        yield attempt(f'peak memory, {name}', lambda name=name: dict(
            peak_mb=bench_u2pl.measure_memory(name, args)))


def _times(args) -> Row:
    seconds = bench_u2pl.measure_time(args)
    row = {f'{name}_{part}_ms': 1e3 * value for name, parts in seconds.items()
           for part, value in parts.items()}
    for part in ('total', 'features'):
        row[f'times_faster_{part}'] = seconds['published'][part] / seconds['ours'][part]
    return row
