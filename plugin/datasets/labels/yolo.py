"""Labels of YOLO-seg: a text file an image, a row an instance."""
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from yaml import YAMLError

from plugin.utils import UserError
from plugin.utils.console import progress
from plugin.utils.text import LONGEST_NAME, brief, shortened
from plugin.utils.yaml import read_yaml

from .coco_builder import CocoBuilder, ImageEntry
from .encodings import decode_text, read_text
from .image_finder import ImageFinder
from .image_folders import likely_folders
from .label_files import ReadOptions, home_of, label_files
from .labelled_images import LabelledImage, read_images
from .plain_values import decimals
from .regions import is_region
from .shapes import Shape, box_ring

# where the names of the classes are kept
NAME_FILES = ('data.yaml', 'data.yml', 'dataset.yaml', 'classes.txt', 'obj.names')
# a little above 1 is a point just outside; far above are pixels
LARGEST_SHARE = 2
# a row of numbers, perhaps damaged, begins like this
ROW = re.compile(r'\s*[+-]?[\d.]+\s+[+-]?[\d.]')
LARGEST_NAMES = 1_000_000  # bytes of their file


def read(sources: Sequence[Path], builder: CocoBuilder, options: ReadOptions) -> None:
    """Read all label files of folders and their sub-folders.

    A row is a class number and x y of each point, as shares of width and height; a row of five
    numbers is a box, taken as a rectangle. Labels lie beside their images, or in ``labels`` where
    the images are in ``images``. An empty file makes an image without instances.

    Raises:
        FileNotFoundError: If there is no file, or the names of the classes are nowhere.
        UserError: If the file with the names cannot be understood.
    """
    names = class_names(options.names, sources, options.name)
    files = [path for path in label_files(sources, '.txt', options.skip)
             if path.name not in NAME_FILES]
    read_images(_images(progress(files, 'YOLO'), names, sources, options, builder), builder)


def _images(files: Iterable[Path], names: dict[int, str] | None, sources: Sequence[Path],
            options: ReadOptions, builder: CocoBuilder) -> Iterator[LabelledImage]:
    finder = ImageFinder()
    for path in files:
        source = os.path.relpath(path, builder.root)
        match = finder.by_stem(path.stem, likely_folders(path.parent, options.search,
                                                         home_of(path, sources)))
        if match.path is None and not match.is_double:
            match = match._replace(fault='there is no image of this name')
            if path not in sources and _is_text(path):
                builder.report(source, 'note', 'it has no row of numbers and no image of its name, '
                               'and is passed over')
                continue
        yield LabelledImage(source, match, partial(_read_file, path, source, names, builder))


def _is_text(path: Path) -> bool:
    """Whether a file holds words alone: read-mes, lists of images."""
    rows = path.read_bytes().decode('ascii', 'replace').splitlines()
    return any(rows) and (path.stem.lower().startswith('readme')
                          or not any(map(ROW.match, rows)))


def class_names(given: str | None, sources: Sequence[Path],
                name: str | None) -> dict[int, str] | None:
    """Names of the classes by their numbers; None where one name is given to all.

    Raises:
        FileNotFoundError: If they are nowhere.
        UserError: If their file cannot be understood.
    """
    if given is not None and not Path(given).is_file():
        if Path(given).suffix.lower() in ('.txt', '.yaml', '.yml', '.names') or '/' in given:
            raise FileNotFoundError(f'--names {given} does not exist: correct the path')
        return dict(enumerate(part.strip() for part in given.split(',')))
    homes = [path if path.is_dir() else path.parent for path in sources]
    above = [Path(os.path.abspath(home)) for home in homes]
    places = [folder / file for start in above for folder in (start, *start.parents[:2])
              for file in NAME_FILES]
    for path in [Path(given)] if given is not None else places:
        if path.is_file():
            return _names_in(path)
    if name is not None:
        return None
    raise FileNotFoundError(f'{", ".join(map(str, homes))} has no {" or ".join(NAME_FILES)} with '
                            'the names of the classes: give --names cow,calf, or --as cattle')


def _names_in(path: Path) -> dict[int, str]:
    try:
        if path.stat().st_size > LARGEST_NAMES:
            raise ValueError(f'it has more than {LARGEST_NAMES} bytes')
        text = read_text(path)
        if path.suffix.lower() not in ('.yaml', '.yml'):
            lines = [line.strip() for line in text.rstrip().splitlines()]
            if '' in lines:
                raise ValueError(f'line {lines.index("") + 1} is empty')
            return {place: _short(line) for place, line in enumerate(lines)}
        names = read_yaml(text)['names']
        if not isinstance(names, (dict, list)):
            raise TypeError(f'names is {brief(names)}')
        items = list(names.items() if isinstance(names, dict) else enumerate(names))
        found = {_class_number(number): _short(name) for number, name in items}
        if len(found) < len(items):
            raise ValueError('a class has two names')
        return found
    except UserError:
        raise
    except (KeyError, OverflowError, TypeError, ValueError, YAMLError) as error:
        raise UserError(f'{path} has no list of names ({type(error).__name__}: '
                        f'{shortened(str(error))}): write names: [cow, calf], or give --names'
                        ) from error


def _class_number(written: Any) -> int:
    number = int(written)
    if isinstance(written, bool) or isinstance(written, float) and number != written:
        raise ValueError(f'{written} is no number of a class')
    return number


def _short(name: Any) -> str:
    """The name of a class, written as text or as a number."""
    if name is None or isinstance(name, (bytes, dict, list, set, tuple)):
        raise TypeError(f'a {type(name).__name__} is no name')
    if len(str(name)) > LONGEST_NAME:
        raise ValueError(f'a name has {len(str(name))} letters, more than {LONGEST_NAME}')
    return str(name)


def _read_file(path: Path, source: str, names: dict[int, str] | None, builder: CocoBuilder,
               found: Path) -> None:
    """Read the label file of one image."""
    try:
        lines = decode_text(path.read_bytes())[0].splitlines()
    except UserError as error:
        builder.report(source, 'left out', str(error))
        return
    image = builder.image(source, found)
    if image is None:
        return
    shapes = []
    for place, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            shapes.append(_shape(line, f'line {place}', names, image, builder))
        except ValueError as error:
            builder.report(source, 'dropped', str(error), f'line {place}')
    builder.add(image, shapes)


def _shape(line: str, name: str, names: dict[int, str] | None, image: ImageEntry,
           builder: CocoBuilder) -> Shape:
    """The shape of a row, with a fault if its class has no name.

    Raises:
        UserError: If it is none; says why.
    """
    try:
        number, *values = decimals(line.split())
    except ValueError as error:
        raise UserError(f'it is no row of numbers ({error}): correct or remove it') from error
    fault = ''
    if not number.is_integer() or names is not None and int(number) not in names:
        fault = (f'class {number:g} has no name: the names are those of the classes '
                 f'{", ".join(map(str, names or ()))}')
    label = 'animal' if names is None else '' if fault else names[int(number)]
    far = max(map(abs, values), default=0)
    if not far <= LARGEST_SHARE:
        raise UserError(f'it has the number {far:g}, and shares of width and height reach from '
                        '0 to 1: export it again')
    if len(values) % 2:
        raise UserError(fault or f'after the class it has {len(values)} numbers, which are no '
                        'pairs x y')
    if len(values) == 4 and not is_region(label):
        builder.report(image.source, 'note', 'a box, taken as a rectangle: outline the animal',
                       name)
    if len(values) == 4:
        x, y, width, height = values
        values = box_ring(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    sides = image.width, image.height
    return Shape(label, [value * sides[place % 2] for place, value in enumerate(values)], None,
                 name, fault=fault)

