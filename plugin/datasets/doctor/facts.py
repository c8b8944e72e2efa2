"""What was seen of a whole data set, in a form that can be remembered until the next start."""
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from .depth import Deep, Extremes
from .file_checker import FileChecker
from .findings import readable
from .seen import Seen

KEPT = 50  # names of a list


@dataclass
class DeepFacts:
    """Images of one kind that are not read as a whole.

    Attributes:
        deep (Deep): How they are kept; its ranges are those of all of them.
        names (list[str]): The first of them.
        count (int): How many there are.
    """

    deep: Deep
    names: list[str]
    count: int


@dataclass
class SetFacts:
    """What was seen of the N images of a data set.

    Attributes:
        count (int): N.
        values (dict[int, str]): Values of the label maps as stored, with the first label each.
        present (list[int]): Class ids that occur, sorted.
        has_labels (bool): Whether there are label maps.
        labels (list[str]): The first label maps.
        empty (list[str]): The first labels without a pixel of any class.
        empty_count (int): How many there are.
        label_count (int): How many label maps there are.
        sizes (dict[str, str]): ``WxH`` of the images as loaded, with the first image each.
        deep (list[DeepFacts]): Kinds of images that are not read as a whole.
    """

    count: int = 0
    values: dict[int, str] = field(default_factory=dict)
    present: list[int] = field(default_factory=list)
    has_labels: bool = False
    labels: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    empty_count: int = 0
    label_count: int = 0
    sizes: dict[str, str] = field(default_factory=dict)
    deep: list[DeepFacts] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return asdict(self)

    @classmethod
    def of_dict(cls, content: Mapping[str, Any]) -> 'SetFacts':
        """What :meth:`as_dict` returned, read from JSON.

        Raises:
            KeyError, TypeError, ValueError: If it is something else.
        """
        facts = cls(**content)
        facts.values = {int(value): name for value, name in facts.values.items()}
        facts.deep = [DeepFacts(Deep.of_list(one['deep']), one['names'], one['count'])
                      for one in content['deep']]
        return facts


class UsedSet(NamedTuple):
    """A data set as a config uses it.

    Attributes:
        where (str): What messages call it, as ``the training set``.
        role (str): ``train``, ``val``, ``test`` or ``unlabelled``.
        checker (FileChecker): Reads its files.
        classes (Sequence[str]): Names of the C classes; empty where there are none.
        steps (Sequence): The transforms of its pipeline.
        facts (SetFacts): What was seen of it; empty before anything was read.
        is_labeled (bool): Whether its labels are trained on or scored against.
    """

    where: str
    role: str
    checker: FileChecker
    classes: Sequence[str]
    steps: Sequence[Any]
    facts: SetFacts
    is_labeled: bool = True


def gather(checker: FileChecker, seen: Iterable[Seen]) -> SetFacts:
    """Collect what was seen of single images.

    Args:
        checker (FileChecker): What has seen them.
        seen (Iterable[Seen]): Of N images; those with a problem count as far as they were seen.
    """
    facts, present = SetFacts(), set[int]()
    for one in seen:
        facts.count += 1
        image = readable(checker.shown(one.entry.image))
        if one.size is not None:
            facts.sizes.setdefault(f'{one.size[1]}x{one.size[0]}', image)
        if one.deep is not None:
            _add_deep(facts, one.deep, image)
        if one.values is None or one.entry.label is None:
            continue
        label = readable(checker.shown(one.entry.label))
        facts.has_labels = True
        facts.label_count += 1
        facts.labels += [label] * (len(facts.labels) < KEPT)
        for value in one.values:
            facts.values.setdefault(int(value), label)
        found = checker.present(value for value in one.values if 0 <= value < 256)
        present.update(found)
        if not found:
            facts.empty_count += 1
            facts.empty += [label] * (len(facts.empty) < KEPT)
    facts.present = sorted(present)
    return facts


def _add_deep(facts: SetFacts, deep: Deep, image: str) -> None:
    for known in facts.deep:
        other = known.deep
        if (other.depth, other.lossy, other.loaded is None) == (
                deep.depth, deep.lossy, deep.loaded is None):
            known.deep = deep._replace(stored=joint(other.stored, deep.stored),
                                       loaded=joint(other.loaded, deep.loaded))
            known.names += [image] * (len(known.names) < KEPT)
            known.count += 1
            return
    facts.deep.append(DeepFacts(deep, [image], 1))


def joint(one: Extremes | None, other: Extremes | None) -> Extremes | None:
    """The range that holds two ranges."""
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])
