"""The events of the page: what is done when a visitor uploads, clicks or moves the slider."""
import contextlib
import html
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from .archives import Refusal
from .desk import Desk, Progress, Shown
from .shelf import Gone
from .uploads import Refused

REFUSED = 20  # sentences shown
# at a time: uploads, which take turns at the network, and redraws, which do not need it
UPLOADS, REDRAWS = 16, 8


class Parts(NamedTuple):
    """The components of the page, in the order in which they are made."""

    token: Any
    uploads: Any
    threshold: Any
    view: Any
    status: Any
    results: Any
    save: Any
    files: Any
    chooser: Any
    headline: Any
    image: Any
    legend: Any
    rows: Any
    totals: Any


class Events:
    """Answers of a page; each is a dict from components to their new values.

    Args:
        gradio (module): The library.
        desk (Desk): Does the work.
        parts (Parts): The components.
    """

    def __init__(self, gradio: ModuleType, desk: Desk, parts: Parts) -> None:
        self._gradio, self._desk, self._parts = gradio, desk, parts

    def wire(self) -> None:
        """Connect components and answers; call it while the page is being made."""
        parts = self._parts
        changed = [part for part in parts if part not in (
            parts.uploads, parts.threshold, parts.view, parts.save)]
        always = dict(outputs=changed, api_visibility='private', show_progress='minimal')
        self._gradio.on([parts.uploads.upload, parts.uploads.delete], self.take,
                        [parts.uploads, parts.threshold, parts.view, parts.token],
                        concurrency_limit=UPLOADS, **always)
        parts.uploads.clear(self.forget, [parts.token], concurrency_limit=REDRAWS, **always)
        # while the slider moves only its last position counts
        self._gradio.on([parts.chooser.input, parts.view.change, parts.threshold.change],
                        self.redraw, [parts.token, parts.chooser, parts.view, parts.threshold],
                        trigger_mode='always_last', concurrency_limit=REDRAWS, **always)
        parts.save.click(self.prepare, [parts.token, parts.threshold], concurrency_limit=REDRAWS,
                         **always)

    def take(self, paths, threshold: float, view: str, old: str) -> Iterator[dict]:
        """Predict an upload; answers at the start, after each image, and at the end."""
        if not paths:
            yield self.forget(old)
            return
        yield self._say('Your images are being read …')
        with contextlib.suppress(Gone):  # taken away meanwhile, which forget() has said
            for progress in self._desk.predict([Path(path) for path in paths], old):
                try:
                    answer = self._after(progress, threshold, view)
                except Refusal as refusal:
                    answer = {self._parts.status: status_of(str(refusal), progress.refused)}
                yield {self._parts.token: progress.token, **answer}

    def redraw(self, token: str, number: int, view: str, threshold: float) -> dict:
        """Show another image, another view or another threshold."""
        if not token or number is None:
            return {self._parts.files: self._hidden()}
        try:
            return {**self._show(token, number, view, threshold),
                    self._parts.files: self._hidden()}
        except (Gone, KeyError, FileNotFoundError):
            return self._gone()
        except Refusal as refusal:
            return {self._parts.status: status_of(str(refusal))}

    def prepare(self, token: str, threshold: float) -> dict:
        """Write the files for the download."""
        try:
            written = [str(path) for path in self._desk.files(token, threshold)]
        except (Gone, FileNotFoundError):
            return self._gone()
        except Refusal as refusal:
            return {self._parts.status: status_of(str(refusal))}
        except OSError as error:
            text = f'The files cannot be written: {error.strerror or error}.'
            return {self._parts.status: status_of(text)}
        return {self._parts.files: self._gradio.update(value=written, visible=True)}

    def forget(self, token: str) -> dict:
        """Forget the images, which the visitor removed."""
        self._desk.shelf.drop(token)
        return {self._parts.token: '', **self._say('No images yet.')}

    def _after(self, progress: Progress, threshold: float, view: str) -> dict:
        text = {self._parts.status: status_of(_said(progress), progress.refused)}
        images = self._desk.images(progress.token)
        # the first one is shown at once, the others at the end
        if not images or not (progress.ended or len(images) == progress.done == 1):
            return text
        choices = [(f'{kept.number}: {kept.name}', kept.number) for kept in images]
        first = images[0].number
        return {**text, self._parts.results: self._gradio.update(visible=True),
                self._parts.chooser: self._gradio.update(choices=choices, value=first),
                **self._show(progress.token, first, view, threshold)}

    def _show(self, token: str, number: int, view: str, threshold: float) -> dict:
        shown, parts = self._desk.show(token, number, view, threshold), self._parts
        image = self._gradio.update(value=shown.image,
                                    alt_text=f'{shown.name}: {shown.headline}')
        return {parts.headline: _headline(shown), parts.image: image,
                parts.legend: _legend(shown), parts.rows: shown.rows, parts.totals: shown.totals}

    def _gone(self) -> dict:
        return self._say('These results have been put away; send the images again.')

    def _say(self, text: str) -> dict:
        return {self._parts.status: status_of(text), self._parts.files: self._hidden(),
                self._parts.results: self._gradio.update(visible=False)}

    def _hidden(self):
        return self._gradio.update(value=None, visible=False)


def status_of(text: str, refused: Sequence[Refused] = ()) -> str:
    """HTML of how far the work is, and of what was left out."""
    lines = [f'<p>{escape(text)}</p>']
    if refused:
        items: list[str] = [f'<li><b>{escape(one.name)}</b> {escape(one.reason)}.</li>'
                            for one in refused[:REFUSED]]
        if len(refused) > REFUSED:
            items.append(f'<li>and {len(refused) - REFUSED} more files</li>')
        lines.append(f'<div class="refused"><p>Left out:</p><ul>{"".join(items)}</ul></div>')
    return f'<div class="status" role="status">{"".join(lines)}</div>'


def escape(text: str) -> str:
    """Text for HTML, without tags and without placeholders of Gradio's templates."""
    safe = html.escape(text)
    return safe.replace('$', '&#36;').replace('{', '&#123;').replace('}', '&#125;')


def _headline(shown: Shown) -> str:
    lines = filter(None, (shown.name, shown.summary, shown.reliability))
    return (f'<div class="result" role="status"><b>{escape(shown.headline)}</b>'
            + ''.join(f'<div>{escape(line)}</div>' for line in lines) + '</div>')


def _legend(shown: Shown) -> str:
    chips = (f'<span><i style="background:rgb{tuple(colour)}"></i>{escape(name)}</span>'
             for name, colour in shown.legend)
    return f'<div class="legend">{"".join(chips)}</div>'


def _said(progress: Progress) -> str:
    if not progress.ended:
        return f'{progress.done} of {progress.total} images are done …'
    if progress.total == 0:
        return 'There was no image to look at.'
    if progress.done < progress.total:
        return f'{progress.done} of {progress.total} images are done.'
    return 'Done.'
