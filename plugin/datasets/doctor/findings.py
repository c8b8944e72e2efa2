"""What the doctor found: how bad it is, where, and what helps."""
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypedDict

from plugin.utils import UserError
from plugin.utils.errors import cause_and_cure
from plugin.utils.text import printable, shortened

SEVERITIES = ('error', 'warning', 'note')
# places of a finding that are kept; their number is kept in any case
KEPT = 50
SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """Something to know about the data.

    Attributes:
        severity (str): ``error``: the training would stop or learn something wrong; ``warning``:
            it would learn less, or the scores would say less; ``note``: a fact.
        code (str): The sort of finding, as ``label-colours``.
        message (str): What is the matter, told of the first place.
        places (tuple[str]): The first places, at most 50.
        count (int): Number of all places.
        cure (str): What to do; '' for a fact that needs none.
    """

    severity: str
    code: str
    message: str
    places: tuple[str, ...]
    count: int
    cure: str

    @property
    def sentence(self) -> str:
        """Message, cure and the first places in one sentence."""
        text = f'{self.message}: {self.cure}' if self.cure else self.message
        if self.count < 2:
            return text
        dots = ', ...' if self.count > SHOWN else ''
        return f'{text} ({self.count} places: {", ".join(self.places[:SHOWN])}{dots})'


class ClassCounts(TypedDict):
    """How often a class occurs: ``pictures`` that show it, ``pixels``, ``objects``.

    What is not counted is None: pixels of outlines, objects of label maps.
    """

    name: str
    pictures: int
    pixels: int | None
    objects: int | None


class PartCounts(TypedDict):
    """What a part of the data holds: number of ``pictures``, and its classes."""

    name: str
    role: str
    pictures: int
    classes: list[ClassCounts]


class Report:
    """All findings on a set of data.

    Attributes:
        findings (list[Finding]): In the order in which they were found.
        parts (list[PartCounts]): What each part holds.
        facts (dict): Other numbers by their names, as ``checkpoint_bytes``.
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.parts: list[PartCounts] = []
        self.facts: dict[str, Any] = {}

    def add(self, severity: str, code: str, message: str, places: Sequence[str],
            cure: str = '') -> None:
        """Add a finding; names that are no UTF-8 are escaped.

        Raises:
            UserError: If the severity is none, or there is no place.
        """
        if severity not in SEVERITIES:
            raise UserError(f'severity {severity!r} is none of {", ".join(SEVERITIES)}')
        if not places:
            raise UserError(f'finding {code} has no place: name the file, part or option')
        self.findings.append(Finding(
            severity, code, readable(message), tuple(readable(place) for place in places[:KEPT]),
            len(places), readable(cure)))

    def add_error(self, code: str, error: Exception, place: str,
                  severity: str = 'error') -> None:
        """Add an exception, as an error or less, with its cure where this project wrote it."""
        message, cure = cause_and_cure(error)
        self.add(severity, code, message, [place], cure)

    @property
    def counts(self) -> dict[str, int]:
        """Number of findings of each severity."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity: found[severity] for severity in SEVERITIES}

    def stop(self) -> None:
        """Raise for the first error.

        Raises:
            UserError: If there is one; in one sentence.
        """
        for finding in self.findings:
            if finding.severity == 'error':
                raise UserError(finding.sentence)

    def sorted(self) -> list[Finding]:
        """The findings, the worst first."""
        return sorted(self.findings, key=lambda one: SEVERITIES.index(one.severity))

    def as_dict(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return dict(counts=self.counts,
                    findings=[dict(asdict(one), places=list(one.places))
                              for one in self.sorted()],
                    parts=self.parts, facts=self.facts)


def readable(text: str) -> str:
    """The text as people may see it; no more than a page of it."""
    return printable(shortened(text))
