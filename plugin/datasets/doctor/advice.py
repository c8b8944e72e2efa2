"""Settings that should follow the data, as the text of a config."""
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Advice(NamedTuple):
    """A setting that should follow the data.

    Attributes:
        key (tuple[str, ...]): Where it is in the config.
        value (Any): What it should be; None where it stays as it is.
        reason (str): Why.
    """

    key: tuple[str, ...]
    value: Any
    reason: str


def config_text(base: str, advice: Sequence[Advice]) -> str:
    """The config: its base, and nested settings with their reasons."""
    tree: dict[str, Any] = {}
    lines = ['# Settings that follow the data, proposed by tools/plan.py.', f'_base_ = {base!r}']
    for one in advice:
        if one.value is None:
            lines += _comment(one.reason, '')
            continue
        node = tree
        for key in one.key[:-1]:
            node = node.setdefault(key, {})
        node[one.key[-1]] = one
    for name, node in tree.items():
        lines += [f'{name} = dict(', *_nested(node, 1), ')']
    return '\n'.join(lines) + '\n'


def _nested(node: Mapping[str, Any], depth: int) -> list[str]:
    indent = '    ' * depth
    lines: list[str] = []
    for key, value in node.items():
        if isinstance(value, Advice):
            lines += _comment(value.reason, indent)
            steps = value.value if isinstance(value.value, list) and any(
                isinstance(step, dict) for step in value.value) else None
            lines += [f'{indent}{key}={value.value!r},'] if steps is None else [
                f'{indent}{key}=[', *(f'{indent}    {step!r},' for step in steps), f'{indent}],']
        else:
            lines += [f'{indent}{key}=dict(', *_nested(value, depth + 1), f'{indent}),']
    return lines


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, 98, initial_indent=f'{indent}# ', subsequent_indent=f'{indent}#   ')
