"""Results as a Markdown table, and what of them is a failure."""
from collections.abc import Iterator
from typing import Any

from .common import Row


def failed(row: Row) -> bool:
    """Whether a row tells of something that did not work, or not as it must."""
    return bool('error' in row or row.get('equal') is False or row.get('finite') is False
                or row.get('not_finite'))


def failures(results: dict[str, Any]) -> Iterator[str]:
    """One sentence for each failure, those of whole parts too."""
    for part, result in results['parts'].items():
        if result['state'] != 'done':
            yield ' '.join([f'{part}: {result["state"]} after {result["seconds"]} s',
                            result.get('error', '')])
        for row in filter(failed, result['rows']):
            yield f'{part}, {row["name"]}: ' + row.get('error', figures(row))


def markdown(results: dict[str, Any]) -> str:
    """All parts with their rows, and a list of failures at the end."""
    lines = [f'{results["card"]}, {results["started"]}'
             + (', quick: sizes that tell no speed' if results['quick'] else ''), '']
    for part, result in results['parts'].items():
        lines += [f'### {part}: {result["state"]}, {result["seconds"]} s of {result["limit"]:g}',
                  '', '| | |', '|---|---|',
                  *(f'| {row["name"]} | {_cell(row)} |' for row in result['rows']), '']
    lines += [f'### Failures: {len(told := list(failures(results)))}', '',
              *(f'- {one}'.replace('\n', ' ') for one in told)]
    return '\n'.join(lines) + '\n'


def _cell(row: Row) -> str:
    text = figures(row)
    if 'error' in row:
        text = f'**{row["error"]}** at ' + '; '.join(row.get('places', [])[:2])
    return text.replace('\n', ' ').replace('|', '/')


def figures(row: Row) -> str:
    """The numbers of a row in words."""
    return ', '.join(f'{key} {_number(value)}' for key, value in row.items()
                     if key not in ('name', 'error', 'places') and value is not None)


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f'{value:.4g}'
    if isinstance(value, list):
        return '[' + ', '.join(map(_number, value)) + ']'
    return str(value)
