"""Turn a COCO file, or predictions, into LabelMe files, one an image.

    python tools/data/coco_to_labelme.py data.json --images images --out labels
    python tools/data/coco_to_labelme.py results.json --labels cattle --images new --out new

An image without animals gets a file without shapes. Files that are there already stay as they
are, unless --overwrite is given. In LabelMe, open the folder of the images; if the files lie
elsewhere, choose that folder by "File, Change Output Dir".
"""
import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence

sys.path.insert(0, str(Path(__file__).parent))
from _convert import names, show, stop_plainly  # noqa: E402


class Drawn(NamedTuple):
    """An image (relative to the folder of images), its size in pixels and its instances."""

    file_name: str
    height: int
    width: int
    instances: List[Any]


def parse_args(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', type=Path, help='a COCO file, or COCO results')
    parser.add_argument('--images', type=Path, required=True, help='folder of the images')
    parser.add_argument('--out', type=Path, required=True, help='folder for the LabelMe files; '
                        'may be that of the images')
    parser.add_argument('--data', type=Path, help='for results: the COCO file with the images '
                        'and classes they are about')
    parser.add_argument('--labels', type=names, default=[], metavar='A,B', help='for results '
                        'without --data: names of the classes 1, 2, ...')
    parser.add_argument('--score-thr', type=float, default=0.0,
                        help='for results: leave out what scores less (default: 0)')
    parser.add_argument('--overwrite', action='store_true', help='replace LabelMe files')
    return parser.parse_args(argv)


def read(args: argparse.Namespace) -> List[Drawn]:
    """Read a COCO file, or results and what they are about."""
    from plugin.datasets.labels.coco_file import read_coco
    content = None
    if args.source.is_file():
        try:
            content = json.loads(args.source.read_bytes())
        except ValueError as error:
            raise UserError(f'{args.source} is no JSON ({error}): write it anew') from error
    if not isinstance(content, list):
        coco = read_coco(str(args.source))
        return _drawn(args.source, coco.images, coco.categories, coco.annotations)
    results = _by_image(args, content)
    if args.data is not None:
        coco = read_coco(str(args.data))
        return _drawn(args.data, coco.images, coco.categories, results)
    if not args.labels:
        raise UserError(f'{args.source} holds results, which do not name the classes: give the '
                         'COCO file they are about by --data, or the names by --labels')
    categories = {name: place for place, name in enumerate(args.labels, start=1)}
    return _drawn(args.source, _measured(args, results), categories, results)


def _drawn(path: Path, images: Sequence[dict], categories: Dict[str, int],
           entries: Dict[Any, List[dict]]) -> List[Drawn]:
    """Images with their annotations or results, kept by id or by name of the image."""
    from plugin.datasets.labels.polygons import Instance
    classes = {number: name for name, number in categories.items()}
    absent = set(entries) - {image[key] for image in images for key in ('id', 'file_name')}
    if absent:
        raise UserError(f'{path} has no image {min(map(str, absent))}, for which there are '
                         'results: give the file they are about by --data')
    drawn, blank = [], 0
    for image in images:
        found = [entry for key in ('id', 'file_name') for entry in entries.get(image[key], ())]
        unknown = [entry['category_id'] for entry in found if entry['category_id'] not in classes]
        if unknown:
            raise UserError(f'category {unknown[0]} in {image["file_name"]} has no name: there '
                             f'are {", ".join(f"{k} {v}" for k, v in classes.items())}')
        seen = [entry for entry in found if _has_pixels(entry, image)]
        blank += len(found) - len(seen)
        drawn.append(Drawn(image['file_name'], image['height'], image['width'], [
            Instance(classes[entry['category_id']], entry['segmentation'], entry.get('score'))
            for entry in seen]))
    if blank:
        print(f'{blank} predictions cover no pixel and are left out')
    return drawn


def _has_pixels(entry: dict, image: dict) -> bool:
    """Whether there is something to draw; networks also predict masks without a pixel."""
    from pycocotools import mask as coco_mask

    from plugin.datasets.labels.polygons import to_rle
    if 'score' not in entry:
        return True
    try:
        rle = to_rle(entry['segmentation'], image['height'], image['width'])
    except ValueError as error:
        raise UserError(f'a result of {image["file_name"]}: {error}') from error
    return bool(coco_mask.area(rle))


def _measured(args: argparse.Namespace, results: Dict[Any, List[dict]]) -> List[dict]:
    """Entries as a COCO file has them for images that results name."""
    from plugin.datasets.labels.image_files import image_size
    nameless = [key for key in results if not isinstance(key, str)]
    if nameless:
        raise UserError(f'the results for image {nameless[0]} have no file_name: give the COCO '
                         'file they are about by --data')
    sizes = {name: image_size(args.images / name) for name in results}
    return [dict(id=None, file_name=name, height=size.height, width=size.width)
            for name, size in sizes.items()]


def _by_image(args: argparse.Namespace, results: List[Any]) -> Dict[Any, List[dict]]:
    """Results by the name of their image, or its id where they do not name it."""
    found: Dict[Any, List[dict]] = {}
    for place, entry in enumerate(results):
        lacking = [key for key in ('category_id', 'segmentation', 'score')
                   if not isinstance(entry, dict) or key not in entry]
        if lacking:
            raise UserError(f'entry {place} of {args.source} lacks {", ".join(lacking)}: give '
                             'COCO results with masks')
        entries = found.setdefault(_image_of(args.images, entry), [])
        if entry['score'] >= args.score_thr:
            entries.append(entry)
    return found


def _image_of(images: Path, entry: dict) -> Any:
    """Name of the image of a result, relative to the folder of images, or its id."""
    name = entry.get('file_name')
    if name is None:
        return entry.get('image_id')
    if not os.path.isabs(name) and (images / name).is_file():
        return name
    # tools/predict.py writes the path that it was given
    inside = Path(os.path.relpath(name, images))
    return name if '..' in inside.parts or not (images / inside).is_file() else inside.as_posix()


def targets(drawn: Sequence[Drawn], out: Path) -> List[Path]:
    """The LabelMe file of each image.

    Raises:
        UserError: If a file would lie outside ``out``, or two images share one.
    """
    paths: List[Path] = []
    owners: Dict[str, str] = {}
    for image in drawn:
        relative = Path(os.path.normpath(image.file_name)).with_suffix('.json')
        if relative.is_absolute() or '..' in relative.parts:
            raise UserError(f'image {image.file_name} lies outside the folder of images: '
                             'make the names in the COCO file relative to it')
        # file systems that ignore case would merge A.json and a.json
        key = relative.as_posix().casefold()
        if key in owners:
            raise UserError(f'images {owners[key]} and {image.file_name} would share the '
                             f'file {relative.as_posix()}: rename one of them')
        owners[key] = image.file_name
        paths.append(out / relative)
    return paths


def write(args: argparse.Namespace) -> int:
    """Write the files; return the exit status."""
    from plugin.datasets.labels.labelme import labelme_document
    from plugin.utils import first_few, write_atomically
    drawn = read(args)
    paths = targets(drawn, args.out)
    lost = [image.file_name for image in drawn
            if not (args.images / image.file_name).is_file()]
    if lost:
        raise FileNotFoundError(f'{args.images} has no {first_few(lost)}: give the folder of the '
                                'images by --images')
    there = {path for path in paths if path.exists()}
    if args.overwrite:
        refuse_others(there)
        there.clear()
    todo = [pair for pair in zip(drawn, paths, strict=True) if pair[1] not in there]
    for image, path in show(todo, 'LabelMe'):
        link = Path(os.path.relpath(args.images / image.file_name, path.parent)).as_posix()
        document = labelme_document(link, image.height, image.width, image.instances)
        write_atomically(path, json.dumps(document, ensure_ascii=False) + '\n')
    animals = sum(len(image.instances) for image, _ in todo)
    print(f'{args.out}: {len(todo)} LabelMe files with {animals} animals')
    if there:
        print(f'{len(there)} were there and stay as they are (--overwrite replaces them): '
              f'{first_few(sorted(path.name for path in there))}')
    return 0


def refuse_others(paths: Iterable[Path]) -> None:
    """Stop before a file is replaced that is none of LabelMe's."""
    for path in sorted(paths):
        try:
            content = json.loads(path.read_bytes())
        except ValueError:
            content = None
        if not isinstance(content, dict) or 'shapes' not in content:
            raise FileExistsError(f'{path} is no LabelMe file, so that it is not replaced in spite '
                                  'of --overwrite: choose another --out')


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse_args(argv)
    return stop_plainly(lambda: write(args))


if __name__ == '__main__':
    sys.exit(main())
