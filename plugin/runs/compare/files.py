"""What a comparison leaves: numbers, a table, and a page."""
import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plugin.inference.tables import no_formula
from plugin.utils import write_atomically
from plugin.utils.console import say, warn
from plugin.visualization.report import write_report

from ..processes import shown_command
from .results import MEASURED
from .runs import Run
from .tables import notes, tables, to_markdown

HEAD = ('config', 'network', 'rate', 'seed', 'checkpoint', 'part', 'score', 'value')


def write_results(found: Mapping[str, Any], work_dir: Path) -> list[Path]:
    """Write ``table.md``, ``results.json`` and ``results.csv``; returns their paths."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(HEAD)
    writer.writerows(_lines(found))
    contents = {'table.md': to_markdown(found), 'results.csv': text.getvalue(),
                'results.json': json.dumps(found, indent=1, ensure_ascii=False) + '\n'}
    for name, content in contents.items():
        write_atomically(work_dir / name, content)
    return [work_dir / name for name in contents]


def _lines(found: Mapping[str, Any]) -> Iterator[list[Any]]:
    """A line for each value: of the compared score, and of the others of the last checkpoint."""
    for row in found['rows']:
        head = [no_formula(row['config']), row['network'], row['rate']]
        for place, seed in enumerate(found['seeds']):
            for key, which, part in MEASURED:
                if key in row:
                    yield [*head, seed, which, part, no_formula(found['score']),
                           row[key]['values'][place]]
            for name, summary in row['scores'].items():
                if name != found['score']:
                    yield [*head, seed, 'last', found['part'], no_formula(name),
                           summary['values'][place]]


def write_page(found: Mapping[str, Any], runs: Sequence[Run], page: Path) -> None:
    """Write one page: the tables, then curves and images of one run each.

    The numbers are safe without it: where it cannot be written that is a warning.

    Args:
        found (Mapping): What :func:`~.results.gather` returns.
        runs (Sequence[Run]): The runs that are shown, of each method the first.
        page (Path): The file.
    """
    folders = [run.folder for run in runs]
    seeds = sorted({run.seed for run in runs})
    of_seeds = f'seed{"s" * (len(seeds) > 1)} {", ".join(map(str, seeds))}'
    try:
        left_out = write_report(
            folders, page, names=[run.method.name for run in runs],
            comparison=dict(tables=tables(found), notes=notes(found),
                            hint=f'Below: curves, images and settings of {of_seeds}.'))
    except (ImportError, OSError, ValueError) as error:
        again = ' '.join([*shown_command('report'), *map(str, folders), '--out', str(page)])
        warn(f'{page} was not written ({error}); without its tables it is made by {again}')
    else:
        for note in left_out:
            say(f'note: {note}')
        say(f'wrote {page}')
