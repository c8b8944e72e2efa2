"""A visitor's video: each animal once, with the running count."""
import contextlib
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from plugin.inference.instances import Instances
from plugin.inference.video import SourceError, Ways, read_ways
from plugin.inference.video.files import VideoFile
from plugin.inference.video.record import STATE
from plugin.inference.video.session import Session
from plugin.models.postprocess import Detection
from plugin.visualization.images import shrink

from .archives import Refusal
from .desk import Desk, pack_folder, refusals
from .instances import InstanceDesk
from .shelf import Batch
from .uploads import Limits

LONGEST = 960  # pixels of a side on the page
PAUSE = 1.0  # seconds between two pictures on the page
# formats that hold their frames themselves; FFmpeg would follow a playlist to any file or address
FILM = re.compile(rb'....ftyp|RIFF....AVI |\x1aE\xdf\xa3', re.DOTALL)
NO_FILM = 'is no video; send MP4, MOV, AVI, MKV or WebM'


def _pen(width: int, height: int) -> Ways:
    return read_ways(pens=[None])


def _rightwards(width: int, height: int) -> Ways:
    return read_ways([f'{width / 2:g},{height},{width / 2:g},0'])


def _downwards(width: int, height: int) -> Ways:
    return read_ways([f'0,{height / 2:g},{width},{height / 2:g}'])


def _pass(width: int, height: int) -> Ways:
    return read_ways(passes=[None])


# what a visitor can choose, and the ways to count of a frame of so many pixels
CHOICES: dict[str, Callable[[int, int], Ways]] = {
    'A closed pen: how many are there': _pen,
    'A gate in the middle: who goes to the right, and back': _rightwards,
    'A gate in the middle: who goes down, and back': _downwards,
    'One way past the camera: each track': _pass}


class FilmProgress(NamedTuple):
    """How far a video is.

    Attributes:
        token (str): Of its batch.
        text (str): The counts until then, and what ended them.
        image (np.ndarray, optional): RGB ``(h, w, 3)``: a frame with outlines and ids.
        files (tuple[Path]): What can be downloaded, at the end.
    """

    token: str
    text: str
    image: np.ndarray | None
    files: tuple[Path, ...] = ()


class Films:
    """Counts videos, whose frames take turns at the network with the images of others.

    Args:
        desk (Desk): Has a model of instances, the shelf and the limits.
        clock (callable): Gives seconds; never goes back.
    """

    def __init__(self, desk: Desk, clock: Callable[[], float] = time.monotonic) -> None:
        self._desk, self._clock = desk, clock
        self._stopped: set[str] = set()

    def count(self, upload: Path, choice: str, threshold: float,
              old: str = '') -> Iterator[FilmProgress]:
        """Count a video.

        Args:
            upload (Path): The file.
            choice (str): One of :data:`CHOICES`.
            threshold (float): Lowest score of an animal.
            old (str): Token of the visitor's last video, which is forgotten.

        Yields:
            FilmProgress: Every second, and at the end.

        Raises:
            Refusal: If it is no video, or too large.
        """
        self._desk.shelf.drop(old)
        token, batch = self._desk.shelf.open()
        try:
            with refusals():
                path = _keep(upload, batch.folder, self._desk.limits)
                yield from self._count(token, batch, path, choice, threshold)
        finally:
            batch.busy = False
            self._stopped.discard(token)

    def stop(self, token: str) -> None:
        """End the video of a token with its next frame."""
        self._stopped.add(token)

    def _count(self, token: str, batch: Batch, path: Path, choice: str,
               threshold: float) -> Iterator[FilmProgress]:
        source = _opened(path)
        with contextlib.closing(source.frames(0)) as frames:
            height, width = next(frames).image.shape[:2]
        if height * width > self._desk.limits.pixels:
            raise Refusal(f'has frames of {width} x {height} pixels, more than are taken here; '
                          'make it smaller, or use tools/predict.py --track')
        model = self._desk.model
        assert isinstance(model, InstanceDesk)  # the page offers it for no other
        finder = TurnTaker(model, self._desk, threshold)
        out = batch.folder / 'results'
        session = Session(finder, source, CHOICES[choice](width, height), out,
                          opacity=model.opacity)
        last, ended, text = -PAUSE, '', ''
        try:
            with contextlib.closing(session.run()) as steps:
                for seen in steps:
                    text = '; '.join(seen.lines)
                    if self._clock() - last >= PAUSE and seen.image is not None:
                        last = self._clock()
                        yield FilmProgress(token, text, shrink(seen.image, LONGEST))
                    ended = self._reason(token)
                    if ended:
                        break
        except SourceError as error:
            ended = str(error).replace(str(path), 'it')
        files = _files(out, batch.folder / 'results.zip')
        yield FilmProgress(token, f'{text}. {ended or "That was the end"}.', None, files)

    def _reason(self, token: str) -> str:
        """Why a video must end before its time."""
        if token in self._stopped:
            return 'You stopped it'
        return '' if self._desk.shelf.make_space() else 'The demo has no space left now'


class TurnTaker:
    """The detector of a desk, with a threshold of its own, one frame at a time among others.

    Args:
        model (InstanceDesk): Holds the detector.
        desk (Desk): Gives turns at the network.
        threshold (float): Lowest score of an animal.
    """

    config = 'the model of this page'
    cap: tuple[str, int] | None = None

    def __init__(self, model: InstanceDesk, desk: Desk, threshold: float) -> None:
        self.classes, self.least_score, self.score_thr = model.classes, model.least, threshold
        self._find, self._desk = model.find, desk

    @contextlib.contextmanager
    def at_threshold(self, score_thr: float) -> Iterator[None]:
        """Let animals have another lowest score while the block lasts."""
        before, self.score_thr = self.score_thr, score_thr
        try:
            yield
        finally:
            self.score_thr = before

    def __call__(self, image: np.ndarray) -> Instances:
        """The animals of a frame, when it is its turn."""
        found = self._desk.in_turn(self._find, image)
        sure: list[Detection] = [one for one in found if one.score >= self.score_thr]
        return Instances(sure, self.classes, found.height, found.width)


def _keep(upload: Path, folder: Path, limits: Limits) -> Path:
    """Copy a video into the folder of its batch."""
    with upload.open('rb') as file:
        first = file.read(16)
    if not FILM.match(first):
        raise Refusal(NO_FILM)
    if upload.stat().st_size > limits.upload:
        raise Refusal(f'is larger than {limits.upload / (1 << 20):g} MB; cut it, or use '
                      'tools/predict.py --track')
    path = folder / 'film.bin'  # FFmpeg goes by the content
    shutil.copyfile(upload, path)
    return path


def _opened(path: Path) -> VideoFile:
    try:
        return VideoFile(path, 'results')
    except SourceError as error:
        raise Refusal(NO_FILM) from error


def _files(out: Path, archive: Path) -> tuple[Path, ...]:
    """What can be downloaded: everything in one archive, and what people look at first."""
    (out / STATE).unlink(missing_ok=True)
    pack_folder(out, archive)
    # of a video that was stopped there are files of the minutes
    films = [*out.glob('video.mp4'), *sorted(out.glob('video/*.mp4'))]
    return archive, *films, out / 'crossings.csv', out / 'total.json'
