"""Predicting the images and videos of a user, and writing the results."""
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plugin.utils import UserError
from plugin.utils.console import progress, say, warn, write_line
from plugin.utils.io import remove_leftovers
from plugin.utils.launchers import ALONE, Launch, launched_by
from plugin.utils.locks import working_in
from plugin.utils.workers import usual_workers

from .coco_ids import CocoIds
from .crew import crew_of
from .detector import Detector
from .inputs import Input, Inputs, find_inputs
from .instance_results import InstanceResults
from .model import NO_DETECTOR, refuse
from .pipeline import Pipeline, Tables, predict_one_by_one
from .pixel_results import PixelResults
from .predicted import Predicted, skipping
from .segmenter import Segmenter
from .unfinished import Unfinished
from .writers import frames_of

Results = PixelResults | InstanceResults
# what a run writes, below the folder of the results
FOLDERS = ('labelme', 'masks', 'overlays', 'probabilities', 'videos')
TABLES = r'(animals|areas|counts)\.csv|(results|total)\.json'


def predict(model: Segmenter | Detector, inputs: Inputs, out: str | Path = 'outputs', *,
            probabilities: bool = False, opacity: float = 0.5, image_format: str = 'jpg',
            data: str | Path | None = None, simplify: float | None = None, overlays: bool = True,
            workers: int | None = 0, batch: int = 1, resume: bool = False,
            launcher: str = 'none', local_rank: int = 0) -> Predicted:
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
        overlays (bool): Write overlays of images, and videos with them. Defaults to True.
        workers (int, optional): Processes, forked from this one, that read images and write
            results while the network works; the results are the same for any number. None is what
            :func:`workers_beside` says. Defaults to 0: this process.
        batch (int): Images of the same prepared size that the network takes at once. Above 1 it
            may compute other last bits, and so other labels where two classes are equally likely.
            Defaults to 1.
        resume (bool): Take over what an earlier run into this folder did, whatever ended it; in
            the end the tables are those of one run. Defaults to False.
        launcher (str): What started several processes, each of which predicts its share:
            ``none``, ``pytorch``, ``slurm`` or ``mpi``. The last one writes the tables.
        local_rank (int): Number of this process on its machine, where ``pytorch`` does not tell.

    Returns:
        Predicted: How many are ``done``, which ``failed``, and where the results lie (``out``);
        of instances also the ``total`` with its interval.

    Raises:
        FileNotFoundError: If an input or ``data`` names nothing.
        UserError: If a setting is not of this kind of model or out of range, or ``data`` does not
            know the images or the classes, or what would be resumed is of another model or of
            other inputs.

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
    _check(opacity, image_format, simplify, workers, batch)
    images = [item for item in found if not item.is_video]
    if isinstance(model, Detector):
        refuse(dict(probabilities=probabilities),
               f'is for semantic models, but {model.config} finds animals')
        ids = None if data is None else CocoIds.of_file(
            Path(data), [item.path for item in images], model.classes)
        results: Results = InstanceResults(
            model, out, images=images, image_format=image_format, opacity=opacity, ids=ids,
            simplify=1.0 if simplify is None else simplify, overlays=overlays)
        _tell_threshold(model)
    else:
        refuse(dict(data=data is not None, simplify=simplify is not None),
               NO_DETECTOR.format(model.config))
        results = PixelResults(model, out, image_format=image_format, opacity=opacity,
                               probabilities=probabilities, overlays=overlays)
    if workers is None:
        workers = workers_beside(model.runs_on, len(images))
    return predict_all(results, found, out, workers=workers, batch=batch, resume=resume,
                       settings=model.identity(), launch=launched_by(launcher, local_rank))


def workers_beside(device: str, images: int) -> int:
    """How many processes may read and write beside a network, where the user does not say.

    Args:
        device (str): Where the network computes.
        images (int): How many there are.

    Returns:
        int: One a core, at most 16, and fewer for a few images, for which they are not worth while.
        0 beside a CPU, all of whose cores the network takes: there they make it slower.

    Example:
        >>> from plugin.inference.prediction import workers_beside
        >>> workers_beside('cpu', 1000), workers_beside('cuda:0', 7)
        (0, 0)
    """
    return 0 if device.startswith('cpu') else min(usual_workers(), images // 8)


def predict_all(results: Results, inputs: list[Input], out: Path, *, workers: int = 0,
                batch: int = 1, resume: bool = False, settings: dict[str, Any] | None = None,
                launch: Launch = ALONE) -> Predicted:
    """Write the results of all inputs: first of the images, then of the videos."""
    done = Predicted(out, results.verb)
    images = [item for item in inputs if not item.is_video]
    out.mkdir(parents=True, exist_ok=True)
    with working_in(out, lambda: _sweep(out)), _told(done, len(inputs)):
        state = Unfinished(results, inputs, settings or {}, resume=resume, launch=launch)
        if images:
            shown = progress(images, 'images') if launch.rank == 0 else images
            _predict_images(results, state, state.share(shown), done, workers, batch)
        for item in state.share([item for item in inputs if item.is_video]):
            if not state.has_video(item):
                _predict_video(results, item, done)
            else:
                done.done, done.before = done.done + 1, done.before + 1
            if item.path not in done.failed:
                state.keep_video(item)
        done.is_whole = state.end(done)
    if done.is_whole and images and isinstance(results, InstanceResults):
        done.total = results.total
        write_line(str(done.total), sys.stdout)
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


def _predict_images(results: Results, state: Unfinished, images: Iterator[Input], done: Predicted,
                    workers: int, batch: int) -> None:
    with results.tables(state.tables) as commit:
        tables = Tables(commit, done, state.known)
        if workers == 0 and batch == 1:
            predict_one_by_one(results, images, tables)
            return
        with crew_of(results, workers, batch) as crew:
            Pipeline(results, crew, tables, batch).run(images)


def _predict_video(results: Results, item: Input, done: Predicted) -> None:
    with contextlib.ExitStack() as stack:
        try:
            frames, number, rate = stack.enter_context(frames_of(item.path))
        except ValueError as error:
            done.skip(item.path, error)
            return
        add = stack.enter_context(results.video(done.out / 'videos' / item.name, rate))
        # what the frames before left is kept
        with skipping(done, item.path, ()):
            for index, frame in enumerate(progress(frames, item.path.name, total=number or None)):
                add(index, frame)
    # closing the video may fail as well
    done.done += item.path not in done.failed


def _tell_threshold(detector: Detector) -> None:
    say(f'score threshold {detector.score_thr:.3g}: {detector.reason}')
    if detector.score_thr < detector.least_score:
        warn(f'the config drops what scores below {detector.least_score} before; lower score_thr '
             'in its model.test_cfg as well')


def _check(opacity: float, image_format: str, simplify: float | None, workers: int | None,
           batch: int) -> None:
    if not 0 <= opacity <= 1:
        raise UserError(f'opacity={opacity} is out of range: give 0 to 1')
    if image_format not in ('jpg', 'png'):
        raise UserError(f"image_format={image_format!r} is unknown: give 'jpg' or 'png'")
    if simplify is not None and not 0 <= simplify < float('inf'):
        raise UserError(f'simplify={simplify} is no distance in pixels: give 0 or more')
    if (workers or 0) < 0 or batch < 1:
        raise UserError(f'workers={workers} and batch={batch}: give 0 or more workers, and a batch '
                        'of 1 or more')
