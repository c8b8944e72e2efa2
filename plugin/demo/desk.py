"""The work behind the page: takes uploads, runs the model, shows and writes what it predicted."""
import contextlib
import functools
import shutil
import traceback
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import cv2
import numpy as np

from plugin.inference.headers import TooLarge, number_of_pixels
from plugin.utils import atomic_path, write_atomically
from plugin.utils.errors import is_full_disk, is_out_of_memory
from plugin.utils.memory import free_memory

from .archives import Refusal
from .budget import Budget
from .model_desk import Arrays, Colour, ModelDesk
from .shelf import Batch, Kept, Shelf
from .uploads import Found, Limits, Refused, receive

T = TypeVar('T')
LONGEST = 1600  # pixels of a side on the page
# bytes that a pixel takes while its image is drawn or packed: the image, its maps, and copies
BYTES = 16
CACHED = 3  # images


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
            for index, item in enumerate(found):
                yield Progress(token, index, len(found), tuple(refused))
                if not self.shelf.make_space():
                    refused.append(Refused(item.name, 'and what came after it were left out: the '
                                           'demo has no space left now; try again in some minutes'))
                    break
                try:
                    self._add(batch, item)
                except Refusal as refusal:
                    refused.append(Refused(item.name, str(refusal)))
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
        with _enough_memory(), self._budget.hold(size):
            image, arrays = load(kept.path)
            return Shown(
                kept.name, self.model.draw(image, arrays, view, threshold, LONGEST), headline,
                summary, self.model.legend(kept), self.model.rows(kept, arrays, threshold),
                self.model.totals(images, threshold))

    def files(self, token: str, threshold: float) -> list[Path]:
        """Write what can be downloaded: the archive with everything, and the tables.

        Raises:
            Gone: If the batch has been forgotten.
            Refusal: If the memory is too small now.
        """
        batch = self.shelf.get(token)
        largest = max((kept.shape[0] * kept.shape[1] for kept in batch.images), default=0)
        with batch.lock, _enough_memory(), self._budget.hold(largest * BYTES):
            images = list(batch.images)
            out = batch.folder / 'results'
            shutil.rmtree(out, ignore_errors=True)
            (out / 'pictures').mkdir(parents=True)
            for kept in images:
                shutil.copyfile(kept.path, out / 'pictures' / kept.path.name)
            self.model.write(out, images, lambda kept: self._read(kept.path), threshold)
            write_atomically(out / 'about.txt', f'{self.about}\nthreshold {threshold:g}\n')
            archive = batch.folder / 'results.zip'
            pack_folder(out, archive)
        return [archive, *(out / name for name in self.model.tables)]

    def in_turn(self, function: Callable[..., T], *args: Any) -> T:
        """What a function returns that asks the network, when it is its turn."""
        return self._network.submit(function, *args).result()

    def _add(self, batch: Batch, item: Found) -> None:
        with refusals(), self._budget.hold(number_of_pixels(item.path) * BYTES):
            # also read in turn: those that wait have no pixels in memory
            arrays, summary, shape = self.in_turn(self._answer, item.path)
            with atomic_path(item.path.with_suffix('.npz')) as temporary:
                # numpy's stub fears that a key is called allow_pickle
                np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]
            number = int(item.path.stem)
            batch.images.append(Kept(number, item.name, item.path, shape, summary))

    def _answer(self, path: Path) -> tuple[Arrays, Any, tuple[int, int]]:
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
            if _needs_memory(error):
                raise
            raise Refusal('is damaged: it cannot be decoded') from error
        # a header may say another size to the check of the upload than to OpenCV
        if image.shape[0] * image.shape[1] > self.limits.pixels:
            raise Refusal('is damaged: its header does not tell its size')
        return image

    def _read(self, path: Path) -> tuple[np.ndarray, Arrays]:
        with np.load(path.with_suffix('.npz'), allow_pickle=False) as file:
            return self.model.read(path), dict(file)


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Turn any error of one image into a refusal, so that the others keep their results."""
    try:
        yield
    except Refusal:
        raise
    except Exception as error:
        if is_full_disk(error):
            raise Refusal('could not be kept: the disk of this computer is full') from error
        if _needs_memory(error):
            raise Refusal('needs more memory than this computer has; make it smaller') from error
        traceback.print_exc()
        raise Refusal('could not be done for an error of the program, which its console '
                      'tells') from error


@contextlib.contextmanager
def _enough_memory() -> Iterator[None]:
    """Turn a lack of memory into a sentence."""
    try:
        yield
    except Exception as error:
        if not _needs_memory(error):
            raise
        raise Refusal('The memory of this computer is too small for this now; try again in some '
                      'minutes.') from error


def _needs_memory(error: Exception) -> bool:
    return isinstance(error, TooLarge) or is_out_of_memory(error)


def pack_folder(folder: Path, archive: Path) -> None:
    """Pack a folder; images are packed already."""
    with atomic_path(archive) as temporary, zipfile.ZipFile(temporary, 'w') as target:
        for path in sorted(folder.rglob('*')):
            if path.is_file():
                text = path.suffix in ('.csv', '.json', '.txt')
                target.write(path, path.relative_to(folder).as_posix(),
                             zipfile.ZIP_DEFLATED if text else zipfile.ZIP_STORED)
