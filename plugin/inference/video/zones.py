"""Gates and zones, from words or from a LabelMe file, as the counters of a video."""
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugin.datasets.labels.json_file import read_json
from plugin.datasets.labels.plain_values import listed, number
from plugin.tracking import Gate, Pass, Pen
from plugin.tracking.zone import Zone
from plugin.utils import UserError, first_few
from plugin.utils.text import brief, is_name, word

Counter = Gate | Pen | Pass
KINDS: dict[str, Any] = dict(gate=Gate, pen=Pen)
KINDS['pass'] = Pass
LINES, POLYGONS = ('line', 'linestrip'), ('polygon', 'rectangle')
DRAWN = dict(gate='a line', pen='a polygon')
DRAWN['pass'] = DRAWN['pen']
NUMBER = r'[+-]?(?:\d+\.?\d*|\.\d+)'


@dataclass(frozen=True)
class Way:
    """One way to count.

    Attributes:
        kind (str): ``gate``, ``pen`` or ``pass``.
        name (str): In tables and in the picture.
        points (tuple): Start and end of a gate, the corners of a zone, x and y in pixels; empty for
            the whole picture.
        source (str): Where it comes from, for messages.
        size (tuple, optional): Width and height of the image on which it was drawn.
    """

    kind: str
    name: str
    points: tuple[tuple[float, float], ...] = ()
    source: str = ''
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Ways:
    """All ways to count that were chosen.

    Attributes:
        ways (tuple[Way]): Each with a name of its own.
        anchor (str): The point of an animal: ``centre`` or ``foot``.
    """

    ways: tuple[Way, ...] = ()
    anchor: str = 'centre'

    def counters(self) -> list[Counter]:
        """New counters, which have counted nothing."""
        made: list[Counter] = []
        for way in self.ways:
            given = way.points if way.kind == 'gate' else [Zone(way.points) if way.points else None]
            made.append(KINDS[way.kind](*given, anchor=self.anchor, name=way.name))
        return made

    def check(self, width: int, height: int) -> None:
        """Stop at what does not fit the frames of a video.

        Raises:
            UserError: If it was drawn on an image of another size, or a point lies outside.
        """
        for way in self.ways:
            if way.size is not None and way.size != (width, height):
                raise UserError(
                    f'{way.source} was drawn on an image of {way.size[0]}x{way.size[1]} pixels, '
                    f'but the frames have {width}x{height}: draw it on a frame of this video')
            outside = [f'({x:g}, {y:g})' for x, y in way.points
                       if not (0 <= x <= width and 0 <= y <= height)]
            if outside:
                raise UserError(
                    f'{way.name} of {way.source} lies outside of the picture with '
                    f'{first_few(outside)}, but the frames have {width}x{height} pixels: give x '
                    f'from 0 to {width} and y from 0 to {height}')

    def settings(self) -> list[Any]:
        """What tells these ways from others, as JSON holds it."""
        return [self.anchor, *([way.kind, way.name, [list(point) for point in way.points]]
                               for way in self.ways)]


def read_ways(gates: Sequence[str] = (), pens: Sequence[str | None] = (),
              passes: Sequence[str | None] = (), anchor: str = 'centre') -> Ways:
    """Make ways to count of what a user gives.

    Args:
        gates (Sequence[str]): Each ``x1,y1,x2,y2`` in pixels, or a LabelMe file whose lines are
            meant.
        pens (Sequence[str | None]): Each a LabelMe file whose polygons are meant, or None for the
            whole picture.
        passes (Sequence[str | None]): The same.
        anchor (str): The point of an animal: ``centre`` or ``foot``. Defaults to ``centre``.

    Returns:
        Ways: Named by their labels, told apart by numbers.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If it is none of LabelMe, has no such shape, or a line has no length.

    Example:
        >>> from plugin.inference.video import read_ways
        >>> read_ways(['10,0,10,99'], [None]).counters()[0].told()
        'gate: 0 forward, 0 backward, net 0'
    """
    ways: list[Way] = []
    words = [('gate', gates), ('pen', pens), ('pass', passes)]
    for kind, text in [(kind, text) for kind, texts in words for text in texts]:
        for way in _ways_of(kind, text):
            taken = {one.name for one in ways}
            names = [way.name, *(f'{way.name} {count}' for count in range(2, len(ways) + 2))]
            free = next(name for name in names if name not in taken)
            ways.append(Way(kind, free, way.points, way.source, way.size))
    made = Ways(tuple(ways), anchor)
    made.counters()  # says what is wrong with them
    return made


def _ways_of(kind: str, text: str | None) -> list[Way]:
    if text is None:
        return [Way(kind, kind, source=f'--{kind}')]
    if kind == 'gate' and re.fullmatch(rf'\s*{NUMBER}(\s*,\s*{NUMBER}){{3}}\s*', text):
        x1, y1, x2, y2 = map(float, text.split(','))
        return [Way(kind, kind, ((x1, y1), (x2, y2)), f'--gate {text}')]
    if kind == 'gate' and not text.lower().endswith('.json') and not Path(text).exists():
        raise UserError(f'--gate {text} is no line: give x1,y1,x2,y2 in pixels, or a LabelMe file')
    return _of_file(kind, Path(text))


def _of_file(kind: str, path: Path) -> list[Way]:
    """The lines or polygons of a LabelMe file."""
    content = read_json(path, absent=f'{path} does not exist: draw {DRAWN[kind]} on a frame of the '
                        'video in LabelMe, and give its file', cure='save it anew in LabelMe')
    shapes = content.get('shapes') if isinstance(content, dict) else None
    if not isinstance(shapes, list):
        raise UserError(f'{path} has no list of shapes, so that it is no file of LabelMe: draw '
                        f'{DRAWN[kind]} on a frame of the video there')
    kinds = LINES if kind == 'gate' else POLYGONS
    size = content.get('imageWidth'), content.get('imageHeight')
    known = (size[0], size[1]) if all(isinstance(side, int) for side in size) else None
    found = [_way(kind, shape, f'{path}, shape {place}', known)
             for place, shape in enumerate(shapes, start=1)
             if isinstance(shape, dict) and (shape.get('shape_type') or 'polygon') in kinds]
    if not found:
        others = sorted({word(shape.get('shape_type') or 'polygon') for shape in shapes
                         if isinstance(shape, dict)})
        raise UserError(f'{path} holds no {" or ".join(kinds)}, as --{kind} needs '
                        f'(it has: {first_few(others) or "no shape"}): draw {DRAWN[kind]}')
    return found


def _way(kind: str, shape: dict[str, Any], source: str, size: Any) -> Way:
    try:
        points = tuple((number(x), number(y)) for x, y in map(listed, listed(shape['points'])))
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise UserError(f'{source} has no list of points x, y: draw it again') from error
    if kind == 'gate' and len(points) != 2:
        raise UserError(f'{source} has {len(points)} points, but a gate is a straight line from '
                        'one point to another: draw a line')
    if kind != 'gate' and len(points) == 2:  # of a rectangle
        (x1, y1), (x2, y2) = points
        points = (x1, y1), (x2, y1), (x2, y2), (x1, y2)
    if kind != 'gate' and len(points) < 3:
        raise UserError(f'{source} has {len(points)} points and encloses nothing: draw a polygon')
    label = shape.get('label')
    if label and not is_name(label):
        raise UserError(f'{source} has the label {brief(label)}: give it a short name')
    return Way(kind, label or kind, points, source, size)
