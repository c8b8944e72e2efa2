#!/usr/bin/env python
"""Make the kit for a machine with a GPU and without a network: wheels, pictures, weights.

    python benchmarks/gpu/prepare.py --camvid DIR --pigs DIR --weights FILE --out gpu_kit

The machine has Python 3.12 with torch, torchvision, numpy, OpenCV and what else there.txt names;
none of it is collected. A part of CamVid (480x360, as data/README.md lays it out) and of the pigs
(pictures with LabelMe files) travels along, so scores are of that part.
"""
import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIMIT = 60
# images of each part of CamVid, and pigs
CAMVID, PIGS = dict(train=96, val=32), 48


def main(argv: Sequence[str] | None = None) -> int:
    """Make the kit and say its size."""
    args = parse(argv)
    if args.out.exists() and any(args.out.iterdir()):
        raise SystemExit(f'error: {args.out} is not empty; remove it or name another folder.')
    args.out.mkdir(parents=True, exist_ok=True)
    content = dict(camvid=take_camvid(args.camvid, args.out / 'camvid'),
                   pigs=take_pigs(args.pigs, args.out / 'pigs'),
                   weights=take_weights(args.weights, args.out / 'weights'),
                   wheels=take_wheels(args.wheels, args.out / 'wheels', args.python))
    (args.out / 'kit.json').write_text(json.dumps(content, indent=1))
    sizes = {folder.name: size_of(folder) for folder in sorted(args.out.iterdir())}
    total = sum(sizes.values())
    print(', '.join(f'{name} {size / 1e6:.1f} MB' for name, size in sizes.items()))
    if total > args.limit * 1e6:
        shutil.rmtree(args.out)
        raise SystemExit(f'error: the kit has {total / 1e6:.1f} MB, more than {args.limit:g}: take '
                         'fewer pictures, or raise --limit.')
    print(f'{args.out}: {total / 1e6:.1f} MB')
    return 0


def spread(found: Sequence[Path], number: int) -> list[Path]:
    """So many of a sorted list, evenly spread; all where there are fewer."""
    number = min(number, len(found))
    return [found[place * len(found) // number] for place in range(number)]


def take_camvid(source: Path, target: Path) -> dict[str, int]:
    """Copy images and label maps of both parts; returns their numbers."""
    taken = {}
    for part, number in CAMVID.items():
        images = spread(sorted((source / 'images' / part).glob('*.jpg')), number)
        if not images:
            raise SystemExit(f'error: {source}/images/{part} has no pictures; name CamVid as '
                             'data/README.md lays it out.')
        for image in images:
            label = source / 'labels' / part / f'{image.stem}.png'
            for path in (image, label):
                copied = target / path.relative_to(source)
                copied.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copied)
        taken[part] = len(images)
    return taken


def take_pigs(source: Path, target: Path) -> int:
    """Copy pictures with their LabelMe files, and make COCO files of them; returns the number."""
    pictures = spread([path for path in sorted(source.glob('*.jpg'))
                       if path.with_suffix('.json').is_file()], PIGS)
    if not pictures:
        raise SystemExit(f'error: {source} has no pictures with LabelMe files beside them.')
    (target / 'images').mkdir(parents=True)
    for picture in pictures:
        for path in (picture, picture.with_suffix('.json')):
            shutil.copyfile(path, target / 'images' / path.name)
    for tool, *words in (('labelme_to_coco', target / 'images', '--out', target / 'data.json'),
                         ('split_coco', target / 'data.json', '--val', '0.2', '--test', '0.1')):
        subprocess.run([sys.executable, ROOT / f'tools/data/{tool}.py', *words], check=True)
    return len(pictures)


def take_weights(source: Path, target: Path) -> str:
    """Copy the weights of MobileNetV2; returns the name."""
    target.mkdir()
    shutil.copyfile(source, target / source.name)
    return source.name


def take_wheels(made: Path | None, target: Path, python: str) -> list[str]:
    """Collect what the machine lacks, or take what was collected before; returns the names."""
    if made is None:
        subprocess.run(['bash', ROOT / 'tools/wheelhouse.sh', target, '--python', python,
                        '--no-torch', '--have', HERE / 'there.txt'], check=True)
    else:
        shutil.copytree(made, target)
    names = sorted(path.name for path in target.glob('*.whl'))
    for own in ('torch-', 'torchvision-', 'numpy-', 'opencv'):
        if any(name.startswith(own) for name in names):
            raise SystemExit(f'error: {target} has a wheel of {own.rstrip("-")}, which would '
                             "replace the machine's own; leave it out.")
    return names


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return sum(one.stat().st_size for one in ([path] if path.is_file() else path.rglob('*'))
               if one.is_file())


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--camvid', type=Path, required=True, metavar='DIR')
    parser.add_argument('--pigs', type=Path, required=True, metavar='DIR',
                        help='pictures with LabelMe files')
    parser.add_argument('--weights', type=Path, required=True, metavar='FILE',
                        help="MobileNetV2 of ImageNet in MMSegmentation's names")
    parser.add_argument('--out', type=Path, required=True, help='the kit')
    parser.add_argument('--wheels', type=Path, metavar='DIR',
                        help='wheels that tools/wheelhouse.sh has collected for it before')
    parser.add_argument('--python', default='3.12', help='of the machine [3.12]')
    parser.add_argument('--limit', type=float, default=LIMIT, help=f'MB [{LIMIT}]')
    return parser.parse_args(argv)


if __name__ == '__main__':
    sys.exit(main())
