"""Takes what visitors send: images, and archives of images, within limits.

The name of an uploaded file is only shown. The files that are written have numbers for names.
"""
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from plugin.inference.headers import FORMATS, Format, format_of, header_size
from plugin.utils import atomic_path
from plugin.utils.errors import is_full_disk

from .archives import CHUNK, Refusal, content_of, open_archive

JUNK = {'thumbs.db', 'desktop.ini'}
TAKEN = tuple(one for one in FORMATS if one.suffix in ('.jpg', '.png', '.webp', '.tif', '.bmp'))
OTHERS = (
    (rb'PK[\x03\x05]', 'is an archive inside an archive; unpack it and send its images'),
    (rb'(\xef\xbb\xbf)?\s*<.{0,4000}?<svg|(\xef\xbb\xbf)?\s*<svg',
     'is a drawing (SVG) and has no pixels; export it as PNG'),
    (rb'....ftyp(hei[cfmsx]|hev[cmsx]|mif1|msf1|avi[fs])',
     'is an HEIC or AVIF image; save it as JPEG (iPhone: Camera, Formats, Most Compatible)'),
    (rb'....ftyp|RIFF....AVI |\x1aE\xdf\xa3', 'is a video; drop it below, or use tools/predict.py'),
    (rb'GIF8', 'is a GIF; save it as PNG'),
    (rb'%PDF', 'is a PDF; save its images as JPEG or PNG'),
    (rb'Rar!|7z\xbc\xaf|\x1f\x8b', 'is an archive that is not opened here; pack a ZIP'))
NO_IMAGE = 'is no image; send JPEG, PNG, WebP, BMP or TIFF'


class Limits(NamedTuple):
    """How much is taken at a time.

    Attributes:
        upload (int): Bytes of a file, and of an image in an archive.
        total (int): Bytes of all images together, unpacked.
        images (int): Number of images.
        pixels (int): Pixels of one image.
    """

    upload: int
    total: int
    images: int
    pixels: int


class Found(NamedTuple):
    """An image: the name to show, and the numbered file that holds it."""

    name: str
    path: Path


class Refused(NamedTuple):
    """A file that was not taken: the name to show, and the rest of the sentence."""

    name: str
    reason: str


class _Enough(Exception):
    """Why nothing more is taken."""


def receive(uploads: Sequence[Path], folder: Path,
            limits: Limits) -> tuple[list[Found], list[Refused]]:
    """Copy the images among the uploads into a folder, as 0001.jpg, 0002.png and so on.

    Args:
        uploads (Sequence[Path]): Images and ZIP archives of images, told by their content.
        folder (Path): Where to write; only numbered files appear in it.
        limits (Limits): What is too much.

    Returns:
        tuple[list[Found], list[Refused]]: The images, and what was refused.
    """
    intake = _Intake(folder, limits)
    for upload in uploads:
        name = clean_name(upload.name)
        try:
            intake.add(name, upload)
        except _Enough as enough:
            intake.refused.append(Refused(name, str(enough)))
            break
        except Refusal as refusal:
            intake.refused.append(Refused(name, str(refusal)))
    return intake.found, intake.refused


def clean_name(name: str) -> str:
    """The last part of a name, on one line and short, to be shown and never to be opened."""
    last = name.replace('\\', '/').rstrip('/').rpartition('/')[2]
    # neither line breaks nor what turns the direction of writing
    shown = ''.join(letter for letter in last if letter.isprintable()).strip()
    return f'{shown[:59]}…' if len(shown) > 60 else shown or 'unnamed'


class _Intake:
    """Takes one file after the other and counts bytes and images."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits, self._total = folder, limits, 0
        self.found: list[Found] = []
        self.refused: list[Refused] = []

    def add(self, name: str, upload: Path) -> None:
        """Take an image, or the images of an archive."""
        with upload.open('rb') as file:
            is_archive = re.match(rb'PK[\x03\x05]', file.read(4)) is not None
            file.seek(0)
            if not is_archive:
                self._keep(name, iter(lambda: file.read(CHUNK), b''))
                return
        with open_archive(upload) as archive:
            self._add_members(archive)

    def _add_members(self, archive: zipfile.ZipFile) -> None:
        for member in archive.infolist():
            name = clean_name(member.filename)
            if not member.filename:  # zipfile itself stumbles over it
                self.refused.append(Refused(name, 'has no name in the archive; pack it again'))
                continue
            # what macOS and Windows put into an archive by themselves
            if member.is_dir() or name.startswith('.') or name.lower() in JUNK \
                    or member.filename.startswith('__MACOSX/'):
                continue
            try:
                self._keep(name, content_of(archive, member))
            except Refusal as refusal:
                self.refused.append(Refused(name, str(refusal)))

    def _keep(self, name: str, content: Iterator[bytes]) -> None:
        """Write an image under the next number."""
        if len(self.found) == self._limits.images:
            raise _Enough(f'is or holds more than {self._limits.images} images; what came '
                          'after them was left out, send it apart')
        first = next(content, b'')
        kind = _kind(first)
        path = self._folder / f'{len(self.found) + 1:04}{kind.suffix}'
        try:
            with atomic_path(path) as temporary:
                self._write(temporary, first, content)
                _check_size(temporary, kind.reader, self._limits.pixels)
        except OSError as error:
            if not is_full_disk(error):
                raise
            raise _Enough('could not be kept: the disk of this computer is full') from error
        self.found.append(Found(name, path))

    def _write(self, path: Path, first: bytes, content: Iterable[bytes]) -> None:
        limits, size = self._limits, 0
        with path.open('wb') as file:
            for chunk in _chain(first, content):
                # the bytes themselves are counted: an archive may lie about its sizes
                size += len(chunk)
                self._total += len(chunk)
                if self._total > limits.total:
                    raise _Enough(f'brings more than the {_megabytes(limits.total)} that are '
                                  'taken at a time; the rest was left out')
                if size > limits.upload:
                    raise Refusal(f'is larger than {_megabytes(limits.upload)}; make it smaller')
                file.write(chunk)


def _chain(first: bytes, content: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from content


def _kind(first: bytes) -> Format:
    """The format by the content."""
    kind = format_of(first, TAKEN)
    if kind is not None:
        return kind
    if not first:
        raise Refusal('is empty')
    for pattern, reason in OTHERS:
        if re.match(pattern, first, re.DOTALL | re.IGNORECASE):
            raise Refusal(reason)
    raise Refusal(NO_IMAGE)


def _check_size(path: Path, reader: type, pixels: int) -> None:
    """Read the header alone, before anything is decoded."""
    try:
        width, height = header_size(path, reader)
    except ValueError as error:
        raise Refusal('is damaged: its size cannot be read') from error
    if min(width, height) < 1:
        raise Refusal('is damaged: it has no pixels')
    if width * height > pixels:
        raise Refusal(f'has {width} x {height} pixels, more than the {pixels / 1e6:g} million '
                      'that are taken here; make it smaller, or use tools/predict.py --tile')


def _megabytes(size: int) -> str:
    return f'{size / (1 << 20):g} MB'
