"""What a conversion of labels found and wrote, on a terminal or in a file."""
import re
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from plugin.utils import first_few
from plugin.utils.console import cell, say

from .coco_builder import LabelFinding
from .convert import Conversion
from .to_labelme import LabelMeFiles

# what is no longer there is named, however much it is
LOSSES = ('dropped', 'left out')
SHOWN = 5


def print_findings(findings: Sequence[LabelFinding], by_kind: bool = False) -> None:
    """Print the findings as a table, and their number.

    Args:
        findings (Sequence[LabelFinding]): What was found.
        by_kind (bool): One line a kind, with its first examples, and with the name of everything
            that is lost. Defaults to False: one line a finding.
    """
    if not findings:
        say('nothing to mend: every label is taken as it was drawn')
        return
    console = Console()
    if not console.is_terminal:
        # a file or a pipe has no width: one line a finding
        console = Console(width=10 ** 6)
    table = Table('file', 'shape', 'what', 'why')
    for finding in kinds(findings) if by_kind else findings:
        table.add_row(*map(cell, (finding.file or '(all)', finding.shape, finding.action,
                                  finding.reason)))
    console.print(table)
    counts = Counter(finding.action for finding in findings)
    say(', '.join(f'{count} {action}' for action, count in counts.items()))


def kinds(findings: Sequence[LabelFinding]) -> list[LabelFinding]:
    """One finding a kind: the first, with the number and the names of the others."""
    groups: dict[tuple[str, str], list[LabelFinding]] = {}
    for one in findings:
        # what has digits, slashes or quotes is a number or a name
        words = re.sub(r"'[^']*'|\S*[\d/\\.]\S*", '#', one.reason)
        groups.setdefault((one.action, words), []).append(one)
    rows = []
    for (action, _), group in groups.items():
        first = group[0]
        reason = first.reason
        if len(group) > 1:
            named = [f'{one.file} {one.shape}'.strip() or '(all)' for one in group]
            shown = first_few(named, len(named) if action in LOSSES else SHOWN)
            reason = f'{reason} ({len(group)} such: {shown})'
        rows.append(LabelFinding(first.file, first.shape, action, reason))
    return rows


def print_conversion(done: Conversion, by_kind: bool = False) -> None:
    """Print what was wrong with labels, and what the COCO file holds."""
    print_findings(done.findings, by_kind)
    animals = ', '.join(f'{count} {name}' for name, count in done.instances.items())
    crowds = f', {done.crowds} crowd{"s" * (done.crowds > 1)}' if done.crowds else ''
    regions = f', {done.regions} region{"s" * (done.regions > 1)} to ignore' if done.regions else ''
    say(f'{done.path}: {done.images} image{"s" * (done.images != 1)}, {done.empty} of them '
        f'without animals; {animals}{crowds}{regions}')


def print_labelme(out: object, done: LabelMeFiles) -> None:
    """Print how many LabelMe files there are now in the folder ``out``, and which were kept."""
    for note in done.notes:
        say(note)
    if done.blank:
        say(f'{done.blank} predictions cover no pixel and are left out')
    say(f'{out}: {len(done.written)} LabelMe files with {done.instances} animals')
    if done.kept:
        say(f'{len(done.kept)} were there and stay as they are (--overwrite replaces them): '
            f'{first_few(sorted(path.name for path in done.kept))}')
