"""The one way to read a JSON file, whoever wrote it: every fault is told with its place."""
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine import fileio

from plugin.utils import UserError

# encodings of older systems, by how often they are met
GUESSED = ('cp1252', 'gb18030', 'cp932', 'cp1251', 'latin-1')


class JsonFault(UserError):
    """What is wrong with the content of a JSON file.

    Attributes:
        fault (str): What, and where.
        cure (str): What helps; '' where it depends on the file.
    """

    def __init__(self, fault: str, cure: str = '') -> None:
        super().__init__(f'{fault}: {cure}' if cure else fault)
        self.fault = fault
        self.cure = cure


def decode_json(data: bytes, pairs: Callable[[list], Any] | None = None) -> Any:
    """The content of a JSON file in UTF-8, or in UTF-16 or 32, with or without a byte order mark.

    Args:
        data (bytes): The file.
        pairs (callable, optional): Makes an object of its keys and values. Defaults to ``dict``.

    Raises:
        JsonFault: If it is none.
    """
    try:
        # editors on Windows write the mark, its shell UTF-16
        return json.loads(data.decode(json.detect_encoding(data)), object_pairs_hook=pairs)
    except UnicodeDecodeError as error:
        raise JsonFault(f'byte {error.start} is no UTF-8', 'save it as UTF-8') from error
    except json.JSONDecodeError as error:
        raise JsonFault(f'line {error.lineno}, column {error.colno}: {error.msg}',
                        'the file is damaged, bring back an older copy') from error
    except (RecursionError, ValueError) as error:
        raise JsonFault(f'it cannot be read as JSON ({error})') from error


def decode_guessed(data: bytes, is_right: Callable[[Any], bool]) -> tuple[Any, str]:
    """The content of a JSON file in whatever encoding.

    Args:
        data (bytes): The file.
        is_right (callable): Whether a content that was read in a guessed encoding makes sense.

    Returns:
        tuple: The content, and the encoding where it had to be guessed; '' for UTF-8 and 16.

    Raises:
        JsonFault: If it is none.
    """
    try:
        return decode_json(data), ''
    except JsonFault as fault:
        if not isinstance(fault.__cause__, UnicodeDecodeError):
            raise
        for encoding in GUESSED:
            try:
                content = json.loads(data.decode(encoding))
            except (RecursionError, ValueError):
                continue
            if is_right(content):
                return content, encoding
        raise


def read_json(path: str | Path, *, absent: str = '', cure: str = 'write it anew',
              backend_args: dict | None = None) -> Any:
    """Read a JSON file that is needed.

    Args:
        path (str | Path): The file.
        absent (str): What is said where there is no file, with the cure.
        cure (str): What helps where it is no JSON.
        backend_args (dict, optional): Where MMEngine's file client finds it.

    Returns:
        Any: Its content.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If it is no JSON.
    """
    if not fileio.isfile(path, backend_args=backend_args):
        raise FileNotFoundError(absent or f'{path} is no file: give the COCO file that a '
                                'converter of tools/data wrote')
    try:
        return decode_json(fileio.get(path, backend_args=backend_args))
    except JsonFault as fault:
        raise UserError(f'{path} is no JSON in UTF-8 ({fault.fault}): {cure}') from fault


def try_json(path: Path) -> Any:
    """The content of a JSON file; None if it is none, or cannot be read."""
    try:
        return decode_json(path.read_bytes())
    except (OSError, JsonFault):
        return None
