"""Turn labels of YOLO-seg (a text file an image) into one COCO file.

    python tools/data/yolo_to_coco.py my_set --out my_set/data.json

A row is a class number and x y of each point, as shares of width and height; a row of five numbers
is a box, taken as a rectangle. Labels lie beside their images, or in labels/ where the images
are in images/. Names of the classes are read from data.yaml or classes.txt in a SOURCE or above it,
or given by --names. An empty file makes an image without animals.
"""
import argparse
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

sys.path.insert(0, str(Path(__file__).parent))
from _convert import convert, label_files, parser_for, show  # noqa: E402

# where the names of the classes are kept
NAME_FILES = ('data.yaml', 'data.yml', 'dataset.yaml', 'classes.txt', 'obj.names')
# a little above 1 is a point just outside; far above are pixels
LARGEST_SHARE = 2


def read(args: argparse.Namespace, builder: Any) -> None:
    """Read all label files of the sources."""
    from plugin.datasets.labels.image_files import ImageFinder
    finder = ImageFinder()
    names = class_names(args.names, args.sources, args.name)
    files = label_files(args.sources, '.txt')
    for path in show([path for path in files if path.name not in NAME_FILES], 'YOLO'):
        _read_file(path, names, finder, [args.images] if args.images else [], builder)


def class_names(given: Optional[str], sources: Sequence[Path],
                name: Optional[str]) -> Optional[Dict[int, str]]:
    """Names of the classes by their numbers; None where one name is given to all.

    Raises:
        FileNotFoundError: If they are nowhere.
        UserError: If their file cannot be understood.
    """
    if given is not None and not Path(given).is_file():
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


def _names_in(path: Path) -> Dict[int, str]:
    import yaml
    text = path.read_text(encoding='utf-8-sig')
    if path.suffix.lower() not in ('.yaml', '.yml'):
        return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))
    try:
        content = yaml.safe_load(text)
        names = content['names']
        items = names.items() if isinstance(names, dict) else enumerate(names)
        return {int(number): str(name) for number, name in items}
    except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise UserError(f'{path} has no list of names ({type(error).__name__}: {error}): write '
                         'names: [cow, calf], or give --names') from error


def _read_file(path: Path, names: Optional[Dict[int, str]], finder: Any, search: List[Path],
               builder: Any) -> None:
    """Read the label file of one image."""
    from plugin.datasets.labels.image_files import likely_folders
    source = os.path.relpath(path, builder.root)
    folders = [*_twins(path.parent), *likely_folders(path.parent, search)]
    found = next((hits for hits in (finder.by_stem(path.stem, folder) for folder in folders)
                  if hits), [])
    if len(found) != 1:
        what = f'there are {", ".join(hit.name for hit in found)}: keep one of them' if found \
            else 'there is no image of this name: bring it back, or give its folder by --images'
        builder.report(source, 'left out', what)
        return
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except UnicodeDecodeError as error:
        builder.report(source, 'left out', f'byte {error.start} is no UTF-8: save it as UTF-8')
        return
    image = builder.image(source, found[0])
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


def _twins(folder: Path) -> List[Path]:
    """The folder of images that belongs to a folder of labels: images/train to labels/train."""
    parts = Path(os.path.abspath(folder)).parts
    if 'labels' not in parts:
        return []
    place = len(parts) - 1 - parts[::-1].index('labels')
    return [Path(*parts[:place], 'images', *parts[place + 1:])]


def _shape(line: str, name: str, names: Optional[Dict[int, str]], image: Any,
           builder: Any) -> Any:
    """The shape of a row.

    Raises:
        UserError: If it is none; says why.
    """
    from plugin.datasets.labels.shapes import Shape, box_ring
    try:
        number, *values = map(float, line.split())
    except ValueError as error:
        raise UserError(f'it is no row of numbers ({error}): correct or remove it') from error
    if not number.is_integer() or names is not None and int(number) not in names:
        raise UserError(f'class {number:g} has no name: the names are those of the classes '
                         f'{", ".join(map(str, names or ()))}')
    label = 'animal' if names is None else names[int(number)]
    far = max(map(abs, values), default=0)
    if not far <= LARGEST_SHARE:
        raise UserError(f'it has the number {far:g}, and shares of width and height reach from '
                         '0 to 1: export it again')
    if len(values) == 4:
        builder.report(image.source, 'note', 'a box, taken as a rectangle: outline the animal',
                       name)
        x, y, wide, tall = values
        values = box_ring(x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2)
    if len(values) % 2:
        raise UserError(f'after the class it has {len(values)} numbers, which are no pairs x y')
    sides = image.width, image.height
    return Shape(label, [value * sides[place % 2] for place, value in enumerate(values)], None,
                 name)


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = parser_for(__doc__, 'folders with label files, sub-folders included')
    parser.add_argument('--names', metavar='A,B', help='names of the classes 0, 1, ...; or a file '
                        'with one name a line, or with names: as data.yaml has it')
    return convert(parser.parse_args(argv), read)


if __name__ == '__main__':
    sys.exit(main())
