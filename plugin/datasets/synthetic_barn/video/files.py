"""The files of a video: frames, masks, boxes, the line, and what is to be counted."""
import contextlib
import errno
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import cv2
import numpy as np
from pycocotools import mask as rle

from plugin.utils import UserError, atomic_path, write_atomically

from ...labels.labelme import labelme_document, labelme_text
from ..labels import ANIMAL
from .clip import Clip, Frame
from .mp4_times import set_durations

VIDEO, MASKS, BOXES, GATE, IMAGE, TRUTH = (
    'clip.mp4', 'masks.json', 'gt.txt', 'gate.json', 'gate.jpg', 'truth.json')
NAMES = (VIDEO, MASKS, BOXES, GATE, IMAGE, TRUTH)


def write_clip(folder: Path, clip: Clip, stamp: dict[str, object]) -> None:
    """Draw a video and write its files; ``truth.json`` comes last, when all is there.

    Args:
        folder (Path): Where to.
        clip (Clip): What to draw.
        stamp (dict): Written into ``truth.json`` as ``spec``.

    Raises:
        OSError: If a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    truth = _Truth(clip)
    with contextlib.ExitStack() as stack:
        video = stack.enter_context(_Video(folder / VIDEO, clip.spec.rate))
        masks = stack.enter_context(_Masks(folder / MASKS))
        path = stack.enter_context(atomic_path(folder / BOXES))
        boxes = stack.enter_context(path.open('w', encoding='utf-8'))
        for frame in clip.frames():
            if not truth.times:
                _write_gate(folder, clip, frame.image)
            video.add(frame.image, round(frame.time * clip.spec.rate))
            truth.add(frame)
            for number, mask in _outlines(frame):
                box = [int(part) for part in rle.toBbox(mask)]
                masks.add(len(truth.times), number, mask, box)
                line = (len(truth.times), number, *box, 1, 1, f'{frame.visible[number]:.3f}')
                boxes.write(','.join(map(str, line)) + '\n')
        masks.close(truth.times, frame.animals.shape)
    write_atomically(folder / TRUTH, json.dumps(truth.content() | dict(spec=stamp)) + '\n')


def _outlines(frame: Frame) -> list[tuple[int, dict[str, Any]]]:
    """Number and RLE of each animal that is seen."""
    return [(number, rle.encode(np.asfortranarray(frame.animals == number, np.uint8)))
            for number in sorted(frame.visible)]


def _write_gate(folder: Path, clip: Clip, image: np.ndarray) -> None:
    """The line as a LabelMe file, and an image on which LabelMe shows it."""
    good, coded = cv2.imencode('.jpg', image[..., ::-1])
    if not good:
        raise RuntimeError('OpenCV could not encode a frame as JPEG')
    write_atomically(folder / IMAGE, coded.tobytes())
    points = [[round(part, 2) for part in point] for point in clip.gate.tolist()]
    shape: dict[str, Any] = dict(label='gate', points=points, group_id=None, description='',
                                 shape_type='line', flags={})
    document = labelme_document(IMAGE, image.shape[0], image.shape[1], [])
    write_atomically(folder / GATE, labelme_text(document | dict(shapes=[shape]), indent=2))


class _Video:
    """The MP4 file; frames have the times that they were taken at."""

    def __init__(self, path: Path, rate: float) -> None:
        self._path, self._rate = path, rate
        self._writer: cv2.VideoWriter | None = None
        self._places: list[int] = []

    def __enter__(self) -> '_Video':
        self._stack = contextlib.ExitStack()
        self._temporary = self._stack.enter_context(atomic_path(self._path))
        return self

    def add(self, image: np.ndarray, place: int) -> None:
        """Append an RGB image, frame ``place`` of the camera."""
        if self._writer is None:
            self._writer = cv2.VideoWriter(
                str(self._temporary), cv2.VideoWriter.fourcc(*'mp4v'), self._rate,
                image.shape[1::-1])
            if not self._writer.isOpened():
                raise UserError(f'{self._path} cannot be written: OpenCV has no MPEG-4 encoder; '
                                'install opencv-python with FFmpeg')
        self._writer.write(np.ascontiguousarray(image[..., ::-1]))
        self._places.append(place)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        if self._writer is not None:
            self._writer.release()
        with self._stack:
            if error is not None:
                raise error
            try:
                set_durations(self._temporary, [*np.diff(self._places).tolist(), 1])
            except ValueError as broken:
                # OpenCV does not say that the disk is full
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC),
                              str(self._path)) from broken


class _Masks:
    """A COCO file with the number of each animal as ``track_id``, written as frames come."""

    def __init__(self, path: Path) -> None:
        self._path, self._number = path, 0

    def __enter__(self) -> '_Masks':
        self._stack = contextlib.ExitStack()
        path = self._stack.enter_context(atomic_path(self._path))
        self._file: TextIO = self._stack.enter_context(path.open('w', encoding='utf-8'))
        categories = [dict(id=1, name=ANIMAL)]
        self._file.write(f'{{"categories": {json.dumps(categories)},\n"annotations": [')
        return self

    def add(self, image: int, number: int, mask: dict[str, Any], box: list[int]) -> None:
        """Append the RLE of animal ``number`` in image ``image``."""
        self._number += 1
        segmentation = dict(size=list(mask['size']), counts=mask['counts'].decode('ascii'))
        annotation = dict(id=self._number, image_id=image, category_id=1, track_id=number,
                          segmentation=segmentation, bbox=box, area=int(rle.area(mask)),
                          iscrowd=0)
        self._file.write(('\n' if self._number == 1 else ',\n') + json.dumps(annotation))

    def close(self, times: list[float], shape: tuple[int, ...]) -> None:
        """Append the list of images and end the file."""
        images = [dict(id=place, file_name=VIDEO, frame_id=place - 1, time=time, height=shape[0],
                       width=shape[1]) for place, time in enumerate(times, start=1)]
        self._file.write('],\n"images": [')
        for place, image in enumerate(images):
            self._file.write((',\n' if place else '\n') + json.dumps(image))
        self._file.write(']}\n')

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, traceback)


class _Truth:
    """What is to be counted in a video."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self.times: list[float] = []
        self._in_view: list[int] = []
        self._seen: set[int] = set()
        self._events: list[dict[str, Any]] = []

    def add(self, frame: Frame) -> None:
        """Take a frame."""
        self.times.append(round(frame.time, 6))
        self._in_view.append(len(frame.visible))
        self._seen |= frame.visible.keys()
        for crossing in frame.crossings:
            direction = 'forward' if self._clip.forward(crossing.way) else 'backward'
            self._events.append(dict(time=round(crossing.time, 6), track_id=crossing.number,
                                     direction=direction))

    def content(self) -> dict[str, Any]:
        """As it is written."""
        directions = [event['direction'] for event in self._events]
        return dict(
            crossings={name: directions.count(name) for name in ('forward', 'backward')},
            animals=len(self._seen), gate=np.round(self._clip.gate, 2).tolist(),
            post=np.round(self._clip.post, 2).tolist(), rate=self._clip.spec.rate,
            events=self._events, in_view=self._in_view, times=self.times)
