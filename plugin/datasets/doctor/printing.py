"""A report on a terminal, or in a file."""
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .findings import Finding, Report
from .training import size

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
        console.print(Text(', '.join(f'{part["name"]}: {part["images"]} images'
                                     for part in report.parts)))
    for line in _facts(report.facts):
        console.print(Text(line))
    for finding in reversed(report.sorted()):
        _print_finding(finding, console)
    images = sum(part['pictures'] for part in report.parts)
    counts = ', '.join(_counted(number, name) for name, number in report.counts.items())
    console.print(Text(f'\n{_counted(images, "image")}: {counts}'))


def _counted(number: int, name: str) -> str:
    return f'{number} {name}' + 's' * (number != 1)


def _table(parts: list[dict[str, Any]], names: list[str]) -> Table:
    """Of each part and class its pixels or objects, and the images that show it."""
    table = Table('class', title_justify='left')
    for part in parts:
        table.add_column(Text(f'{part["name"]}\n{_counted(part["images"], "image")}'),
                         justify='right')
    rows = [{row['name']: row for row in part['classes']} for part in parts]
    totals = [sum(row['pixels'] or 0 for row in part['classes']) for part in parts]
    for name in names:
        table.add_row(Text(name), *(_cell(row.get(name), total)
                                    for row, total in zip(rows, totals)))
    return table


def _cell(row: dict[str, Any] | None, total: int) -> Text:
    if row is None:
        return Text('')
    if row['objects'] is not None:
        return Text(f'{row["objects"]} in {row["images"]}')
    share = row['pixels'] / total if total else 0.
    # a class of few pixels must not look like one of none
    return Text(f'{share:.3%}' if 0 < share < 0.0005 else f'{share:.1%}').append(
        f' in {row["images"]}')


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
