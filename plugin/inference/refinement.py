"""Sharpening saved probabilities by a dense CRF, several images at a time."""
import contextlib
import signal
import sys
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from plugin.datasets.voc import voc_palette
from plugin.models.postprocess import DenseCRF
from plugin.models.postprocess.dense_crf import usable_cores
from plugin.utils import UserError, first_few
from plugin.utils.console import progress
from plugin.utils.workers import start_context

from .inputs import find_inputs
from .writers import save_array, save_mask


class Job(NamedTuple):
    """An image to refine: its probabilities, the image, and the name of its results."""

    probabilities: Path
    image: Path
    name: str


class Refined(NamedTuple):
    """What became of the images; printed, it is one sentence.

    Attributes:
        out (Path): Folder of the results.
        done (int): Images that have results.
        failed (list[str]): Why others could not be done.
    """

    out: Path
    done: int
    failed: list[str]

    def __str__(self) -> str:
        failed = f', {len(self.failed)} could not be done' if self.failed else ''
        return (f'{self.done} of {self.done + len(self.failed)} images refined{failed}; '
                f'results in {self.out}')


def refine(probabilities: str | Path, images: str | Path, out: str | Path, *,
           iterations: int = 10, bilateral: Sequence[float] = (4, 121, 5),
           gaussian: Sequence[float] = (3, 3), marginals: bool = False,
           jobs: int | None = None) -> Refined:
    """Let a dense CRF sharpen saved probabilities, see :class:`plugin.models.postprocess.DenseCRF`.

    Writes ``masks/NAME.png`` with the palette of VOC, and perhaps ``probabilities/NAME.npy``.

    Args:
        probabilities (str | Path): Folder of ``.npy`` or ``.npz`` files of (C, H, W), float16,
            float32 or float64, as :func:`~plugin.inference.predict` writes them.
        images (str | Path): Folder of the images, which have the same names.
        out (str | Path): Folder of the results.
        iterations (int): Steps of the mean field. Defaults to 10.
        bilateral (Sequence[float]): Kernel over places and colours: weight, pixels, and grey levels
            from 0 to 255. Defaults to (4, 121, 5), as DeepLab v1.
        gaussian (Sequence[float]): Kernel over places: weight and pixels. Defaults to (3, 3).
        marginals (bool): Also write the marginals, float16 (C, H, W). Defaults to False.
        jobs (int, optional): Images at a time. Defaults to all cores.

    Returns:
        Refined: How many are ``done``, why others ``failed``, and where the results are (``out``).

    Raises:
        FileNotFoundError: If there are no probabilities, or an image is missing.
        ImportError: If ``pydensecrf2`` is not installed.
        UserError: If results would replace the probabilities, two files have one name, or a
            parameter is out of range.
    """
    out = Path(out)
    found = find_jobs(Path(probabilities), Path(images), out)
    crf = DenseCRF(iterations=iterations,
                   bilateral=dict(zip(('weight', 'xy', 'rgb'), bilateral, strict=True)),
                   gaussian=dict(zip(('weight', 'xy'), gaussian, strict=True)))
    failed = run_all(partial(refine_one, crf, out, marginals), found,
                     min(jobs or usable_cores(), len(found)))
    return Refined(out, len(found) - len(failed), failed)


def find_jobs(probabilities: Path, images: Path, out: Path) -> list[Job]:
    """Pair the files of probabilities with images of the same name.

    Raises:
        FileNotFoundError: If there are none, or an image is missing.
        UserError: If results would replace the probabilities, or two files have one name.
    """
    for folder in (probabilities, images):
        if not folder.is_dir():
            raise FileNotFoundError(f'{folder} is no folder')
    if (out / 'probabilities').resolve() == probabilities.resolve():
        raise UserError(f'the results in {out} would replace the probabilities: '
                        'give another --out')
    files: dict[str, Path] = {}
    for path in sorted(probabilities.rglob('*.np[yz]')):
        name = path.relative_to(probabilities).with_suffix('').as_posix()
        if path.name.startswith('.'):
            continue
        if name in files:
            raise UserError(f'{files[name]} and {path} have the same name: remove one of them')
        files[name] = path
    if not files:
        raise FileNotFoundError(f'{probabilities} holds no probabilities (.npy, .npz); '
                                'tools/predict.py --probabilities writes them')
    known = {item.name: item.path for item in find_inputs(images, out)}
    missing = [name for name in files if name not in known]
    if missing:
        raise FileNotFoundError(f'{images} has no image for {len(missing)} of {len(files)} '
                                f'probabilities: {first_few(missing)}')
    return [Job(path, known[name], name) for name, path in files.items()]


def run_all(one: Callable[[Job], str], jobs: Sequence[Job], processes: int) -> list[str]:
    """Refine every image; returns why some could not be done, as ``one`` says it."""
    failed = []
    with contextlib.ExitStack() as stack:
        pool = ProcessPoolExecutor(processes, start_context(), signal.signal,
                                   (signal.SIGINT, signal.SIG_IGN))
        # on an error or Ctrl-C those not begun are dropped
        stack.callback(pool.shutdown, cancel_futures=True)
        waiting = [pool.submit(one, job) for job in jobs]
        for future in progress(as_completed(waiting), 'images', total=len(jobs)):
            try:
                problem = future.result()
            except BrokenProcessPool as error:
                raise UserError('a process was ended from outside, most often for want of '
                                'memory; use fewer --jobs') from error
            if problem:
                failed.append(problem)
                print(f'skipped: {problem}', file=sys.stderr)
    return failed


def refine_one(crf: DenseCRF, out: Path, marginals: bool, job: Job) -> str:
    """Write the results of an image; returns why that cannot be done, or nothing."""
    try:
        given = read_probabilities(job.probabilities)
        content = np.fromfile(job.image, np.uint8)
        image = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
        if image is None:
            return f'{job.image} is {"no image" if content.size else "empty"}'
        if given.ndim and len(given) > 256:
            return f'{job.probabilities}: {len(given)} classes do not fit into a PNG'
        refined = crf(given, image[..., ::-1])
    except ValueError as error:
        # one bad file must not cost the others their results
        return f'{job.probabilities}: {error}'
    save_mask(out / 'masks' / f'{job.name}.png', refined.argmax(0), voc_palette().tolist())
    if marginals:
        save_array(out / 'probabilities' / f'{job.name}.npy', refined.astype(np.float16))
    return ''


def read_probabilities(path: Path) -> np.ndarray:
    """Read (C, H, W) from a .npy file, or a .npz file that holds one array.

    Raises:
        UserError: If it is no such file.
    """
    try:
        content = np.load(path, allow_pickle=False)
        # what a file is decides its content, whatever its suffix
        if isinstance(content, np.ndarray):
            return content
        with content:
            if len(content.files) != 1:
                raise UserError(f'it holds {len(content.files)} arrays: give one')
            return content[content.files[0]]
    except (EOFError, tokenize.TokenError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f'it cannot be read ({error})') from error
