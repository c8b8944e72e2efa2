"""The parts of a set of data, as the doctor looks at them."""
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..cattle import BACKGROUND
from ..class_names import refuse_bare_string
from .facts import UsedSet, gather
from .findings import Report
from .looking import Looker
from .seen import Entry, Seen

ROLES = ('train', 'val', 'test')
UNLABELED = 'unlabelled'
WHERE = dict(train='the training set', val='the validation set', test='the test set')


class Outline(NamedTuple):
    """One drawn object.

    Attributes:
        place (str): How messages call it, as ``annotation 7 of cow 1.jpg``.
        label (int): Class id, counted from 0 without a background.
        segmentation (list[list[float]] | dict): COCO segmentation.
        crowd (bool): It stands for several objects.
    """

    place: str
    label: int
    segmentation: Any
    crowd: bool = False


@dataclass(frozen=True)
class DataPart:
    """Images that are used for one purpose.

    Attributes:
        name (str): How messages call it, as ``train``.
        role (str): ``train``, ``val``, ``test`` or ``unlabelled``.
        looker (Looker): Reads the files.
        entries (list[Entry]): N images.
        classes (tuple[str]): Names of the C classes; empty if nobody told them.
        outlines (list[list[Outline]], optional): The objects of each image; None where label
            maps, or nothing, tell the classes.
        palette (list): Colours of the classes [red, green, blue].
        steps (list): The transforms of its pipeline.
        folder (str): Where its images lie if a file lists them; '' otherwise.
    """

    name: str
    role: str
    looker: Looker
    entries: list[Entry]
    classes: tuple[str, ...] = ()
    outlines: list[list[Outline]] | None = None
    palette: list[Sequence[int]] = field(default_factory=list)
    steps: list[Any] = field(default_factory=list)
    folder: str = ''

    @property
    def object_classes(self) -> tuple[str, ...]:
        """Names of what is outlined: the classes without a background, which is not drawn."""
        is_drawn = self.outlines is not None and self.classes[:1] == (BACKGROUND, )
        return self.classes[1:] if is_drawn else self.classes

    @property
    def is_labeled(self) -> bool:
        """Whether its labels are trained on or scored against."""
        return self.role != UNLABELED and (
            self.outlines is not None or any(entry.label for entry in self.entries))


    def used(self, seen: Iterable[Seen]) -> UsedSet:
        """The part as a config uses it, with what was seen of its images."""
        return UsedSet(WHERE.get(self.name, self.name), self.role, self.looker, self.classes,
                       self.steps, gather(self.looker, seen), self.is_labeled)


def leaf_configs(cfg: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield role, name and config of each data set that a config reads.

    Wrappers (``ConcatDataset``, ``RepeatDataset``, ``SemiDataset``) are looked into. A test set
    that is configured exactly as the validation set is yielded once.
    """
    seen: list[Mapping[str, Any]] = []
    for use in ROLES:
        found = list(_leaves(use, (cfg.get(f'{use}_dataloader') or {}).get('dataset')))
        for place, (role, leaf) in enumerate(found):
            if leaf in seen:
                continue
            seen.append(leaf)
            name = role if role == use or use == 'train' else f'{use} {role}'
            alike = [k for k, (other, _) in enumerate(found) if other == role]
            yield role, name if len(alike) == 1 else f'{name} {alike.index(place) + 1}', leaf


def _leaves(role: str, dataset: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Role and config of the data sets inside of wrappers."""
    if not isinstance(dataset, Mapping):
        return
    inner = [(role, one) for one in dataset.get('datasets', [])]
    inner += [(role, dataset[key]) for key in ('dataset', 'labeled') if key in dataset]
    inner += [(UNLABELED, dataset['unlabeled'])] if 'unlabeled' in dataset else []
    if not inner:
        yield role, dataset
    for child_role, child in inner:
        yield from _leaves(child_role, child)


def mend_classes(leaf: Mapping[str, Any], name: str, report: Report) -> dict:
    """The config of a data set; a bare string of classes is reported and made a list of one."""
    try:
        refuse_bare_string(leaf.get('metainfo'))
    except ValueError as error:
        report.add_error('classes-string', error, f'{name}: metainfo.classes')
        return dict(leaf, metainfo=dict(leaf['metainfo'], classes=(leaf['metainfo']['classes'], )))
    return dict(leaf)
