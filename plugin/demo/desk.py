"""The work behind the page: takes uploads, runs the model, shows and writes what it predicted."""
import functools
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import cv2
import numpy as np

from plugin.inference.headers import TooLarge, number_of_pixels
from plugin.utils import atomic_path, write_atomically
from plugin.utils.memory import free_memory
from plugin.utils.workers import usual_workers

from .archives import Refusal, pack
from .budget import Budget
from .model_desk import Arrays, Colour, ModelDesk
from .refusals import enough_memory, needs_memory, refusals
from .shelf import Batch, Kept, Shelf
from .uploads import Found, Limits, Refused, receive

T = TypeVar('T')
LONGEST = 1600  # pixels of a side on the page
# bytes that a pixel takes while its image is drawn or packed: the image, its maps, and copies
BYTES = 16
CACHED = 3  # images
NO_SPACE = ('and what came after it were left out: the demo has no space left now; try again in '
            'some minutes')
# maps of an image, what is known without them, and its height and width
Answer = tuple[Arrays, Any, tuple[int, int]]


class Progress(NamedTuple):
    """How far an upload is.

    Attributes:
        token (str): Of its batch.
        done (int): Images that were tried; at the end, those that have a result.
        total (int): Images that were found.
        refused (tuple[Refused]): What was left out so far.
        ended (bool): Whether this is the end.
    """

    token: str
    done: int
    total: int
    refused: tuple[Refused, ...]
    ended: bool = False


class Shown(NamedTuple):
    """What the page shows of an image."""

    name: str
    image: np.ndarray
    headline: str
    summary: str
    reliability: str
    legend: list[tuple[str, Colour]]
    rows: list[list[Any]]
    totals: list[list[Any]]


class Desk:
    """Everything the page asks for, for many visitors at once.

    The network works on one image at a time, and the images of those who wait take turns.

    Args:
        model (ModelDesk): What is asked about images.
        shelf (Shelf): Where batches are kept.
        limits (Limits): What is taken at a time.
        about (str): Which model it is, for the file that lies beside the results.
    """

    def __init__(self, model: ModelDesk, shelf: Shelf, limits: Limits, about: str) -> None:
        self.model, self.shelf, self.limits, self.about = model, shelf, limits, about
        # first come, first served: a large batch asks again after each image
        self._network = ThreadPoolExecutor(1, 'network')
        # a move of the slider need not read the files again
        self._load = functools.lru_cache(maxsize=CACHED)(self._read)
        # the rest is for the network, and for other programs
        self._budget = Budget(free_memory() // 2)

    def predict(self, uploads: Sequence[Path], old: str = '') -> Iterator[Progress]:
        """Predict the images of an upload.

        Args:
            uploads (Sequence[Path]): Images and archives.
            old (str): Token of the visitor's last batch, which is forgotten.

        Yields:
            Progress: At the start, after each image, and at the end.
        """
        self.shelf.drop(old)
        token, batch = self.shelf.open()
        try:
            found, refused = receive(uploads, batch.folder, self.limits)
            # the answers for one image are packed while the network takes the next one
            with ThreadPoolExecutor(1, 'disk') as disk:
                last: tuple[Found, Future] | None = None
                for index, item in enumerate(found):
                    yield Progress(token, index, len(found), tuple(refused))
                    if not self.shelf.make_space():
                        _settle(last, refused)
                        last = None
                        refused.append(Refused(item.name, NO_SPACE))
                        break
                    asked = self._asked(item)
                    _settle(last, refused)
                    last = item, disk.submit(self._keep, batch, item, asked)
                _settle(last, refused)
            yield Progress(token, len(batch.images), len(found), tuple(refused), ended=True)
        finally:
            batch.busy = False

    def images(self, token: str) -> list[Kept]:
        """The images of a batch so far.

        Raises:
            Gone: If it has been forgotten.
        """
        return list(self.shelf.get(token).images)

    def show(self, token: str, number: int, view: str, threshold: float) -> Shown:
        """An image of a batch; the network is not asked again.

        Raises:
            Gone: If the batch has been forgotten.
            KeyError: If it has no image of this number.
            Refusal: If the memory is too small now.
        """
        images = self.images(token)
        kept = {kept.number: kept for kept in images}[number]
        size = kept.shape[0] * kept.shape[1] * BYTES
        load = self._load if CACHED * size <= self._budget.total // 2 else self._read
        headline, summary = self.model.headline(images, kept, threshold)
        with enough_memory(), self._budget.hold(size):
            image, arrays = load(kept.path)
            return Shown(
                kept.name, self.model.draw(image, arrays, view, threshold, LONGEST), headline,
                summary, self.model.reliability(threshold), self.model.legend(kept),
                self.model.rows(kept, arrays, threshold), self.model.totals(images, threshold))

    def files(self, token: str, threshold: float) -> list[Path]:
        """Write what can be downloaded: the archive with everything, and the tables.

        Raises:
            Gone: If the batch has been forgotten.
            Refusal: If the memory is too small now.
        """
        batch = self.shelf.get(token)
        largest = max((kept.shape[0] * kept.shape[1] for kept in batch.images), default=0)
        threads = max(1, min(usual_workers(4), self._budget.total // max(1, 2 * largest * BYTES)))
        with batch.lock, enough_memory(), self._budget.hold(threads * largest * BYTES):
            images = list(batch.images)
            out = batch.folder / 'results'
            shutil.rmtree(out, ignore_errors=True)
            (out / 'pictures').mkdir(parents=True)
            for kept in images:
                shutil.copyfile(kept.path, out / 'pictures' / kept.path.name)
            self.model.write(out, images, lambda kept: self._read(kept.path), threshold,
                             threads)
            write_atomically(out / 'about.txt', f'{self.about}\nthreshold {threshold:g}\n')
            archive = batch.folder / 'results.zip'
            pack(out, archive)
        return [archive, *(out / name for name in self.model.tables)]

    def in_turn(self, function: Callable[..., T], *args: Any) -> T:
        """What a function returns that asks the network, when it is its turn."""
        return self._network.submit(function, *args).result()

    def _asked(self, item: Found) -> Answer | Refusal:
        """What the network answers for an image, or why it does not."""
        try:
            with refusals(), self._budget.hold(number_of_pixels(item.path) * BYTES):
                # also read in turn: those that wait have no pixels in memory
                return self.in_turn(self._answer, item.path)
        except Refusal as refusal:
            return refusal

    def _keep(self, batch: Batch, item: Found, asked: Answer | Refusal) -> None:
        """Write an answer to the disk."""
        if isinstance(asked, Refusal):
            raise asked
        arrays, summary, shape = asked
        with refusals(), self._budget.hold(shape[0] * shape[1] * BYTES):
            with atomic_path(item.path.with_suffix('.npz')) as temporary:
                # numpy's stub fears that a key is called allow_pickle
                np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]
            number = int(item.path.stem)
            batch.images.append(Kept(number, item.name, item.path, shape, summary))

    def _answer(self, path: Path) -> Answer:
        image = self._image(path)
        arrays, summary = self.model.predict(image)
        return arrays, summary, (image.shape[0], image.shape[1])

    def _image(self, path: Path) -> np.ndarray:
        try:
            try:
                image = self.model.read(path)
            except TooLarge:
                self._load.cache_clear()
                image = self.model.read(path)
        except (ValueError, cv2.error) as error:
            if needs_memory(error):
                raise
            raise Refusal('is damaged: it cannot be decoded') from error
        # a header may say another size to the check of the upload than to OpenCV
        if image.shape[0] * image.shape[1] > self.limits.pixels:
            raise Refusal('is damaged: its header does not tell its size')
        return image

    def _read(self, path: Path) -> tuple[np.ndarray, Arrays]:
        with np.load(path.with_suffix('.npz'), allow_pickle=False) as file:
            return self.model.read(path), dict(file)


def _settle(last: tuple[Found, Future] | None, refused: list[Refused]) -> None:
    """Wait until the image before is on the disk, or note why it is not."""
    if last is not None:
        item, future = last
        try:
            future.result()
        except Refusal as refusal:
            refused.append(Refused(item.name, str(refusal)))
