"""What the converters to COCO share: their arguments, their report, and when they stop.

Nothing heavy is imported before it is needed, so that ``--help`` answers at once.
"""
import argparse
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Iterable, List, Sequence

ROOT = Path(__file__).resolve().parents[2]
# lets the tools run without `pip install -e .`
sys.path.insert(0, str(ROOT))

ERROR, INTERRUPTED = 1, 130


def parser_for(doc: str, sources: str) -> argparse.ArgumentParser:
    """Make the parser of a converter with the arguments all of them have."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('sources', nargs='+', type=Path, metavar='SOURCE', help=sources)
    parser.add_argument('--out', type=Path, required=True, help='the COCO file to write')
    parser.add_argument('--images', type=Path, metavar='FOLDER', help='folder of the images, to '
                        'which their names in the COCO file are relative (default: the folder '
                        'of the labels; of several folders, the one they have in common)')
    parser.add_argument('--labels', type=names, default=[], metavar='A,B',
                        help='take only these classes, in this order (default: all)')
    parser.add_argument('--as', dest='name', metavar='NAME',
                        help='call every animal by this one name')
    parser.add_argument('--negatives', action='store_true',
                        help='take images without labels as images without animals')
    parser.add_argument('--strict', action='store_true',
                        help='write nothing if anything must be mended or dropped')
    parser.add_argument('--overwrite', action='store_true', help='replace an older COCO file')
    return parser


def convert(args: argparse.Namespace, read: Callable[[argparse.Namespace, Any], None]) -> int:
    """Convert; print what was wrong, and what was written.

    Args:
        args (argparse.Namespace): As parsed by :func:`parser_for`.
        read (callable): Reads ``args.sources`` into the
            :class:`~plugin.datasets.labels.coco_builder.CocoBuilder` it is given.

    Returns:
        int: Exit status.
    """
    return stop_plainly(lambda: _convert(args, read))


def stop_plainly(work: Callable[[], int]) -> int:
    """Run ``work``; turn what a user can cure into one sentence and an exit status."""
    try:
        return work()
    except (OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return ERROR
    except KeyboardInterrupt:
        print('interrupted: nothing half-done is left, run the same command again',
              file=sys.stderr)
        return INTERRUPTED


def _convert(args: argparse.Namespace, read: Callable) -> int:
    from plugin.datasets.labels.coco_builder import CocoBuilder, write_coco
    from plugin.datasets.labels.label_names import LabelNames
    refuse_to_replace(args.out, args.overwrite)
    builder = CocoBuilder(images_folder(args), LabelNames(args.labels, args.name))
    read(args, builder)
    # not the folder that several sources have in common: it may hold anything
    homes = [path if path.is_dir() else path.parent for path in args.sources]
    add_unlabelled(builder, [args.images] if args.images else homes, args.negatives)
    builder.close()
    show_findings(builder.findings)
    content = builder.content()
    serious = sum(finding.action != 'note' for finding in builder.findings)
    if args.strict and serious:
        raise UserError(f'{serious} of the findings above would change the labels: correct them, '
                         f'or leave --strict away; {args.out} is not written')
    write_coco(args.out, content)
    print(f'{args.out}: {summary(content)}')
    return 0


def summary(content: dict) -> str:
    """Numbers of images and animals of a COCO file, in words."""
    counts = Counter(annotation['category_id'] for annotation in content['annotations'])
    shown = {annotation['image_id'] for annotation in content['annotations']}
    images = len(content['images'])
    animals = ', '.join(f'{counts[category["id"]]} {category["name"]}'
                        for category in content['categories'])
    return (f'{images} image{"s" * (images != 1)}, {images - len(shown)} of them without '
            f'animals; {animals}')


def images_folder(args: argparse.Namespace) -> Path:
    """The folder to which names of images are relative."""
    for path in [*args.sources, *([args.images] if args.images else [])]:
        if not path.exists():
            raise FileNotFoundError(f'{path} does not exist: correct the path')
    if args.images is not None:
        if not args.images.is_dir():
            raise NotADirectoryError(f'--images {args.images} is a file: give the folder')
        return args.images
    folders = [path if path.is_dir() else path.parent for path in args.sources]
    if len(folders) == 1:
        return folders[0]
    return Path(os.path.commonpath([os.path.abspath(folder) for folder in folders]))


def label_files(sources: Sequence[Path], suffix: str, skip: Sequence[Path] = ()) -> List[Path]:
    """The files of a suffix in folders and their sub-folders, and files given by name.

    Raises:
        FileNotFoundError: If there is none.
    """
    found = {}
    for source in sources:
        for path in walk(source) if source.is_dir() else [source]:
            if path == source or path.suffix.lower() == suffix:
                found.setdefault(os.path.abspath(path), path)
    for path in skip:
        found.pop(os.path.abspath(path), None)
    if not found:
        raise FileNotFoundError(f'{", ".join(map(str, sources))} holds no {suffix} file: '
                                'give the folder of the labels')
    return list(found.values())


def walk(folder: Path) -> Iterable[Path]:
    """The files of a folder and its sub-folders in the order of their names, hidden ones not."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith('.'))
        yield from (Path(place, name) for name in sorted(names) if not name.startswith('.'))


def add_unlabelled(builder: Any, folders: Sequence[Path], take: bool) -> None:
    """Take images of the folders without labels as negatives, or tell of them."""
    from plugin.datasets.labels.image_files import is_image
    from plugin.utils import first_few
    found = {os.path.abspath(path): path for folder in folders for path in walk(folder)}
    bare = [path for path in found.values() if is_image(path) and not builder.has(path)]
    if not bare:
        return
    listed = first_few([os.path.relpath(path, builder.root) for path in bare])
    if take and any(finding.action == 'left out' for finding in builder.findings):
        builder.report('', 'note', 'images without labels are not taken in spite of '
                       f'--negatives: what was left out may be their labels: {listed}')
    elif take:
        for path in bare:
            image = builder.image(os.path.relpath(path, builder.root), path)
            if image:
                builder.add(image, [])
    else:
        builder.report('', 'note', 'images without labels are not taken (--negatives takes '
                       f'them as images without animals): {listed}')


def refuse_to_replace(path: Path, overwrite: bool) -> None:
    """Stop before a file is replaced that is not known to be an older result."""
    import json
    if path.is_dir():
        raise IsADirectoryError(f'--out {path} is a folder: give the name of a file in it')
    if not path.exists():
        return
    if not overwrite:
        raise FileExistsError(f'{path} exists already: choose another name, or replace it with '
                              '--overwrite')
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        content = None
    if not isinstance(content, dict) or not {'images', 'annotations', 'categories'} <= {*content}:
        raise FileExistsError(f'{path} is no COCO file, so that it is not replaced in spite of '
                              '--overwrite: choose another name')


def show(iterable: Sequence, text: str) -> Iterable:
    """Show a progress bar where there is a terminal."""
    from rich.console import Console
    from rich.progress import track
    console = Console(stderr=True)
    return track(iterable, text, console=console, disable=not console.is_terminal)


def show_findings(findings: Sequence[Any]) -> None:
    """Print the findings as a table, and their number."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text
    if not findings:
        print('nothing to mend: every label is taken as it was drawn')
        return
    console = Console()
    if not console.is_terminal:
        # a file or a pipe has no width: one line a finding
        console = Console(width=10 ** 6)
    table = Table('file', 'shape', 'what', 'why')
    for finding in findings:
        # Text: a name with brackets is no mark-up
        table.add_row(Text(finding.file or '(all)'), Text(finding.shape), Text(finding.action),
                      Text(finding.reason))
    console.print(table)
    counts = Counter(finding.action for finding in findings)
    print(', '.join(f'{count} {action}' for action, count in counts.items()))


def names(text: str) -> List[str]:
    """Names of an argument like ``A,B``."""
    found = [name.strip() for name in text.split(',')]
    if '' in found:
        raise argparse.ArgumentTypeError(f'{text!r} has an empty name: write A,B')
    return found
