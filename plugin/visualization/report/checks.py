"""What a report takes from files of a work directory: each value is checked, and each list limited.

Each function takes the content of a file and the notes of the report. It raises an error of one of
:data:`ODD` where the content is not as Pasture writes it.
"""
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from plugin.utils import UserError
from plugin.utils.numbers import is_number
from plugin.utils.text import shortened, word

from ..palettes import check_palette
from .gallery import ADDRESS, GROUPS

ODD = (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
ROWS, COLUMNS, CURVES, IMAGES = 2000, 30, 40, 600
DRAWN = 400  # classes of a confusion matrix that is still drawn
POINTS = 2000  # of a curve that is written for the report alone
LONG = 200  # letters of a name
LAYERS = ('input', 'truth', 'prediction', 'errors')
ENCODED = re.compile(re.escape(ADDRESS) + r'[A-Za-z0-9+/]+={0,2}')
MOST = 2 ** 45  # pixels, or images, of one sort


def class_rows(content: Any, notes: list[str]) -> list[dict[str, Any]]:
    """Rows of the table of classes: ``class`` and numbers, None where one is not known."""
    rows = [row for row in content if isinstance(row, dict) and 'class' in row]
    return [{key[:LONG]: _name(value) if key == 'class' else _value(value)
             for key, value in list(row.items())[:COLUMNS]}
            for row in limited(rows, ROWS, 'classes', notes)]


def confusion(content: Any, notes: list[str]) -> tuple[list[str], np.ndarray] | None:
    """Names (C) and counts ``(C, C)``, rows truth."""
    names, rows = list(map(_name, content['classes'])), content['matrix']
    _need(len(names) > 0 and len(rows) == len(names), 'its matrix has another size')
    for row in rows:
        _need(len(row) == len(names), 'its matrix is no square')
        _need(all(isinstance(count, int) and is_number(count, 0, MOST) for count in row),
              'its matrix holds what is no count')
    _need(sum(map(sum, rows)) <= 2 ** 60, 'its counts are too large')
    if len(names) > DRAWN:
        notes.append(f'the confusion matrix of {len(names)} classes is not drawn: up to {DRAWN} '
                     'are; its most frequent confusions are in a table')
    return names, np.array(rows, np.int64)


def precision_recall(content: Any, notes: list[str]) -> dict[str, dict[str, list[float | None]]]:
    """Precisions by panel and name."""
    found: dict[str, dict[str, list[float | None]]] = {}
    pairs = [(_name(panel), _name(name), values) for panel, series in content.items()
             for name, values in series.items()]
    for panel, name, values in limited(pairs, CURVES, 'curves of precision and recall', notes):
        _need(isinstance(values, list) and len(values) <= POINTS, 'a curve is too long')
        found.setdefault(panel, {})[name] = list(map(_number, values))
    return found


def counts(content: Any, notes: list[str]) -> dict[str, Any]:
    """``threshold``, ``pictures`` (name, there, found), and perhaps ``thresholds`` and ``MAE``."""
    images = [(_name(name), there, found) for name, there, found in content['pictures']]
    _need(all(isinstance(number, int) and is_number(number, 0, 10 ** 9)
              for _, *pair in images for number in pair), 'an image has no number of animals')
    _need(is_number(content['threshold']), 'its threshold is no number')
    thresholds, errors = content.get('thresholds', []), content.get('MAE', [])
    _need(len(thresholds) == len(errors) <= POINTS and all(map(is_number, [*thresholds, *errors])),
          'its thresholds and errors are no numbers')
    return dict(threshold=content['threshold'], pictures=images, thresholds=thresholds,
                MAE=errors)


def gallery(content: Any, notes: list[str]) -> dict[str, Any]:
    """``classes``, ``palette``, ``score``, ``total``, ``pictures``, and how many are left out."""
    classes = list(map(_name, content['classes'][:ROWS]))
    palette = content.get('palette') or []
    try:
        if palette:
            check_palette(palette)
    except UserError as error:
        notes.append(f'the colours of the classes are left out: {error}')
        palette = []
    images = [_image(one, len(classes)) for one in limited(
        content['pictures'], IMAGES, 'images of an evaluation', notes)]
    _need(is_number(content['total']), 'its total is no number')
    return dict(classes=classes, palette=[list(map(int, colour)) for colour in palette[:ROWS]],
                score=_name(content['score']), total=int(content['total']), pictures=images,
                left_out=len(content['pictures']) - len(images))


def changes(content: Any, notes: list[str]) -> dict[str, Any]:
    """``config``, ``bases`` and ``changes``: path and texts, or None."""
    rows = [[_name(path), *(None if text is None else shortened(word(text)) for text in texts)]
            for path, *texts in limited(content['changes'], ROWS, 'changed settings', notes)]
    _need(all(len(row) == 3 for row in rows), 'a change has no text before and after')
    return dict(config=_name(content['config']), changes=rows,
                bases=list(map(_name, content['bases'][:COLUMNS])))


def limited(items: Sequence[Any], most: int, what: str, notes: list[str]) -> Sequence[Any]:
    """The first of the items; a note says how many of how many."""
    _need(isinstance(items, list), f'there is no list of {what}')
    if len(items) > most:
        notes.append(f'{most} of {len(items)} {what} are shown')
    return items[:most]


def _image(image: Any, classes: int) -> dict[str, Any]:
    """An image of the gallery; ``input`` and ``prediction`` may be missing."""
    height, width = image['size']
    _need(all(isinstance(side, int) and is_number(side, 1, 10 ** 6) for side in (height, width)),
          'an image has no size')
    layers = {name: image[name] for name in LAYERS if name in image}
    _need(all(isinstance(one, str) for one in layers.values()), 'a layer is no text')
    return dict(name=_name(image['name']), score=_number(image['score']), size=[height, width],
                groups=[group for group in GROUPS if group in image['groups']],
                classes=[one for one in image['classes']
                         if isinstance(one, int) and 0 <= one < classes][:ROWS],
                text=_name(image['text']),
                **{name: one for name, one in layers.items() if ENCODED.fullmatch(one)})


def _need(good: bool, fault: str) -> None:
    if not good:
        raise ValueError(fault)


def _name(value: Any) -> str:
    return shortened(word(value), LONG)


def _number(value: Any) -> float | None:
    return value if is_number(value) else None


def _value(value: Any) -> float | str | None:
    if isinstance(value, float) or value is None:
        return _number(value)
    return value if is_number(value) else _name(value)
