"""Counting the animals of videos and cameras, each once."""
import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from plugin.inference.detector import Detector
from plugin.inference.segmenter import Segmenter
from plugin.utils import UserError
from plugin.utils.console import say, warn, write_line
from plugin.utils.errors import is_out_of_memory

from .session import Session
from .sources import Found, find_sources
from .zones import Ways

FOLDER = 'tracks'
SHORT = 'its frames need more memory than there is: give --tile 1024 or less, or a smaller video'


@dataclass
class Tracked:
    """What became of the videos; printed, it is one sentence.

    Attributes:
        out (Path): Folder of the results.
        done (int): Videos that were counted to their end.
        failed (dict[str, str]): Those that were not, and why; what was counted until then is on
            the disk.
        totals (dict[str, dict]): What ``total.json`` of each says.
    """

    out: Path
    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    totals: dict[str, dict[str, Any]] = field(default_factory=dict)

    def skip(self, name: str, error: Exception) -> None:
        """Note and tell that a video could not be counted to its end."""
        text = str(error)
        self.failed[name] = text if name in text else f'{name}: {text}'
        write_line(f'stopped: {self.failed[name]}', sys.stderr)

    def __str__(self) -> str:
        failed = f', {len(self.failed)} not to the end' if self.failed else ''
        return (f'{self.done} of {self.done + len(self.failed)} videos counted{failed}; results in '
                f'{self.out / FOLDER}')


def track(model: Segmenter | Detector, inputs: str | Path | Sequence[str | Path | Found],
          out: str | Path = 'outputs', *, ways: Ways | None = None, fps: float | None = None,
          memory: float = 2.0, overlays: bool = True, opacity: float = 0.5,
          resume: bool = False) -> Tracked:
    """Count each animal of videos once, and write what was seen.

    Of each video ``out/tracks/NAME/`` gets ``video.mp4``, ``frames.csv``, ``crossings.csv``,
    ``hours.csv``, ``mot.txt`` and ``total.json``. Tables grow frame by frame; the state is saved
    each whole minute of the video, from which ``resume`` goes on.

    Args:
        model (Segmenter | Detector): Of :func:`~plugin.inference.load_model`; one that outlines
            animals.
        inputs (str | Path | Sequence[str | Path | Found]): Videos, folders of numbered frames,
            globs, ``camera:0``, and addresses such as ``rtsp://camera/stream``; also what
            :func:`~plugin.inference.video.find_sources` found.
        out (str | Path): Folder of the results. Defaults to ``outputs``.
        ways (Ways, optional): What counts, of :func:`~plugin.inference.video.read_ways`. Defaults
            to nothing: animals get ids alone.
        fps (float, optional): Frames a second, in the place of what a video says.
        memory (float): Seconds for which an animal that is hidden keeps its id. Defaults to 2.
        overlays (bool): Write the video with outlines, ids and the running count. Defaults to True.
        opacity (float): Of the colours, 0 to 1. Defaults to 0.5.
        resume (bool): Go on where a run was stopped. Defaults to False.

    Returns:
        Tracked: How many are ``done``, which ``failed``, and the ``totals``.

    Raises:
        FileNotFoundError: If an input names nothing.
        UserError: If a value is out of range, the model outlines no animals, or what would be
            resumed is of other settings.

    Example:
        >>> from plugin.inference import load_model, track
        >>> from plugin.inference.video import read_ways
        >>> model = load_model('mask-rcnn_mnv2_barn', 'best.pth')
        >>> done = track(model, 'barn.mp4', 'results', ways=read_ways(['40,60,40,0']))
        >>> done.totals['barn.mp4']['counters'][0]['name']
        'gate'
        >>> print(done)
        1 of 1 videos counted; results in results/tracks
    """
    if not isinstance(model, Detector):
        raise UserError(f'--track is for models of animals, but {getattr(model, "config", model)} '
                        'finds classes of pixels: give a model that outlines animals')
    if not 0 <= opacity <= 1:
        raise UserError(f'opacity={opacity} is out of range: give 0 to 1')
    ways = ways or Ways()
    if not ways.ways:
        warn('no way to count was given, so that animals get numbers and are not counted: give '
             '--gate, --pen or --pass')
    say(f'score threshold {model.score_thr:.3g}: {model.reason}')
    done = Tracked(Path(out))
    for found in find_sources(inputs, out, fps):
        with _skipping(done, found.name):
            source = found.open(model.read)
            session = Session(model, source, ways, done.out / FOLDER / source.folder,
                              memory=memory, overlays=overlays, opacity=opacity)
            _run(session, resume, done)
    return done


def _run(session: Session, resume: bool, done: Tracked) -> None:
    """Count one video; what is known of it at any end is told."""
    name = session.source.name
    try:
        with contextlib.closing(session.run(resume)) as frames:
            for _ in frames:
                pass
        done.done += 1
    finally:
        if session.total:
            done.totals[name] = session.total
            for line in session.told():
                say(f'{name}: {line}')


@contextlib.contextmanager
def _skipping(done: Tracked, name: str) -> Iterator[None]:
    """Let an error of one video cost the others nothing."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            done.skip(name, UserError(SHORT))
        elif isinstance(error, cv2.error):
            done.skip(name, UserError(f'OpenCV cannot prepare its frames: {error}'))
        elif isinstance(error, (UserError, FileNotFoundError)):
            done.skip(name, error)
        else:
            raise
