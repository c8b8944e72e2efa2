"""What a data set says of an image, what was seen of it, and what is wrong with it."""
from typing import NamedTuple

from plugin.utils import UserError

from .depth import Deep

Size = tuple[int, ...]  # height and width


class Problem(NamedTuple):
    """What is wrong with one file.

    Attributes:
        kind (str): Its sort, as ``picture-cut``; the doctor's findings are grouped by it.
        place (str): The file.
        fault (str): What is wrong.
        cure (str): What to do.
        joint (str): What stands between the two in a sentence.
    """

    kind: str
    place: str
    fault: str
    cure: str
    joint: str = ': '

    @property
    def text(self) -> str:
        """Fault and cure in one sentence."""
        return f'{self.fault}{self.joint}{self.cure}'


class Entry(NamedTuple):
    """What a data set says of one image: its path, that of its label map, its size.

    Attributes:
        image (str): The image.
        label (str, optional): Its label map; None where there is none.
        size (tuple[int, int], optional): Height and width that its outlines were drawn on.
    """

    image: str
    label: str | None = None
    size: tuple[int, int] | None = None

    @classmethod
    def of(cls, info: dict) -> 'Entry':
        """Read what a data set of OpenMMLab knows of an image."""
        size = (info['height'], info['width']) if 'height' in info else None
        return cls(info['img_path'], info.get('seg_map_path'), size)


class Seen(NamedTuple):
    """What was seen of an image and its label.

    Attributes:
        entry (Entry): The two.
        problem (Problem, optional): The first thing that is wrong with them.
        size (tuple[int, int], optional): H, W of the image as loaded.
        values (tuple[int], optional): Values of the label map as stored; None without one.
        deep (Deep, optional): How an image is kept that is not read as a whole.
    """

    entry: Entry
    problem: Problem | None = None
    size: Size | None = None
    values: tuple[int, ...] | None = None
    deep: Deep | None = None


class BadFile(UserError):
    """Carries a ``Problem`` out of the function that found it."""

    def __init__(self, kind: str, place: str, fault: str, cure: str, joint: str = ': ') -> None:
        self.problem = Problem(kind, place, fault, cure, joint)
        super().__init__(self.problem.text)
