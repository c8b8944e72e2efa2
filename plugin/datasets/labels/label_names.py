"""Which labels are taken, and under which names."""
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from plugin.utils import UserError, first_few

from .regions import IGNORE
from .shapes import label_key


class LabelNames:
    """Chooses the classes of a set from the labels that people typed.

    Labels that differ only in case, outer spaces or Unicode form are one class, under its most
    frequent spelling.

    Args:
        wanted (Sequence[str]): Take only these, in this order and spelling. Defaults to ():
            all that occur, by the alphabet.
        name (str, optional): Call all that is taken by this one name.

    Raises:
        UserError: If ``wanted`` names a class twice, or a name is empty or ``ignore``.
    """

    def __init__(self, wanted: Sequence[str] = (), name: str | None = None) -> None:
        self._wanted = {label_key(label): label.strip() for label in wanted}
        if '' in self._wanted or name is not None and not name.strip():
            raise UserError('a class has an empty name: write it out, or leave it away')
        if IGNORE in (*self._wanted, label_key(name or '')):
            raise UserError(f'the label {IGNORE!r} marks regions to ignore and is no class: call '
                            'the class by another name')
        if len(self._wanted) < len(wanted):
            raise UserError(f'the labels {", ".join(wanted)} name a class more than once: '
                            'case and spaces make no difference')
        self._name = name if name is None else name.strip()
        self._spellings: dict[str, Counter] = defaultdict(Counter)
        self._first: dict[str, str] = {}
        self._others: Counter = Counter()
        self._declared: dict[str, str] = {}

    def declare(self, label: str) -> None:
        """Make a label a class, in the order of these calls, even if no instance has it."""
        self._declared.setdefault(label_key(label), label.strip())

    def asks_for(self, label: str) -> bool:
        """Whether shapes with a label are taken; regions to ignore always are."""
        key = label_key(label)
        return key == IGNORE or not self._wanted or key in self._wanted

    def take(self, label: str, file: str) -> str | None:
        """Count a label and say under which it goes on; None if it is not wanted.

        Args:
            label (str): As it was typed.
            file (str): Where, for the report.
        """
        key = label_key(label)
        if not self.asks_for(label):
            self._others[label] += 1
            return None
        self._spellings[key][label] += 1
        self._first.setdefault(label, file)
        return label if self._name is None else self._name

    def classes(self, used: Sequence[str]) -> dict[str, str]:
        """Names of the classes by the keys of their labels, in the order of their ids.

        Args:
            used (Sequence[str]): Labels that instances have; others make no class unless
                they are wanted.

        Returns:
            dict[str, str]: Name by :func:`~plugin.datasets.labels.shapes.label_key`.

        Raises:
            UserError: If there is no class, or none of the wanted labels occurs.
        """
        if self._wanted and self._others and not self._spellings:
            raise UserError(f'none of the labels {", ".join(self._wanted.values())} occurs; '
                            f'there are {first_few(sorted(self._others))}')
        if self._name is not None:
            return {label_key(self._name): self._name}
        if self._wanted:
            return dict(self._wanted)
        keys = {label_key(label) for label in used}
        if not keys and not self._declared:
            raise UserError('no animal is left: name the class to write a set of images '
                            'without animals')
        named = {key: self._spelling(key) for key in keys}
        declared = {key: named.get(key, name) for key, name in self._declared.items()}
        return {**declared, **dict(sorted(named.items(), key=lambda item: item[1]))}

    def report(self, tell: Callable[[str, str, str], None]) -> None:
        """Tell of labels that were taken as others, or not at all.

        Args:
            tell (callable): Is told file, action and reason.
        """
        for key, spellings in sorted(self._spellings.items()):
            spelling = self._wanted.get(key) or self._spelling(key)
            for label, count in spellings.items():
                if label != spelling and self._name is None:
                    tell(self._first[label], 'merged',
                         f'label {label!r}, {_shapes(count)} in all, is taken as {spelling!r}')
        for label, count in sorted(self._others.items()):
            tell('', 'note', f'label {label!r}, {_shapes(count)}, is not among those asked for')
        absent: list[str] = [name for key, name in self._wanted.items()
                             if key not in self._spellings]
        if absent:
            tell('', 'note', f'there is no shape of {", ".join(absent)}')

    def _spelling(self, key: str) -> str:
        """The most frequent spelling of a label, without outer spaces."""
        stripped: Counter = Counter()
        for label, count in self._spellings[key].items():
            stripped[label.strip()] += count
        return min(stripped, key=lambda label: (-stripped[label], label))


def _shapes(count: int) -> str:
    return f'{count} shape' + 's' * (count > 1)
