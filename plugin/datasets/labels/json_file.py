"""JSON that a labelling tool wrote, read with the place of every fault."""
import json
from pathlib import Path
from typing import Any

from .coco_builder import CocoBuilder


def read_json(path: Path, source: str, builder: CocoBuilder) -> Any:
    """Read a JSON file; one that is damaged goes into the report.

    Args:
        path (Path): The file; UTF-8, with or without a mark at its start.
        source (str): How messages call it.
        builder (CocoBuilder): Takes the report.

    Returns:
        Its content, None if it holds none.
    """
    try:
        # utf-8-sig: editors on Windows put a mark before the first letter
        content = json.loads(path.read_bytes().decode('utf-8-sig'))
        if content is not None:
            return content
        fault = 'it holds nothing (null): remove it'
    except UnicodeDecodeError as error:
        fault = f'byte {error.start} is no UTF-8: save it as UTF-8'
    except json.JSONDecodeError as error:
        fault = (f'line {error.lineno}, column {error.colno}: {error.msg}: the file is damaged, '
                 'bring back an older copy')
    except OSError as error:
        fault = f'it cannot be read ({error.strerror})'
    except (RecursionError, ValueError) as error:
        fault = f'it cannot be read as JSON ({error})'
    builder.report(source, 'left out', fault)
    return None
