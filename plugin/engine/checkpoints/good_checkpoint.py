"""The checkpoint that a training can go on from: the newest one that is whole."""
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from plugin.utils import UserError

from .archives import ZIP
from .safe_reading import DamagedCheckpointError, read_checkpoint

NEEDED = ('state_dict', 'message_hub', 'meta')


class Choice(NamedTuple):
    """What was found in a folder.

    Attributes:
        path (Path | None): The newest whole checkpoint.
        damaged (list[tuple[Path, str]]): Newer ones that are not whole, and why.
    """

    path: Path | None
    damaged: list[tuple[Path, str]]


def checkpoints_to_resume(folder: Path) -> list[Path]:
    """The checkpoints of a training, the newest first, also in a folder that was moved.

    Args:
        folder (Path): The work directory.

    Returns:
        list[Path]: That of ``last_checkpoint``, then ``iter_*.pth`` and ``epoch_*.pth`` by their
        dates. The best ones are left out: they hold no state of the optimizer.
    """
    if not folder.is_dir():
        return []
    found = sorted((path for path in folder.glob('*.pth')
                    if path.stem.startswith(('iter_', 'epoch_'))),
                   key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    note = folder / 'last_checkpoint'
    named = note.read_text(encoding='utf-8', errors='replace').strip() if note.is_file() else ''
    # a note that is half written names no path; in a copied folder it names the original
    for path in (folder / Path(named).name, Path(named)) if named.isprintable() and named else ():
        if path.is_file():
            return [path, *(other for other in found if other.name != path.name)]
    return found


def damage_of(path: Path) -> str | None:
    """Why a training cannot go on from a file, or None if it can.

    All of it is read: PyTorch does not compare the checksums of its archives.

    Args:
        path (Path): The checkpoint.

    Raises:
        OSError: If it may not be read.
        UntrustedCheckpointError: If it names classes that can run code.
    """
    with path.open('rb') as file:
        begin = file.read(2)
    if not begin:
        return 'it is empty'
    if begin == ZIP:
        if not zipfile.is_zipfile(path):
            return 'its end is missing'
        try:
            with zipfile.ZipFile(path) as archive:
                broken = archive.testzip()
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError,
                RuntimeError) as error:
            broken = str(error) or type(error).__name__
        if broken:
            return f'its part {broken} does not match its checksum'
    try:
        content = read_checkpoint(path)
    except DamagedCheckpointError:
        return 'it is no file of PyTorch'
    if not isinstance(content, dict):
        return f'it holds a {type(content).__name__}, no training'
    missing = [key for key in NEEDED if not isinstance(content.get(key), dict)]
    if missing:
        return f'it holds no {" and no ".join(missing)} of a training'
    if not all(isinstance(content['meta'].get(key), int) for key in ('iter', 'epoch')):
        return 'it does not tell its iteration'
    return None


def find_good(folder: Path) -> Choice:
    """Look for the newest whole checkpoint of a work directory; nothing is removed.

    Args:
        folder (Path): The work directory.

    Returns:
        Choice: The checkpoint, and the damaged ones that are newer.
    """
    damaged: list[tuple[Path, str]] = []
    for path in checkpoints_to_resume(folder):
        reason = damage_of(path)
        if reason is None:
            return Choice(path, damaged)
        damaged.append((path, reason))
    return Choice(None, damaged)


def choose_good(folder: Path, warn: Callable[[str], None]) -> Path | None:
    """The checkpoint to go on from.

    Args:
        folder (Path): The work directory.
        warn (Callable): Is told of each damaged one that is passed over.

    Returns:
        Path | None: None where there is no checkpoint at all.

    Raises:
        UserError: If all are damaged.
    """
    path, damaged = find_good(folder)
    if path is None and damaged:
        told = '; '.join(f'{lost.name}: {reason}' for lost, reason in damaged)
        raise UserError(f'no checkpoint of {folder} is whole ({told}): start anew without '
                        '--resume, or give another one with --resume CHECKPOINT')
    for lost, reason in damaged:
        warn(f'{lost} is damaged ({reason}) and stays as it is; the training goes on from {path}')
    return path


def check_good(path: Path, folder: Path) -> None:
    """Stop at a damaged checkpoint that the user named.

    Args:
        path (Path): The checkpoint.
        folder (Path): The work directory, where another one may lie.

    Raises:
        UserError: If it is damaged; names the newest whole one beside it or in the folder.
    """
    reason = damage_of(path)
    if reason is None:
        return
    for place in (path.parent, folder):
        other = find_good(place).path
        if other is not None:
            raise UserError(f'{path} is damaged ({reason}); the newest whole one in {place} is '
                            f'{other}: --resume {other}')
    raise UserError(f'{path} is damaged ({reason}), and no whole one lies beside it: start anew '
                    'without --resume')
