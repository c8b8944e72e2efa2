"""Where frames come from: videos, folders of frames, cameras and streams."""
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from plugin.inference.inputs import IMAGES, VIDEOS, find_inputs
from plugin.utils import UserError

from .camera import Camera
from .files import FrameFolder, VideoFile, frame_number
from .frame import Source

CAMERA = r'(camera:)?(\d+)'
Read = Callable[[Path], np.ndarray]


class Found(NamedTuple):
    """A source that was found and is not open yet.

    Attributes:
        name (str): In messages, without passwords.
        folder (str): Of its results.
        open (callable): Opens it, given what reads an image.
    """

    name: str
    folder: str
    open: Callable[[Read], Source]


class _Meant(NamedTuple):
    """What a word means: its name, a name for its folder, and what makes it of folder and reader.
    """

    name: str
    folder: str
    make: Callable[[str, Read], Source]


def find_sources(inputs: str | Path | Sequence[str | Path | Found], results: str | Path,
                 fps: float | None = None) -> list[Found]:
    """Resolve what a user means.

    Args:
        inputs (str | Path | Sequence[str | Path | Found]): Videos, folders of numbered frames,
            folders of videos, globs, ``camera:0``, and addresses such as ``rtsp://camera/stream``;
            also what this function found.
        results (str | Path): Folder of the results; what lies in it is no input.
        fps (float, optional): Frames a second, in the place of what is told.

    Returns:
        list[Found]: Each with a folder of its own.

    Raises:
        FileNotFoundError: If a word names nothing.
        UserError: If a word means images that are no numbered frames.
    """
    words = [inputs] if isinstance(inputs, (str, Path)) else inputs
    found = [one for one in words if isinstance(one, Found)]
    meant = [one for text in words if not isinstance(text, Found)
             for one in _meant(str(text), results, fps)]
    taken = {one.folder.casefold() for one in found}
    for one in meant:
        names = [one.folder, *(f'{one.folder}_{number}' for number in range(2, len(meant) + 2))]
        folder = next(name for name in names if name.casefold() not in taken)
        taken.add(folder.casefold())
        found.append(Found(one.name, folder, partial(one.make, folder)))
    return found


def _meant(text: str, results: str | Path, fps: float | None) -> list[_Meant]:
    """The sources that a word means."""
    path, number = Path(text), re.fullmatch(CAMERA, text)
    if '://' in text or number and not path.exists():
        address = int(number[2]) if number else text
        name = Camera.shown(address)
        return [_Meant(name, re.sub(r'\W+', '-', name).strip('-'),
                       lambda folder, read: Camera(address, folder, fps))]
    files = _frames(path) if path.is_dir() else []
    if files:
        return [_Meant(text, path.resolve().name,
                       lambda folder, read: FrameFolder(path, files, folder, read, fps))]
    items = find_inputs(text, results)
    for item in items:
        if item.path.suffix.lower() in IMAGES:
            raise UserError(f'{item.path} is an image: --track takes videos, a folder of numbered '
                            'frames, or a camera')
    return [_Meant(str(item.path), item.name, partial(_open_file, item.path, fps))
            for item in items]


def _open_file(path: Path, fps: float | None, folder: str, read: Read) -> Source:
    return VideoFile(path, folder, fps)


def _frames(path: Path) -> list[Path]:
    """The numbered images of a folder; none if it holds videos."""
    files = [file for file in sorted(path.iterdir())
             if file.suffix.lower() in IMAGES and not file.name.startswith('.')]
    if files and any(file.suffix.lower() in VIDEOS for file in path.iterdir()):
        raise UserError(f'{path} holds images and videos: give the frames of one video, or videos')
    for file in files:
        if frame_number(file) < 0:
            raise UserError(f'{file} has no number in its name: give a folder with the numbered '
                            'frames of one video')
    return files
