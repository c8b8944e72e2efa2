"""Writes a folder of videos; each has a folder of its own, and is complete with its truth."""
import json
import re
from pathlib import Path

from plugin.utils import UserError
from plugin.utils.io import remove_leftovers

from ..drawing import alone, check_jobs, run_all
from .clip import Clip
from .files import NAMES, TRUTH, write_clip
from .spec import VideoSpec

_OURS = re.compile(r'\d{4,}')


def make_videos(root: Path, spec: VideoSpec, jobs: int = 1, overwrite: bool = False) -> int:
    """Draw videos of walking animals, or those that are missing.

    Each folder ``NNNN`` holds ``clip.mp4``; ``masks.json`` (COCO, one image a frame, with the
    number of each animal as ``track_id``); ``gt.txt`` (boxes of the MOT challenge: frame from 1,
    number, x, y, width, height, 1, 1, visible share); ``gate.json``, a LabelMe file with the line
    to count at, on ``gate.jpg``; and ``truth.json``: crossings in each direction, the number of
    animals that were seen, how many in each frame, and the time of each frame. Dropped frames
    leave gaps in the times of all files.

    Args:
        root (Path): The folder; it is made if missing.
        spec (VideoSpec): What to draw. More clips may be added to those that are there.
        jobs (int): Number of processes.
        overwrite (bool): Replace videos of other values. Other files are never touched.

    Returns:
        int: Number of videos drawn; 0 if all were there.

    Raises:
        FileExistsError: If the folder holds something else.
        UserError: If ``jobs`` is below 1, or the barn is too full for a video to begin.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> from plugin.datasets.synthetic_barn import VideoSpec, make_videos
        >>> folder = Path(mkdtemp())
        >>> make_videos(folder, VideoSpec(clips=1, seconds=0.4, size=(64, 96)))
        1
        >>> sorted(path.name for path in (folder / '0000').iterdir())
        ['clip.mp4', 'gate.jpg', 'gate.json', 'gt.txt', 'masks.json', 'truth.json']
    """
    check_jobs(jobs)
    root = Path(root)
    with alone(root):
        others = sorted(path.name for path in root.iterdir() if not _OURS.fullmatch(path.name))
        if others:
            raise FileExistsError(f'{root} holds {others[0]!r}, which is no video of a barn; '
                                  'choose an empty or a new folder')
        missing = [number for number in range(spec.clips)
                   if not _is_done(root / f'{number:04d}', spec, overwrite)]
        for number in missing:
            _clear(root / f'{number:04d}')
        run_all(_write, [(root, spec, number) for number in missing], jobs, chunk=1)
    return len(missing)


def _write(task: tuple[Path, VideoSpec, int]) -> None:
    root, spec, number = task
    write_clip(root / f'{number:04d}', Clip(spec, number), spec.stamp())


def _is_done(folder: Path, spec: VideoSpec, overwrite: bool) -> bool:
    """Whether a video is there, as asked for."""
    path = folder / TRUTH
    if not path.exists():
        return False
    try:
        stamp = json.loads(path.read_text(encoding='utf-8'))['spec']
        changed = [f'{key}={stamp.get(key)} (asked for: {value})'
                   for key, value in spec.stamp().items() if stamp.get(key) != value]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f'{path} is not the truth of a video of a barn; choose another folder, '
                        'or move that file away') from None
    if changed and not overwrite:
        raise FileExistsError(f'{folder} holds a video with {", ".join(changed)}; choose another '
                              'folder, or replace the videos with --overwrite')
    return not changed


def _clear(folder: Path) -> None:
    """Remove what is left of a video; the truth first, without which it is not complete."""
    if folder.is_dir():
        for name in reversed(NAMES):
            (folder / name).unlink(missing_ok=True)
        for name in NAMES:
            remove_leftovers(folder, re.escape(name))
