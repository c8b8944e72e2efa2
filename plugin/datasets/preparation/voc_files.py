"""Files of PASCAL VOC and SBD as they are published."""
import contextlib
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from plugin.utils import UserError

from ..voc import voc_palette


class PublishedFile(NamedTuple):
    """A file of an archive or a folder.

    ``folder`` is the folder it lies in ('JPEGImages'), ``size`` is in bytes and
    ``read`` must be called before the next file is asked for. ``path`` is None in
    an archive.
    """

    folder: str
    name: str
    size: int
    read: Callable[[], bytes]
    path: Path | None = None


def published_files(source: str | Path, folders: Sequence[str]) -> Iterator[PublishedFile]:
    """Walk through the files that lie in folders of the given names.

    Nothing is ever extracted by the path an archive gives: only the last folder
    and the name of regular files are used. Links and hidden files are passed over.

    Args:
        source (str | Path): A tar archive (also compressed) or a folder, at most
            four levels above the files.
        folders (Sequence[str]): 'JPEGImages' or, where that is not enough,
            'ImageSets/Segmentation'.

    Yields:
        PublishedFile: In the order of the archive; of a folder, sorted.

    Raises:
        FileNotFoundError: If ``source`` does not exist.
        UserError: If it is no tar archive, or is cut off.
    """
    source = Path(source)
    if source.is_dir():
        yield from _files_of_folder(source, folders)
    elif source.is_file():
        yield from _files_of_archive(source, folders)
    else:
        raise FileNotFoundError(f'{source} does not exist: give the archive as it was '
                                'downloaded, or the folder it was unpacked to')


def _files_of_folder(source: Path, folders: Sequence[str]) -> Iterator[PublishedFile]:
    for folder in folders:
        for level in ('', '*/', '*/*/', '*/*/*/'):
            found = sorted(p for p in source.glob(f'{level}{folder}') if p.is_dir())
            if not found:
                continue
            for path in sorted(found[0].iterdir()):
                if path.is_file() and not path.name.startswith('.'):
                    yield PublishedFile(folder, path.name, path.stat().st_size, path.read_bytes,
                                        path)
            break


@contextlib.contextmanager
def _whole(source: Path) -> Iterator[None]:
    """Say what is wrong with an archive where reading it fails."""
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise UserError(f'{source} is no tar archive, or is cut off ({error}): '
                        'download it again; what was read so far is kept') from error


def _files_of_archive(source: Path, folders: Sequence[str]) -> Iterator[PublishedFile]:
    with _whole(source), tarfile.open(source) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            if not member.isreg() or path.name.startswith('.'):
                continue
            parent = f'/{path.parent.as_posix()}'
            folder = next((f for f in folders if parent.endswith(f'/{f}')), None)
            if folder is not None:
                yield PublishedFile(folder, path.name, member.size,
                                    partial(_read_member, source, archive, member))


def _read_member(source: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    with _whole(source):
        file = archive.extractfile(member)
        assert file is not None  # only regular files are asked for
        return file.read()


def sbd_labels(content: bytes) -> np.ndarray:
    """Class ids of a file in ``cls/`` of SBD.

    Hariharan et al., "Semantic Contours from Inverse Detectors", ICCV 2011.

    Args:
        content (bytes): The .mat file.

    Returns:
        np.ndarray: (H, W) uint8, 0..20.

    Raises:
        UserError: If it is no such file.
    """
    try:
        labels = loadmat(BytesIO(content))['GTcls'][0, 0]['Segmentation']
    except (MatReadError, KeyError, IndexError, TypeError, OSError, ValueError) as error:
        raise UserError('no GTcls.Segmentation is in it: take the files of cls/') from error
    return np.ascontiguousarray(labels, dtype=np.uint8)


def encode_label(labels: np.ndarray) -> bytes:
    """Turn class ids, (H, W) uint8, into a palette PNG in the colours of VOC."""
    image, buffer = Image.fromarray(labels), BytesIO()
    image.putpalette(voc_palette().ravel().tolist())
    image.save(buffer, format='PNG')
    return buffer.getvalue()


def sbd_to_png(name: str, content: bytes) -> bytes:
    """Turn a .mat file of SBD into a palette PNG; an error tells its name."""
    try:
        return encode_label(sbd_labels(content))
    except ValueError as error:
        raise UserError(f'cls/{name}.mat of SBD: {error}') from error
