"""The pages for people: their blocks, the commands in them, and what they point to."""
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.helpers.paths import ROOT

PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
FENCE = re.compile(r'^```(\w*)\n(.*?)^```$', re.MULTILINE | re.DOTALL)
LINK = re.compile(r'!?\[[^\]]*\]\(([^)\s]+)\)')
SETTING = re.compile(r'[A-Z][A-Z0-9_]*=')


class Block(NamedTuple):
    """A fenced block: the number of its first line, its language, and what it holds."""

    line: int
    language: str
    text: str


class Command(NamedTuple):
    """What is typed: the variables before it, and its words as bash makes them."""

    env: dict[str, str]
    words: list[str]


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    text = page.read_text(encoding='utf-8')
    return [Block(text.count('\n', 0, found.start()) + 2, found[1], found[2])
            for found in FENCE.finditer(text)]


def without_blocks(page: Path) -> str:
    """The words of a page between its blocks."""
    return FENCE.sub('', page.read_text(encoding='utf-8'))


def lines_of(block: Block) -> Iterator[tuple[int, str]]:
    """The commands of a block with the numbers of their lines, long ones in one piece."""
    number = block.line
    for text in re.sub(r'\\\n', '\\\\\0', block.text).split('\n'):
        if text.strip():
            yield number, re.sub(r'\\\0\s*', '', text).strip()
        number += 1 + text.count('\0')


def parse(line: str, folder: Path) -> Command:
    """Let bash read a command: quotes, globs in ``folder``, and comments."""
    env = {}
    while SETTING.match(line):
        # a value may be quoted, so bash finds its end
        name, rest = line.split('=', 1)
        value = re.match(r"'[^']*'|\S*", rest)[0]
        env[name], line = value.strip("'"), rest[len(value):].lstrip()
    shown = subprocess.run(['bash', '-c', f"printf '%s\\0' {line}\n"], cwd=folder, text=True,
                           capture_output=True, check=True)
    return Command(env, shown.stdout.split('\0')[:-1])


def file_of(block: Block) -> str:
    """The name of the file that a block of Python is, from its first line; '' of others."""
    found = re.match(r'# (\S+\.py)\n', block.text)
    return found[1] if found else ''


def links_of(page: Path) -> list[str]:
    """What a page points to, addresses in the network left out."""
    return [link for link in LINK.findall(without_blocks(page)) if '://' not in link]


def anchors_of(page: Path) -> set:
    """The names of the headings of a page, as the places that host pages make them."""
    heads = re.findall(r'^#+ (.+)$', without_blocks(page), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', head.lower()).replace(' ', '-') for head in heads}
