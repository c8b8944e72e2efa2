"""What the doctor says: a report on a terminal or as JSON, and a table of class weights."""
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plugin.utils import write_atomically
from plugin.utils.console import cell, say

from .class_counts import absent_classes
from .findings import ClassCounts, Finding, PartCounts, Report
from .training import size
from .weighing import ClassWeights

SHOWN = 5
COLOURS = dict(error='bold red', warning='bold yellow', note='bold cyan')


def print_report(report: Report, console: Console | None = None) -> None:
    """Print what the data is, then what was found, the worst last to stay in sight.

    Args:
        report (Report): The report.
        console (Console, optional): Where to; defaults to the standard output.
    """
    console = console or Console()
    names = list(dict.fromkeys(row['name'] for part in report.parts for row in part['classes']))
    if names:
        console.print(_table(report.parts, names))
    elif report.parts:
        console.print(cell(', '.join(f'{part["name"]}: {part["pictures"]} images'
                                     for part in report.parts)))
    for line in _facts(report.facts):
        console.print(Text(line))
    for finding in reversed(report.sorted()):
        _print_finding(finding, console)
    images = sum(part['pictures'] for part in report.parts)
    counts = ', '.join(_counted(number, name) for name, number in report.counts.items())
    console.print(Text(f'\n{_counted(images, "image")}: {counts}'))


def write_report(report: Report, file: str | Path | None = None) -> None:
    """Print a report, and write it as JSON.

    Args:
        report (Report): The report.
        file (str | Path, optional): The JSON file to write as well; ``'-'`` prints the JSON
            instead of the words. Defaults to None: no JSON.

    Raises:
        OSError: If the file cannot be written.
    """
    text = json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + '\n'
    if file == '-':
        sys.stdout.write(text)
        return
    print_report(report)
    if file:
        write_atomically(file, text)


def print_weights(found: ClassWeights) -> None:
    """Show in how many images and on how many pixels each class is, and what it weighs."""
    table = Table('class')
    for name in ('images', 'pixels', 'weight'):
        table.add_column(name, justify='right')
    for k, (name, weight) in enumerate(found.weights.items()):
        column = found.pixels[:, k]
        table.add_row(cell(name), f'{(column > 0).sum():,}', f'{column.sum():,}', str(weight))
    Console().print(table)
    absent = absent_classes(list(found.weights), found.pixels)
    if absent:
        say(f'no image of the training set shows {", ".join(absent)}: weight 0')
    say(f'class_weight={list(found.weights.values())}')


def _counted(number: int, name: str) -> str:
    return f'{number} {name}' + 's' * (number != 1)


def _table(parts: Sequence[PartCounts], names: Sequence[str]) -> Table:
    """Of each part and class its pixels or objects, and the images that show it."""
    table = Table('class', title_justify='left')
    for part in parts:
        table.add_column(cell(part["name"]).append(f'\n{_counted(part["pictures"], "image")}'),
                         justify='right')
    rows = [{row['name']: row for row in part['classes']} for part in parts]
    totals = [sum(row['pixels'] or 0 for row in part['classes']) for part in parts]
    for name in names:
        table.add_row(cell(name), *(_cell(row.get(name), total)
                                    for row, total in zip(rows, totals)))
    return table


def _cell(row: ClassCounts | None, total: int) -> Text:
    if row is None:
        return Text('')
    if row['objects'] is not None:
        return Text(f'{row["objects"]} in {row["pictures"]}')
    share = (row['pixels'] or 0) / total if total else 0.
    # a class of few pixels must not look like one of none
    return Text(f'{share:.3%}' if 0 < share < 0.0005 else f'{share:.1%}').append(
        f' in {row["pictures"]}')


def _facts(facts: dict[str, Any]) -> list[str]:
    lines = []
    if 'checkpoints_bytes' in facts:
        lines.append(f'checkpoints to come: {size(facts["checkpoints_bytes"])} '
                     f'({size(facts["checkpoint_bytes"])} each), free: {size(facts["free_bytes"])}')
    if 'bank_bytes' in facts:
        lines.append(f'memory bank: {size(facts["bank_bytes"])} '
                     f'of {size(facts["memory_bytes"])}')
    return lines


def _print_finding(finding: Finding, console: Console) -> None:
    head = Text(f'\n{finding.severity}', style=COLOURS[finding.severity])
    head.append(f' {finding.code}', style='bold')
    if finding.count > 1:
        head.append(f' ({finding.count} places)', style='default')
    console.print(head, soft_wrap=True)
    console.print(Text(f'  {finding.message}'), soft_wrap=True)
    if finding.count > 1:
        for place in finding.places[:SHOWN]:
            console.print(Text(f'    {place}'), soft_wrap=True)
        if finding.count > SHOWN:
            console.print(Text(f'    ... and {finding.count - SHOWN} more'))
    if finding.cure:
        console.print(Text(f'  cure: {finding.cure}'), soft_wrap=True)
