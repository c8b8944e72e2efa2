#!/usr/bin/env python
"""Lay out ISBI 2012 for training: single images, class ids, and lists for cross-validation.

    python tools/data/prepare_isbi.py train-volume.tif train-labels.tif --out data/isbi2012
    python tools/data/prepare_isbi.py isbi/images isbi/labels --folds 3 --seed 0

takes the two stacks of the challenge, or two folders of images of the same names, and writes
images/<name>.png, labels/<name>.png (0 membrane, 1 cell) and fold<k>/train.txt and val.txt. The
sources are never written to. The same seed gives the same folds.
"""
import argparse
import re
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).parent))
from _convert import stop_plainly  # noqa: E402

PLACE = ('train-volume.tif and train-labels.tif come from the page of the ISBI 2012 challenge '
         '"Segmentation of neuronal structures in EM stacks"')


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('pictures', type=Path, help='train-volume.tif, or a folder of images')
    parser.add_argument('labels', type=Path, help='train-labels.tif, or a folder of labels with '
                        'the same names: 0 membrane, 255 (or 1) cell')
    parser.add_argument('--out', type=Path, default=Path('data/isbi2012'), metavar='DIR',
                        help='default: %(default)s')
    parser.add_argument('--folds', type=int, default=3, help='parts of which each is once the '
                        'validation set (default: %(default)s; 0 writes no lists)')
    parser.add_argument('--seed', type=int, default=0, help='another seed, other folds')
    args = parser.parse_args(argv)
    if args.folds < 0 or args.folds == 1 or args.seed < 0:
        parser.error(f'--folds {args.folds} --seed {args.seed}: give 2 folds or more (0 for '
                     'none), and a seed of 0 or more')
    return args


def read_stack(source: Path) -> Dict[str, 'object']:
    """Grey images by name, (H, W) uint8 each: the pages of a TIFF, or the files of a folder."""
    from PIL import Image, ImageSequence

    from plugin.datasets.labels.image_files import is_image
    if source.is_dir():
        files: Dict[str, Path] = {}
        for path in sorted(filter(is_image, source.iterdir())):
            if path.stem in files:
                raise UserError(f'{files[path.stem]} and {path} have the same name: remove one '
                                 'of them')
            files[path.stem] = path
        if not files:
            raise FileNotFoundError(f'{source} holds no images; {PLACE}')
        found = {}
        for name in sorted(files, key=_by_number):
            with Image.open(files[name]) as image:
                found[name] = _grey(image, files[name])
        return found
    if not source.is_file():
        raise FileNotFoundError(f'{source} does not exist; {PLACE}')
    with Image.open(source) as stack:
        return {f'{page:02}': _grey(image, f'page {page} of {source}')
                for page, image in enumerate(ImageSequence.Iterator(stack))}


def _grey(image, where):
    import numpy as np
    if image.mode not in ('L', '1'):
        raise UserError(f'{where} is an image of mode {image.mode}: save it with 8 bits of '
                         'grey and no colours')
    return np.asarray(image.convert('L'))


def _by_number(name: str) -> List[Tuple[int, str]]:
    """Sort 2 before 10."""
    return [(int(part), '') if part.isdigit() else (-1, part)
            for part in re.split(r'(\d+)', name)]


def check_pairs(images: Dict, labels: Dict) -> None:
    """Stop unless each image has a label of its size, and the reverse."""
    from plugin.utils import first_few
    for one, other, what in ((images, labels, 'label'), (labels, images, 'image')):
        missing = [name for name in one if name not in other]
        if missing:
            raise UserError(f'{first_few(missing)} have no {what}: give as many images as '
                             'labels, under the same names')
    for name, image in images.items():
        if image.shape != labels[name].shape:
            (height, width), (rows, columns) = image.shape, labels[name].shape
            raise UserError(f'{name} is {width}x{height} as an image and {columns}x{rows} as a '
                             'label (width x height): give the label that belongs to it')


def class_ids(labels: Dict) -> Dict:
    """The labels with 1 instead of 255."""
    import numpy as np
    values = {name: set(np.unique(label).tolist()) for name, label in labels.items()}
    top = max(max(found) for found in values.values())
    allowed = {0, 1} if top == 1 else {0, 255}
    for name, found in values.items():
        if not found <= allowed:
            raise UserError(f'the label {name} holds the value {min(found - allowed)}: labels are '
                             '0 (membrane) and 255 or 1 (cell), the same in all of them, and were '
                             'not saved as JPEG')
    return {name: (label > 0).astype(np.uint8) for name, label in labels.items()}


def fold_lists(names: Sequence[str], number: int, seed: int) -> Dict[str, List[str]]:
    """Names of ``fold<k>/train.txt`` and ``val.txt``; each name is in one validation set."""
    import numpy as np
    if number > len(names):
        raise UserError(f'--folds {number} needs as many images, there are {len(names)}: give '
                         f'{len(names)} or less')
    order = np.random.default_rng(seed).permutation(len(names))
    lists = {}
    for fold, chosen in enumerate(np.array_split(order, number) if number else []):
        part = set(chosen.tolist())
        for split, wanted in (('train', False), ('val', True)):
            lists[f'fold{fold}/{split}.txt'] = [
                name for place, name in enumerate(names) if (place in part) is wanted]
    return lists


def check_target(out: Path, sources: Sequence[Path], names: Sequence[str],
                 lists: Dict[str, List[str]]) -> None:
    """Stop before sources are overwritten, or two sets are mixed."""
    from plugin.utils import first_few
    targets = [(out / folder).resolve() for folder in ('images', 'labels')]
    if any(source.resolve() in targets for source in sources):
        raise FileExistsError(f'{out} holds the sources themselves: give another --out')
    others = [path.name for folder in ('images', 'labels')
              for path in sorted((out / folder).glob('[!.]*')) if path.stem not in names]
    others += [f'{path.parent.name}/{path.name}' for path in sorted(out.glob('fold*/*.txt'))
               if path.read_text(encoding='utf-8').splitlines() != lists.get(
                   f'{path.parent.name}/{path.name}')]
    if others:
        raise FileExistsError(f'{out} holds {first_few(others)} of another set or other folds: '
                              'move them away, or give another --out')


def prepare(args: argparse.Namespace) -> int:
    """Do all steps; return the exit status."""
    from PIL import Image

    from plugin.utils import atomic_path, write_atomically
    images, labels = read_stack(args.pictures), read_stack(args.labels)
    check_pairs(images, labels)
    labels = class_ids(labels)
    lists = fold_lists(list(images), args.folds, args.seed)
    check_target(args.out, (args.pictures, args.labels), list(images), lists)
    for folder, values in (('images', images), ('labels', labels)):
        for name, content in values.items():
            # a name may hold dots: the suffix is added, not replaced
            with atomic_path(args.out / folder / f'{name}.png') as temporary:
                Image.fromarray(content).save(temporary)
    for file, names in lists.items():
        write_atomically(args.out / file, ''.join(f'{name}\n' for name in names))
    share = sum(int(label.sum()) for label in labels.values()) / sum(
        label.size for label in labels.values())
    print(f'{len(images)} images, {100 * share:.1f} % of the pixels are cells, '
          f'{args.folds} folds: {args.out}')
    return 0


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Lay out the set; returns the exit status."""
    args = parse_args(argv)
    return stop_plainly(lambda: prepare(args))


if __name__ == '__main__':
    sys.exit(main())
