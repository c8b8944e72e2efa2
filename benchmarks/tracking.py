"""Counting the animals of videos: crossings, identity switches, IDF1 and HOTA against the truth.

Videos of tools/data/make_barn.py --video are drawn; the true masks and, if a model is given, those
that it finds are followed by their masks and, as a baseline, by their boxes alone, and counted at
the line. The sum of identities, which is often taken for a count, stands beside the true number of
animals; a long video shows whether the count drifts with time.

    python benchmarks/tracking.py WORK
    python benchmarks/tracking.py WORK --model configs/mask-rcnn_mnv2_barn.py best.pth

WORK keeps the videos and what the model found, so that a run that was stopped goes on. The last
columns need trackeval: pip install -e '.[tracking]'.
"""
import argparse
import importlib.util
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from parts.tracking_runs import DIRECTIONS, DrawnVideo, Outcome, follow

from plugin.datasets.synthetic_barn import VideoSpec, make_videos
from plugin.evaluation.tracking import track_scores
from plugin.runs.compare.statistics import SAME, judge, paired

SCORED = importlib.util.find_spec('trackeval') is not None
HEADS = ('detections', 'association', *DIRECTIONS, 'wrong', 'sum of ids', 'long video',
         'drift a minute', 'switches', 'IDF1', 'HOTA')
WAYS = dict(masks=False, boxes=True)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('work', type=Path, help='folder of videos and detections')
    parser.add_argument('--clips', type=int, default=20, help='short videos (default: 20)')
    parser.add_argument('--seconds', type=float, default=20.0, help='of each (default: 20)')
    parser.add_argument('--minutes', type=float, default=10.0,
                        help='of the long video (default: 10); 0 for none')
    parser.add_argument('--seed', type=int, default=0, help='of the videos (default: 0)')
    parser.add_argument('--model', nargs=2, metavar=('CONFIG', 'CHECKPOINT'))
    parser.add_argument('--threshold', type=float, help='score from which the model counts')
    parser.add_argument('--jobs', type=int, default=1, help='processes that draw (default: 1)')
    parser.add_argument('--quick', action='store_true', help='2 videos of 2 seconds, for tests')
    args = parser.parse_args(argv)
    if args.quick:
        args.clips, args.seconds, args.minutes = 2, 2.0, 0.05
    return args


def draw(args: argparse.Namespace) -> tuple[list[DrawnVideo], list[DrawnVideo]]:
    """The short videos, and the long one, drawn where they are missing."""
    size = dict(size=(96, 128)) if args.quick else {}
    sets = []
    for name, clips, seconds in (('clips', args.clips, args.seconds),
                                 ('long', int(args.minutes > 0), 60 * args.minutes)):
        folder = args.work / f'{name}-{args.seed}'
        if clips:
            spec = VideoSpec(clips=clips, seconds=seconds, seed=args.seed, **size)
            make_videos(folder, spec, args.jobs)
        sets.append([DrawnVideo(folder / f'{number:04d}') for number in range(clips)])
    return sets[0], sets[1]


def row(source: str, way: str, clips: list[Outcome], long: list[Outcome]) -> list[str]:
    """The cells of a row."""
    both = [f'{sum(one.counted[name] for one in clips)} of {sum(one.true[name] for one in clips)}'
            for name in DIRECTIONS]
    true = sum(sum(one.true.values()) for one in clips)
    wrong = sum(one.wrong for one in clips)
    ids = sum(one.video.identities for one in clips)
    cells = [source, way, *both, f'{wrong} ({wrong / max(true, 1):.1%})',
             f'{ids} of {sum(one.animals for one in clips)}', *(drift(long) or ('–', '–'))]
    if not SCORED:
        return [*cells, '–', '–', '–']
    scores = track_scores([one.video for one in clips])
    return [*cells, str(scores.switches), f'{scores.idf1:.3f}', f'{scores.hota:.3f}']


def drift(long: list[Outcome]) -> tuple[str, str] | None:
    """Crossings of the long video, and by how many the error grows each minute."""
    if not long:
        return None
    true, counted = np.array(long[0].minutes).T
    slope = np.polyfit(np.arange(len(true)), counted - true, 1)[0] if len(true) > 1 else 0.0
    return f'{counted[-1]} of {true[-1]}', f'{slope + 0.0:+.2f}'


def compared(source: str, masks: list[Outcome], boxes: list[Outcome]) -> str:
    """Whether masks make other mistakes than boxes, paired over the videos."""
    def of(outcome: Outcome) -> int:
        return outcome.video.scores().switches if SCORED else outcome.wrong

    found = paired([of(one) for one in masks], [of(one) for one in boxes])
    verdict = judge([found], lower_is_better=True)[0]
    told = verdict.word if verdict.word == SAME else f'masks are {verdict.word}'
    ends = ''
    if verdict.low is not None:
        ends = f', 95 % interval {verdict.low:+.2f} to {verdict.high:+.2f}'
    return (f'{source}: {"switches" if SCORED else "wrong crossings"} of masks less those of '
            f'boxes, a video: {found.mean:+.2f}{ends}: {told}')


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print a table in Markdown."""
    args = parse_args(argv)
    clips, long = draw(args)
    sources: dict[str, Any] = {'true masks': DrawnVideo.true_detections}
    if args.model:
        from plugin.inference import load_model
        model = load_model(*args.model, score_thr=args.threshold)
        store = args.work / 'found' / Path(args.model[1]).stem
        sources[Path(args.model[0]).stem] = partial(DrawnVideo.found_by, model=model, store=store)
    lines = []
    print('| ' + ' | '.join(HEADS) + ' |\n' + '|---' * len(HEADS) + '|')
    for source, detect in sources.items():
        found = [(drawn, detect(drawn)) for drawn in clips + long]
        outcomes = {way: [follow(*one, box_only) for one in found]
                    for way, box_only in WAYS.items()}
        for way, all_of in outcomes.items():
            cells = row(source, way, all_of[:len(clips)], all_of[len(clips):])
            print('| ' + ' | '.join(cells) + ' |', flush=True)
        lines.append(compared(source, *(one[:len(clips)] for one in outcomes.values())))
    print('\n' + '\n'.join(lines))
    return 0


if __name__ == '__main__':
    sys.exit(main())
