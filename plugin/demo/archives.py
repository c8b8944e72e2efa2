"""Opens the ZIP archives of visitors, which may be damaged or hostile, and packs results."""
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from plugin.utils import atomic_path

CHUNK = 1 << 16
# 100 images need some 10 kB; ZipFile reads any table of contents into memory
TABLE_OF_CONTENTS = 1 << 20
# what zipfile raises while it reads a hostile archive
DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError,
           RuntimeError, OSError, ValueError)


class Refusal(Exception):
    """Why one file is not taken, as the end of a sentence that begins with its name."""


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open an archive.

    Raises:
        Refusal: If it is damaged, or its table of contents would fill the memory.
    """
    _check_table(path)
    try:
        return zipfile.ZipFile(path)
    except DAMAGED as error:
        raise Refusal('is a damaged archive; pack it again') from error


def content_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of a member, a piece at a time.

    Raises:
        Refusal: If it is no plain file, or cannot be unpacked.
    """
    if stat.S_ISLNK(member.external_attr >> 16):
        raise Refusal('is a link to another file, which is not followed; pack the image itself')
    if member.flag_bits & 1:
        raise Refusal('is locked with a password; pack it without')
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refusal('is packed in an unusual way; pack it with the means of your system')
    try:
        source = archive.open(member)
    except DAMAGED as error:
        raise Refusal('is damaged in the archive; pack it again') from error
    with source:
        while True:
            try:
                chunk = source.read(CHUNK)
            except DAMAGED as error:
                raise Refusal('is damaged in the archive; pack it again') from error
            if not chunk:
                return
            yield chunk


def _check_table(path: Path) -> None:
    """Refuse a table of contents before ZipFile reads it."""
    with path.open('rb') as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - (1 << 16) - 42))
        tail = file.read()
    # 20 bytes that point to a larger table; the record at the end: 22 bytes and perhaps a comment
    at = tail.rfind(b'PK\x05\x06', 0, max(0, len(tail) - 18))
    if at < 0:
        raise Refusal('is a damaged archive; pack it again')
    if (int.from_bytes(tail[at + 12:at + 16], 'little') > TABLE_OF_CONTENTS
            or tail[max(0, at - 20):at].startswith(b'PK\x06\x07')):
        raise Refusal('is an archive of too many files; pack only images')


def pack(folder: Path, archive: Path) -> None:
    """Pack a folder; images are packed already."""
    with atomic_path(archive) as temporary, zipfile.ZipFile(temporary, 'w') as target:
        for path in sorted(folder.rglob('*')):
            if path.is_file():
                text = path.suffix in ('.csv', '.json', '.txt')
                target.write(path, path.relative_to(folder).as_posix(),
                             zipfile.ZIP_DEFLATED if text else zipfile.ZIP_STORED)
