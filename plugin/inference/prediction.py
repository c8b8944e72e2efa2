"""Predicting the images and videos of a user, and writing the results."""
import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import torch

from plugin.utils import UserError
from plugin.utils.console import progress, say, warn, write_line
from plugin.utils.errors import is_out_of_memory
from plugin.utils.io import remove_leftovers
from plugin.utils.locks import working_in

from .coco_ids import CocoIds
from .count_total import CountTotal
from .detector import Detector
from .inputs import Input, Inputs, find_inputs
from .instance_results import InstanceResults
from .model import NO_DETECTOR, refuse
from .pixel_results import PixelResults
from .segmenter import Segmenter
from .writers import ImageError, frames_of

Results = PixelResults | InstanceResults
# what a run writes, below the folder of the results
FOLDERS = ('labelme', 'masks', 'overlays', 'probabilities', 'videos')
TABLES = r'(animals|areas|counts)\.csv|(results|total)\.json'
SHORT = 'needs more memory than there is: give --tile 1024 or less, or make the image smaller'


@dataclass
class Predicted:
    """What became of the inputs; printed, it is one sentence.

    Attributes:
        out (Path): Folder of the results.
        verb (str): What was done with them.
        done (int): Inputs that have results.
        failed (dict[Path, str]): Those that could not be done, and why.
        total (CountTotal, optional): The number of instances in all images, with its interval.
    """

    out: Path
    verb: str
    done: int = 0
    failed: dict[Path, str] = field(default_factory=dict)
    total: CountTotal | None = None

    def skip(self, path: Path, error: Exception) -> None:
        """Note and tell that an input could not be done."""
        text = str(error)
        self.failed[path] = text if str(path) in text else f'{path}: {text}'
        write_line(f'skipped: {self.failed[path]}', sys.stderr)

    def __str__(self) -> str:
        failed = f', {len(self.failed)} could not be done' if self.failed else ''
        return (f'{self.done} of {self.done + len(self.failed)} inputs {self.verb}{failed}; '
                f'results in {self.out}')


def predict(model: Segmenter | Detector, inputs: Inputs, out: str | Path = 'outputs', *,
            probabilities: bool = False, opacity: float = 0.5, image_format: str = 'jpg',
            data: str | Path | None = None, simplify: float | None = None) -> Predicted:
    """Predict images and videos, and write the results into a folder.

    A semantic model writes ``overlays/``, ``masks/``, ``areas.csv`` and perhaps
    ``probabilities/``; a model of instances ``overlays/``, ``labelme/``, ``results.json`` (COCO),
    ``counts.csv``, ``animals.csv`` and ``total.json``; both ``videos/``. Every file appears whole
    or not at all, and tables and ``results.json`` grow image by image: whatever ends the work, they
    list what was done. An input that cannot be read, or needs too much memory, costs the others
    nothing.

    Args:
        model (Segmenter | Detector): Of :func:`~plugin.inference.load_model`; for probabilities of
            images in tiles with ``keep_logits=True``.
        inputs (str | Path | Sequence[str | Path]): Images, videos, folders (with their subfolders)
            and globs, one or several.
        out (str | Path): Folder of the results. Defaults to ``outputs``.
        probabilities (bool): Also write those of each image, float16 ``(C, H, W)``, as ``.npy``
            (semantic models). Defaults to False.
        opacity (float): Of the colours in overlays, from 0 to 1. Defaults to 0.5.
        image_format (str): Of the overlays, ``jpg`` or ``png``. Defaults to ``jpg``.
        data (str | Path, optional): COCO file that gives images and classes of ``results.json``
            their ids (instances). Defaults to numbers from 1.
        simplify (float, optional): How far outlines for LabelMe may deviate, in pixels, so that
            they have few points to correct; 0 keeps every pixel (instances). Defaults to 1.

    Returns:
        Predicted: How many are ``done``, which ``failed``, and where the results lie (``out``);
        of instances also the ``total`` with its interval.

    Raises:
        FileNotFoundError: If an input or ``data`` names nothing.
        UserError: If a setting is not of this kind of model or out of range, or ``data`` does not
            know the images or the classes.

    Example:
        >>> from plugin.inference import load_model, predict
        >>> model = load_model('fcn8s_barn', 'best.pth', device='cpu')
        >>> print(predict(model, 'barn.jpg', out='results'))
        1 of 1 inputs segmented; results in results
        >>> predict(model, ['barn.jpg', 'images/'], out='results').failed
        {}
    """
    out = Path(out)
    found = find_inputs(inputs, out)
    _check(opacity, image_format, simplify)
    images = [item for item in found if not item.is_video]
    if isinstance(model, Detector):
        refuse(dict(probabilities=probabilities),
               f'is for semantic models, but {model.config} finds animals')
        ids = None if data is None else CocoIds.of_file(
            Path(data), [item.path for item in images], model.classes)
        results: Results = InstanceResults(
            model, out, images=images, image_format=image_format, opacity=opacity, ids=ids,
            simplify=1.0 if simplify is None else simplify)
        _tell_threshold(model)
    else:
        refuse(dict(data=data is not None, simplify=simplify is not None),
               NO_DETECTOR.format(model.config))
        results = PixelResults(model, out, image_format=image_format, opacity=opacity,
                               probabilities=probabilities)
    return predict_all(results, found, out)


def predict_all(results: Results, inputs: list[Input], out: Path) -> Predicted:
    """Write the results of all inputs: first of the images, then of the videos."""
    done = Predicted(out, results.verb)
    images = [item for item in inputs if not item.is_video]
    out.mkdir(parents=True, exist_ok=True)
    with working_in(out, lambda: _sweep(out)), _told(done, len(inputs)):
        if images:
            _predict_images(results, images, done)
        for item in inputs:
            if item.is_video:
                _predict_video(results, item, done)
    if images and isinstance(results, InstanceResults):
        done.total = results.total
        say(str(done.total))
    return done


def _sweep(out: Path) -> None:
    """Remove the temporary files of runs that were killed."""
    remove_leftovers(out, TABLES)
    for name in FOLDERS:
        for folder in (out / name, *(out / name).rglob('*/')):
            if folder.is_dir() and not folder.is_symlink():
                remove_leftovers(folder, r'.*\.(csv|jpg|json|mp4|npy|png)')


@contextlib.contextmanager
def _told(done: Predicted, total: int) -> Iterator[None]:
    """Say what is on the disk when the work ends before its time."""
    try:
        yield
    except BaseException:
        say(f'{done.done} of {total} inputs {done.verb} before the end; results in {done.out}')
        raise


def _predict_images(results: Results, inputs: list[Input], done: Predicted) -> None:
    with results.images() as add:
        for item in progress(inputs, 'images'):
            image = None
            with _skipping(done, item.path, (OSError, ValueError, cv2.error)):
                image = results.read(item.path)
            if image is None:
                continue
            with _skipping(done, item.path, (ImageError, cv2.error)):
                add(item, image)
                done.done += 1
            del image  # else it would be in memory beside the next one


@contextlib.contextmanager
def _skipping(done: Predicted, path: Path, kinds: tuple[type[Exception], ...]) -> Iterator[None]:
    """Let an error of one input cost the others nothing: of these kinds, or for its size."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            done.skip(path, UserError(f'{path} {SHORT}'))
        elif isinstance(error, kinds):
            done.skip(path, _plain(error) if isinstance(error, cv2.error) else error)
        else:
            raise
    if torch.cuda.is_initialized() and path in done.failed:
        # what it took stays with the allocator otherwise, in pieces that may not fit the next one
        torch.cuda.empty_cache()


def _plain(error: cv2.error) -> UserError:
    """What OpenCV found, in words."""
    found = getattr(error, 'err', None) or str(error)
    if 'inv_scale' in found:
        return UserError('nothing is left of its short side when it is brought to the size that '
                         'the config sets: cut the image, or pad its short side')
    return UserError(f'OpenCV cannot read or prepare it: {found}')


def _predict_video(results: Results, item: Input, done: Predicted) -> None:
    with contextlib.ExitStack() as stack:
        try:
            frames, number, rate = stack.enter_context(frames_of(item.path))
        except ValueError as error:
            done.skip(item.path, error)
            return
        add = stack.enter_context(results.video(done.out / 'videos' / item.name, rate))
        # what the frames before left is kept
        with _skipping(done, item.path, ()):
            for index, frame in enumerate(progress(frames, item.path.name, total=number or None)):
                add(index, frame)
    # closing the video may fail as well
    done.done += item.path not in done.failed


def _tell_threshold(detector: Detector) -> None:
    say(f'score threshold {detector.score_thr:.3g}: {detector.reason}')
    if detector.score_thr < detector.least_score:
        warn(f'the config drops what scores below {detector.least_score} before; lower score_thr '
             'in its model.test_cfg as well')


def _check(opacity: float, image_format: str, simplify: float | None) -> None:
    if not 0 <= opacity <= 1:
        raise UserError(f'opacity={opacity} is out of range: give 0 to 1')
    if image_format not in ('jpg', 'png'):
        raise UserError(f"image_format={image_format!r} is unknown: give 'jpg' or 'png'")
    if simplify is not None and not 0 <= simplify < float('inf'):
        raise UserError(f'simplify={simplify} is no distance in pixels: give 0 or more')
