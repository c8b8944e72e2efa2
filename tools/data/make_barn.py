"""Draw the barn set: top-down images of cattle, or videos of them walking, with labels.

    python tools/data/make_barn.py data/barn
    python tools/data/make_barn.py data/walks --video
"""
import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import _data_cli

IMAGES = ('scenes', 'val', 'unlabeled', 'covered', 'omitted')
VIDEOS = ('clips', 'seconds', 'rate', 'animals')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; what is not given is None."""
    parser = argparse.ArgumentParser(
        description='Draw top-down barn scenes with semantic PNGs, LabelMe polygons and COCO '
        'files, or videos of walking animals with masks, identities and true counts.')
    parser.add_argument('folder', type=Path, help='where to write, for example data/barn')
    parser.add_argument('--video', action='store_true', help='draw videos instead of images')
    parser.add_argument('--size', type=int, nargs='+', metavar='PIXELS',
                        help='one number, or height and width (default: 256; of videos 240 320)')
    parser.add_argument('--seed', type=int, help='another seed, other scenes (default: 0)')
    parser.add_argument('--zoom', type=float,
                        help='size of the animals; below 1 smaller and more of them (default: 1; '
                        'of videos 0.7)')
    cores = _data_cli.cores()
    parser.add_argument('--jobs', type=int, default=cores,
                        help=f'processes (default: the cores of this machine, {cores})')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace a barn set that was made with other values')
    images = parser.add_argument_group('images')
    images.add_argument('--scenes', type=int, help='labelled images (default: 200)')
    images.add_argument('--val', type=float,
                        help='share of them kept for validation (default: 0.2)')
    images.add_argument('--unlabeled', type=int,
                        help='further images without labels (default: 0)')
    images.add_argument('--covered', type=float, metavar='SHARE',
                        help='share of the training animals that lie in a region to ignore '
                        'instead of being outlined (default: 0)')
    images.add_argument('--omitted', type=float, metavar='SHARE',
                        help='share of them that are not labelled at all; with one seed the same '
                        'animals as --covered (default: 0)')
    videos = parser.add_argument_group('videos')
    videos.add_argument('--clips', type=int, help='videos (default: 20)')
    videos.add_argument('--seconds', type=float, help='length of each (default: 20)')
    videos.add_argument('--rate', type=float, help='frames a second (default: 10)')
    videos.add_argument('--animals', type=float,
                        help='mean number of animals in the image (default: 6)')
    args = parser.parse_args(argv)
    if args.size and len(args.size) > 2:
        parser.error(f'--size takes one number, or height and width; got {len(args.size)}')
    for name in IMAGES if args.video else VIDEOS:
        if getattr(args, name) is not None:
            parser.error(f'--{name} is for images: leave out --video' if args.video
                         else f'--{name} is for videos: add --video')
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the set; returns the exit status."""
    args = parse_args(argv)
    given = {name: getattr(args, name) for name in (*IMAGES, *VIDEOS, 'seed', 'zoom')
             if getattr(args, name) is not None}
    if args.size:
        given['size'] = (args.size[0], args.size[-1])
    with _data_cli.plain_errors(
            'make_barn', go_on='what is done is kept, run again',
            stopped='make_barn: interrupted; run the same command again to draw the rest'):
        from plugin.datasets.synthetic_barn import BarnSpec, VideoSpec, make_barn, make_videos
        if args.video:
            videos = VideoSpec(**given)
            drawn = make_videos(args.folder, videos, args.jobs, args.overwrite)
            counts = f'{videos.clips} in all'
        else:
            spec = BarnSpec(**given)
            drawn = make_barn(args.folder, spec, args.jobs, args.overwrite)
            splits = [split for split, _ in spec.members()]
            counts = ', '.join(f'{splits.count(name)} {name}' for name in dict.fromkeys(splits))
        kind = 'videos' if args.video else 'images'
        state = f'drew {drawn} {kind}' if drawn else 'already complete'
        print(f'{args.folder}: {state} ({counts})')
    return 0


if __name__ == '__main__':
    sys.exit(main())
