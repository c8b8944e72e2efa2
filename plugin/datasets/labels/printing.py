"""What a conversion of labels found and wrote, on a terminal or in a file."""
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from plugin.utils import first_few
from plugin.utils.console import cell, say

from .coco_builder import LabelFinding
from .convert import Conversion
from .to_labelme import LabelMeFiles


def print_findings(findings: Sequence[LabelFinding]) -> None:
    """Print the findings as a table, and their number."""
    if not findings:
        say('nothing to mend: every label is taken as it was drawn')
        return
    console = Console()
    if not console.is_terminal:
        # a file or a pipe has no width: one line a finding
        console = Console(width=10 ** 6)
    table = Table('file', 'shape', 'what', 'why')
    for finding in findings:
        table.add_row(*map(cell, (finding.file or '(all)', finding.shape, finding.action,
                                  finding.reason)))
    console.print(table)
    counts = Counter(finding.action for finding in findings)
    say(', '.join(f'{count} {action}' for action, count in counts.items()))


def print_conversion(done: Conversion) -> None:
    """Print what was wrong with labels, and what the COCO file holds."""
    print_findings(done.findings)
    animals = ', '.join(f'{count} {name}' for name, count in done.instances.items())
    say(f'{done.path}: {done.images} image{"s" * (done.images != 1)}, {done.empty} of them '
        f'without animals; {animals}')


def print_labelme(out: object, done: LabelMeFiles) -> None:
    """Print how many LabelMe files there are now in the folder ``out``, and which were kept."""
    if done.blank:
        say(f'{done.blank} predictions cover no pixel and are left out')
    say(f'{out}: {len(done.written)} LabelMe files with {done.instances} animals')
    if done.kept:
        say(f'{len(done.kept)} were there and stay as they are (--overwrite replaces them): '
            f'{first_few(sorted(path.name for path in done.kept))}')
