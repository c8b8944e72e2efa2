"""The part of the page that takes a video, and what it answers."""
import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from .archives import Refusal
from .desk import Desk
from .events import REDRAWS, UPLOADS, escape, status_of
from .films import CHOICES, FilmProgress, Films
from .shelf import Gone
from .uploads import Refused, clean_name


class FilmParts(NamedTuple):
    """The components, in the order in which they are made."""

    token: Any
    upload: Any
    choice: Any
    start: Any
    stop: Any
    status: Any
    image: Any
    files: Any


class FilmEvents:
    """Answers about a video; each is a dict from components to their new values.

    Args:
        gradio (module): The library.
        films (Films): Does the work.
        parts (FilmParts): The components.
    """

    def __init__(self, gradio: ModuleType, films: Films, parts: FilmParts) -> None:
        self._gradio, self._films, self._parts = gradio, films, parts

    def wire(self, threshold: Any) -> None:
        """Connect components and answers; the slider of the page is that of the video, too."""
        parts = self._parts
        always = dict(api_visibility='private', show_progress='minimal')
        parts.start.click(self.take, [parts.upload, parts.choice, threshold, parts.token],
                          [parts.token, parts.status, parts.image, parts.files],
                          concurrency_limit=UPLOADS, **always)
        parts.stop.click(self._films.stop, [parts.token], None, concurrency_limit=REDRAWS, **always)

    def take(self, path: str | None, choice: str, threshold: float, old: str) -> Iterator[dict]:
        """Count a video; answers every second, and at the end."""
        parts = self._parts
        if not path:
            yield {parts.status: status_of('Drop a video first.')}
            return
        yield {parts.status: status_of('The video is being read …'),
               parts.files: self._gradio.update(value=None, visible=False)}
        try:
            with contextlib.suppress(Gone):
                for progress in self._films.count(Path(path), choice, threshold, old):
                    yield self._after(progress)
        except Refusal as refusal:
            refused = Refused(clean_name(Path(path).name), str(refusal))
            yield {parts.status: status_of('The video was not counted.', [refused])}

    def _after(self, progress: FilmProgress) -> dict:
        parts = self._parts
        answer = {parts.token: progress.token, parts.status: _count_of(progress.text)}
        if progress.image is not None:
            answer[parts.image] = self._gradio.update(value=progress.image, visible=True,
                                                      alt_text=progress.text)
        if progress.files:
            answer[parts.files] = self._gradio.update(
                value=[str(path) for path in progress.files], visible=True)
        return answer


def add_film(gradio: ModuleType, desk: Desk, threshold: Any) -> None:
    """Make the part of the page that takes a video; call it while the page is being made.

    Args:
        gradio (module): The library.
        desk (Desk): Has a model of instances.
        threshold (gradio.Slider): Of the page.
    """
    megabytes = desk.limits.upload / (1 << 20)
    with gradio.Accordion('A video: each animal once', open=False, elem_id='film'):
        token = gradio.State('', delete_callback=desk.shelf.drop)
        with gradio.Row():
            with gradio.Column(scale=2, min_width=280):
                upload = gradio.File(label=f'A video up to {megabytes:g} MB', height=120,
                                     elem_id='film-upload')
                choice = gradio.Radio(list(CHOICES), value=next(iter(CHOICES)),
                                      label='What does the camera see?', elem_id='film-choice')
                start = gradio.Button('Count', variant='primary', elem_id='film-start')
                stop = gradio.Button('Stop', elem_id='film-stop')
            with gradio.Column(scale=5, min_width=300):
                status = gradio.HTML(status_of('No video yet.'), elem_id='film-status')
                image = gradio.Image(label='Now', format='jpeg', interactive=False, visible=False,
                                     elem_id='film-image', buttons=['fullscreen'])
                files = gradio.File(label='Download: the video with ids, and the tables',
                                    interactive=False, visible=False, elem_id='film-files')
    parts = FilmParts(token, upload, choice, start, stop, status, image, files)
    FilmEvents(gradio, Films(desk), parts).wire(threshold)


def _count_of(text: str) -> str:
    return f'<div class="result" role="status"><div>{escape(text)}</div></div>'
