"""The video with its animals, its line or zone and the running count, a file a minute."""
import contextlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from plugin.inference.writers import OverlayVideo, rgb
from plugin.tracking import Gate, Track
from plugin.utils import write_atomically
from plugin.visualization.images import load_font
from plugin.visualization.instances import draw_instances

from .zones import Counter

COLOUR = (255, 221, 0)
FOLDER, PLAYLIST = 'video', 'video.m3u'
LONGEST_GAP = 5  # seconds for which the picture stands still where frames are missing


def draw_frame(image: np.ndarray, tracks: Sequence[Track], counters: Sequence[Counter],
               lines: Sequence[str], opacity: float = 0.5) -> np.ndarray:
    """Draw the confirmed animals with their ids, the gates and zones, and lines of text.

    Args:
        image (np.ndarray): BGR ``(H, W, 3)`` or grey ``(H, W)``, uint8.
        tracks (Sequence[Track]): The animals of the frame.
        counters (Sequence[Counter]): What counts them.
        lines (Sequence[str]): Written into the upper left corner.
        opacity (float): Of the colours, 0 to 1. Defaults to 0.5.

    Returns:
        np.ndarray: RGB ``(H, W, 3)``, uint8.
    """
    shown = [track for track in tracks if track.confirmed]
    canvas = draw_instances(rgb(image), (track.mask for track in shown),
                            [track.id for track in shown], opacity=opacity)
    width = max(1, round(max(canvas.shape[:2]) / 500))
    for counter in counters:
        if isinstance(counter, Gate):
            start, end = counter.start, counter.end
            cv2.line(canvas, _pixel(start), _pixel(end), COLOUR, width)
            # an arrow from the middle, the way that is called forward
            across, down = (end - start) / counter.length
            middle = (start + end) / 2
            tip = middle + 0.15 * counter.length * np.array([-down, across])
            cv2.arrowedLine(canvas, _pixel(middle), _pixel(tip), COLOUR, width, tipLength=0.3)
        elif counter.zone is not None:
            corners = np.round(counter.zone.points).astype(np.int32)
            cv2.polylines(canvas, [corners], True, COLOUR, width)
    return _write(canvas, lines)


def _pixel(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _write(canvas: np.ndarray, lines: Sequence[str]) -> np.ndarray:
    """Text on dark ground in the upper left corner."""
    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    font = load_font(max(10, round(max(canvas.shape[:2]) / 45)))
    text = '\n'.join(lines)
    left, top, right, bottom = draw.multiline_textbbox((6, 4), text, font=font)
    draw.rectangle((left - 4, top - 3, right + 4, bottom + 3), fill=(0, 0, 0))
    draw.multiline_text((6, 4), text, font=font, fill=(255, 255, 255))
    return np.array(image)


class MinuteVideo:
    """Images with times as a video at an even rate, a file a minute, so that a kill costs one.

    Where frames are missing the picture before stands still, for 5 seconds at most.

    Args:
        folder (Path): Of the results; files of the minutes lie in ``video/``.
        rate (float): Frames a second.
        minute (int): The first one; files of it and of later ones are removed.
    """

    def __init__(self, folder: Path, rate: float, minute: int = 0) -> None:
        self._folder, self._rate, self._minute = folder, rate, minute
        self._video: OverlayVideo | None = None
        self._before: tuple[np.ndarray, float] | None = None
        for path in self._pieces():
            if int(path.stem) >= minute:
                path.unlink()

    def add(self, image: np.ndarray, time: float) -> None:
        """Append an image, RGB ``(H, W, 3)``, at a time in seconds."""
        self._flush(time)
        if self._video is None:
            path = self._folder / FOLDER / f'{self._minute:05}.mp4'
            self._video = OverlayVideo(path, self._rate).__enter__()
        self._before = image, time

    def next(self, minute: int) -> None:
        """Go on with the file of another minute."""
        self.close()
        self._minute = minute

    def close(self, error: BaseException | None = None) -> None:
        """End the file of this minute; after Ctrl-C it is kept as well."""
        if self._video is not None:
            self._flush(None)
            video, self._video, self._before = self._video, None, None
            video.__exit__(type(error) if error is not None else None, error, None)

    def join(self) -> None:
        """Make one video of those of the minutes: ``video.mp4``, encoded anew."""
        pieces = self._pieces()
        if len(pieces) == 1:
            pieces[0].replace(self._folder / f'{FOLDER}.mp4')
            return
        with OverlayVideo(self._folder / f'{FOLDER}.mp4', self._rate) as whole:
            for piece in pieces:
                _copy(piece, whole)

    def remove_pieces(self) -> None:
        """Remove what was joined."""
        for piece in self._pieces():
            piece.unlink()
        (self._folder / PLAYLIST).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty: of someone else
            (self._folder / FOLDER).rmdir()

    def list_pieces(self) -> None:
        """Write a list of the files that players show one after the other."""
        names = [f'{FOLDER}/{path.name}\n' for path in self._pieces()]
        write_atomically(self._folder / PLAYLIST, ''.join(names))

    def _pieces(self) -> list[Path]:
        folder = self._folder / FOLDER
        return sorted(path for path in folder.glob('*.mp4') if path.stem.isdigit())

    def _flush(self, until: float | None) -> None:
        """Write the image before as often as it is seen until a time."""
        if self._before is None or self._video is None:
            return
        image, time = self._before
        shown = 1 if until is None else min(until - time, LONGEST_GAP) * self._rate
        for _ in range(max(1, round(shown))):
            self._video.add(image)


def _copy(piece: Path, whole: OverlayVideo) -> None:
    video = cv2.VideoCapture(str(piece))
    try:
        good, frame = video.read()
        while good:
            whole.add(rgb(frame))
            good, frame = video.read()
    finally:
        video.release()
