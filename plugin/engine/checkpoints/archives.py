"""The two file formats of PyTorch, an archive and what was before 1.6, read without its readers.

``torch.load(weights_only=True)`` does not do: before PyTorch 2.6 a file can run code by it
(CVE-2025-32434), before 2.10 write into memory (CVE-2026-24747), and in 2.13 a dict with a deeply
nested tuple as its key still ends the process.
"""
import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch.serialization import default_restore_location

from .plain_pickle import read_pickle
from .plain_values import Named, RefusedError, Stored
from .tensors import STORAGES, bytes_of

# the first bytes of an archive, and of a pickle with a protocol, as PyTorch writes it
ZIP, PICKLE = b'PK', b'\x80'
NEITHER = 'it is no archive and no pickle of PyTorch'
MAGIC, VERSION = 0x1950a86a20f9469cfc6c, 1001
TAR, TAR_PLACE = b'ustar', 257


def read_plain(source: str | Path | BinaryIO, map_location: Any = None) -> Any:
    """Read tensors and plain values of a file that ``torch.save`` wrote.

    Args:
        source (str | Path | BinaryIO): The file.
        map_location (Any): As in ``torch.load``.

    Returns:
        Any: What was saved.

    Raises:
        RefusedError: If it holds anything else.
        Exception: Of any kind if it is damaged.
    """
    if isinstance(source, (str, Path)):
        with Path(source).open('rb') as file:
            return read_plain(file, map_location)
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    begin = source.read(TAR_PLACE + len(TAR))
    source.seek(0)
    if begin.startswith(ZIP):
        return _read_archive(source, size, map_location)
    if begin.endswith(TAR):
        raise RefusedError('the archive of PyTorch 0.1')
    if not begin.startswith(PICKLE):
        raise ValueError(NEITHER)
    return _read_old(source, size, map_location)


def _read_archive(file: BinaryIO, size: int, map_location: Any) -> Any:
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist()
                 if name.endswith('/data.pkl') and name.count('/') == 1]
        if len(names) != 1:
            raise ValueError('there is no data.pkl in the archive')
        root = names[0].partition('/')[0]
        if f'{root}/constants.pkl' in archive.namelist():
            raise RefusedError('a program of TorchScript')
        if f'{root}/byteorder' in archive.namelist() and (
                archive.read(f'{root}/byteorder') != b'little'):
            raise ValueError('its numbers are in another byte order')
        storages = _Storages(size, map_location)

        def load(key: str, target: torch.Tensor) -> None:
            info = _plain_member(archive, f'{root}/data/{key}', size)
            if info.file_size != len(target):
                raise ValueError(f'the storage {key} has another size')
            with archive.open(info) as member:
                _read_into(member, target)
                member.read(1)  # compares the checksum

        storages.load = load
        content = archive.read(_plain_member(archive, names[0], size))
        return read_pickle(io.BytesIO(content), storages.get, len(content))


def _plain_member(archive: zipfile.ZipFile, name: str, size: int) -> zipfile.ZipInfo:
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > size:
        raise ValueError(f'{name} is compressed')
    return info


def _read_old(file: BinaryIO, size: int, map_location: Any) -> Any:
    """The format before 1.6: pickles, then the numbers."""
    limited: Any = _Limited(file, size)

    def no_storage(reference: Any) -> Stored:
        raise ValueError('a storage before the first one')

    def plain() -> Any:
        return read_pickle(limited, no_storage, size)

    if plain() != MAGIC or plain() != VERSION:
        raise ValueError(NEITHER)
    if plain().get('little_endian') is not True:
        raise ValueError('its numbers are in another byte order')
    place = limited.tell()
    storages = _Storages(size, None)
    read_pickle(limited, storages.get, size)  # to know the storages, which follow
    keys = plain()
    if type(keys) is not list or not all(type(key) is str for key in keys) or (
            sorted(keys) != sorted(storages.known)):
        raise ValueError('the numbers of a storage are missing')
    for key in keys:
        count, = struct.unpack('<q', limited.read(8))
        stored = storages.known[key]
        if count != stored.length:
            raise ValueError(f'the storage {key} has another size')
        _read_into(file, storages.bytes[key])
        storages.finish(key, map_location)
    limited.seek(place)
    return read_pickle(limited, storages.get, size)


class _Storages:
    """The storages of a file by their keys, all together not larger than the file.

    Args:
        size (int): Bytes of the file.
        map_location (Any): As in ``torch.load``.
    """

    load: Callable[[str, torch.Tensor], None] | None = None

    def __init__(self, size: int, map_location: Any) -> None:
        self.left, self.map_location = size, map_location
        self.known: dict[str, Stored] = {}
        self.bytes: dict[str, torch.Tensor] = {}
        self.locations: dict[str, str] = {}

    def get(self, reference: Any) -> Stored:
        """The storage that a pickle refers to by ``('storage', type, key, location, count)``."""
        if type(reference) is not tuple or not 5 <= len(reference) <= 6 or (
                reference[0] != 'storage' or type(reference[1]) is not Named):
            raise ValueError('a reference to what is no storage')
        dtype = STORAGES[reference[1].name]
        key, location, count, *view = reference[2:]
        if not (type(key) is type(location) is str) or type(count) is not int or count < 0:
            raise ValueError('a reference to what is no storage')
        if key not in self.known:
            self._make(key, dtype, location, count)
        stored = self.known[key]
        if (stored.dtype, stored.length) != (dtype, count):
            raise ValueError(f'the storage {key} has two sizes')
        return stored if not view or view[0] is None else _part(stored, view[0])

    def _make(self, key: str, dtype: torch.dtype, location: str, count: int) -> None:
        self.left -= count * bytes_of(dtype)
        if self.left < 0:
            raise ValueError('the storages are larger than the file')
        self.bytes[key] = torch.zeros(count * bytes_of(dtype), dtype=torch.uint8)
        self.locations[key] = location
        self.known[key] = Stored(self.bytes[key].untyped_storage(), dtype, 0, count)
        if self.load is not None:
            self.load(key, self.bytes[key])
            self.finish(key, self.map_location)

    def finish(self, key: str, map_location: Any) -> None:
        """Take a storage whose bytes are read to its device."""
        stored = self.known[key]
        content = self.bytes.pop(key)
        if stored.dtype is torch.bool:
            content.clamp_(max=1)  # PyTorch counts on bools that are 0 or 1
        moved = _restored(stored.storage, self.locations[key], map_location)
        self.known[key] = stored._replace(storage=moved)


def _part(stored: Stored, view: Any) -> Stored:
    """A part of a storage, as files of PyTorch 0.3 have them."""
    _, start, count = view
    if not (type(start) is type(count) is int) or min(start, count) < 0 or (
            start + count > stored.length):
        raise ValueError('a part that is larger than its storage')
    return stored._replace(start=start, length=count)


def _restored(storage: torch.UntypedStorage, location: str, map_location: Any) -> Any:
    """A storage on its device; see ``map_location`` of ``torch.load``."""
    if isinstance(map_location, (str, torch.device)):
        return default_restore_location(storage, str(map_location))
    if isinstance(map_location, Mapping):
        return default_restore_location(storage, map_location.get(location, location))
    moved = None if map_location is None else map_location(storage, location)
    return default_restore_location(storage, location) if moved is None else moved


def _read_into(file: Any, target: torch.Tensor) -> None:
    view, done = target.numpy().data, 0
    while done < len(view):
        count = file.readinto(view[done:])
        if not count:
            raise EOFError('its end is missing')
        done += count


class _Limited:
    """A file that is never asked for more than it has, however long a text is said to be."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size = file, size
        self.readline, self.tell, self.seek = file.readline, file.tell, file.seek

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes."""
        return self.file.read(max(0, min(count, self.size - self.file.tell())))
