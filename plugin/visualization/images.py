"""Colours and overlays of label maps, and grids of images; all images are RGB."""
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from plugin.utils import UserError

from .palettes import Colour, check_palette

OUTSIDE = 128  # grey of an id that has no colour: ignored, unknown
GAP = 8  # pixels between two images of a grid


def colorize(labels: np.ndarray, palette: Sequence[Colour]) -> np.ndarray:
    """Paint each id of a label map in its colour.

    Args:
        labels (np.ndarray): Class ids, ``(H, W)``, any integer type.
        palette (Sequence): ``C`` colours ``(red, green, blue)``, 0..255.

    Returns:
        np.ndarray: RGB ``(H, W, 3)``, uint8. Ids outside ``0..C-1`` are grey.

    Raises:
        UserError: If ``labels`` is no integer map of two dimensions, or the
            palette no list of RGB triples.

    Example:
        >>> colorize(np.array([[0, 1, 255]]), palette=[(0, 0, 0), (255, 128, 0)]).tolist()
        [[[0, 0, 0], [255, 128, 0], [128, 128, 128]]]
    """
    return _painted(labels, palette)[0]


def overlay(image: np.ndarray, labels: np.ndarray, palette: Sequence[Colour],
            opacity: float = 0.5) -> np.ndarray:
    """Blend the colours of a label map over its image.

    Args:
        image (np.ndarray): RGB ``(H, W, 3)``, uint8.
        labels (np.ndarray): Class ids, ``(H, W)``, any integer type.
        palette (Sequence): ``C`` colours ``(red, green, blue)``, 0..255.
        opacity (float): Share of the colour, 0 (image) to 1 (colour).

    Returns:
        np.ndarray: RGB ``(H, W, 3)``, uint8. Where the id is outside
        ``0..C-1`` the image is kept as it is.

    Raises:
        UserError: If image and labels do not fit each other, or
            ``opacity`` is outside 0..1.

    Example:
        >>> image = np.full((1, 2, 3), 100, np.uint8)
        >>> overlay(image, np.array([[0, 255]]), palette=[(200, 0, 0)], opacity=0.5).tolist()
        [[[150, 50, 50], [100, 100, 100]]]
    """
    check_image(image)
    if image.shape[:2] != np.shape(labels):
        raise UserError(f'the image is {image.shape[:2]} (height and width in pixels) and its '
                        f'labels {np.shape(labels)}; resize one of them to the other')
    if not 0 <= opacity <= 1:
        raise UserError(f'opacity={opacity} is outside 0..1; give the share of the colour')
    colours, outside = _painted(labels, palette)
    # addWeighted is several times faster than the same sum of NumPy arrays
    blended = cv2.addWeighted(image, 1 - opacity, colours, opacity, 0)
    if outside.any():
        blended[outside] = image[outside]
    return blended


def shrink(image: np.ndarray, longest: int, labels: bool = False) -> np.ndarray:
    """Scale an image or a label map down so that no side exceeds ``longest`` pixels.

    Args:
        image (np.ndarray): ``(H, W, 3)`` or ``(H, W)``, of a type OpenCV can resize.
        longest (int): The longest side allowed, in pixels.
        labels (bool): Take the nearest pixel instead of the mean of an area,
            as ids must not be averaged.

    Returns:
        np.ndarray: The smaller image, or a copy of one that was small enough.

    Example:
        >>> shrink(np.zeros((40, 80, 3), np.uint8), longest=20).shape
        (10, 20, 3)
    """
    height, width = image.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return image.copy()
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_NEAREST if labels else cv2.INTER_AREA)


def grid(rows: Sequence[Sequence[np.ndarray]], titles: Sequence[str] | None = None,
         legend: Sequence[tuple[str, Colour]] | None = None) -> np.ndarray:
    """Lay images out in rows, with titles above the columns and a legend below.

    Images of different sizes are centred in their cells, rows may differ in
    length, and what is left free stays white.

    Args:
        rows (Sequence): Rows of RGB images ``(H, W, 3)``, uint8.
        titles (Sequence[str], optional): One title a column.
        legend (Sequence, optional): Pairs of a name and its colour.

    Returns:
        np.ndarray: One RGB image, uint8.

    Raises:
        UserError: If there is no image, or there are more titles than columns.
    """
    images = [image for row in rows for image in row]
    if not images:
        raise UserError('a grid needs at least one image; rows holds none')
    for image in images:
        check_image(image)
    columns = max(len(row) for row in rows)
    titles = list(titles or [])
    if len(titles) > columns:
        raise UserError(f'{len(titles)} titles for {columns} columns; give one a column')
    font = load_font(int(np.clip(max(p.shape[1] for p in images) / 16, 12, 26)))
    widths = [max([row[i].shape[1] for row in rows if i < len(row)]
                  + [_text_width(font, title) for title in titles[i:i + 1]])
              for i in range(columns)]
    width = max([sum(widths) + GAP * (columns + 1)]
                + [_entry_width(font, name) + GAP for name, _ in legend or []])
    parts = [_title_row(titles, widths, width, font)] if titles else [_white(GAP, width)]
    parts += [_image_row(row, widths, width) for row in rows if len(row)]
    if legend:
        parts.append(_legend_rows(legend, width, font))
    return np.concatenate(parts)


def caption(image: np.ndarray, text: str) -> np.ndarray:
    """Put a line of text above an image; text that is too long loses its beginning.

    Args:
        image (np.ndarray): RGB ``(H, W, 3)``, uint8.
        text (str): One line.

    Returns:
        np.ndarray: RGB, uint8, of the width of the image and the height of both together.

    Raises:
        UserError: If ``image`` is no image.
    """
    check_image(image)
    width = image.shape[1]
    font = load_font(int(np.clip(width / 24, 10, 18)))
    shown = text
    while shown and _text_width(font, shown) > width:
        text = text[1:]
        shown = f'…{text}' if text else ''
    canvas = Image.fromarray(_white(int(font.size * 1.5), width))
    ImageDraw.Draw(canvas).text((0, 0), shown, fill=(0, 0, 0), font=font)
    return np.concatenate([np.asarray(canvas), image])


def _painted(labels: np.ndarray, palette: Sequence[Colour]) -> tuple[np.ndarray, np.ndarray]:
    """Colours of a label map, (H, W, 3), grey where an id has none; and where that is, (H, W)."""
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.dtype.kind not in 'iub':
        raise UserError(f'labels are {labels.dtype} of shape {labels.shape}; '
                        'give an integer map of shape (H, W)')
    check_palette(palette)
    table = np.full((max(256, len(palette) + 1), 3), OUTSIDE, np.uint8)
    table[:len(palette)] = palette
    if labels.dtype == np.uint8 and labels.size:
        # several times faster than indices of NumPy
        return cv2.LUT(cv2.merge([labels] * 3), table[:256][None]), labels >= len(palette)
    outside = (labels < 0) | (labels >= len(palette))
    return table[np.where(outside, len(palette), labels).astype(np.intp)], outside


def check_image(image: np.ndarray) -> None:
    """Raise ``UserError`` unless ``image`` is RGB ``(H, W, 3)``, uint8."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise UserError(f'an image is {image.dtype} of shape {image.shape}; '
                        'give RGB of shape (H, W, 3) and type uint8')


def _white(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 255, np.uint8)


@lru_cache(maxsize=8)
def load_font(size: int) -> ImageFont.FreeTypeFont:
    """A font of ``size`` pixels that has accents and symbols."""
    # a font of matplotlib, so that it exists on every machine
    path = Path(matplotlib.get_data_path()) / 'fonts' / 'ttf' / 'DejaVuSans.ttf'
    return ImageFont.truetype(str(path), size)


def _text_width(font: ImageFont.FreeTypeFont, text: str) -> int:
    return int(np.ceil(font.getlength(text)))


def _entry_width(font: ImageFont.FreeTypeFont, name: str) -> int:
    """Width of a legend entry: gap, swatch, half a gap, name, gap."""
    return _text_width(font, name) + int(font.size) + 5 * GAP // 2


def _title_row(titles: Sequence[str], widths: Sequence[int], width: int,
               font: ImageFont.FreeTypeFont) -> np.ndarray:
    canvas = Image.fromarray(_white(int(font.size * 1.4) + GAP, width))
    draw, left = ImageDraw.Draw(canvas), GAP
    for title, cell in zip(titles, widths, strict=False):
        draw.text((left + cell / 2, GAP / 2), title, fill=(0, 0, 0), font=font, anchor='ma')
        left += cell + GAP
    return np.asarray(canvas)


def _image_row(row: Sequence[np.ndarray], widths: Sequence[int], width: int) -> np.ndarray:
    height = max(image.shape[0] for image in row)
    canvas, left = _white(height + GAP, width), GAP
    for image, cell in zip(row, widths, strict=False):
        rows, columns = image.shape[:2]
        top, start = (height - rows) // 2, left + (cell - columns) // 2
        canvas[top:top + rows, start:start + columns] = image
        left += cell + GAP
    return canvas


def _legend_rows(legend: Sequence[tuple[str, Colour]], width: int,
                 font: ImageFont.FreeTypeFont) -> np.ndarray:
    lines: list[list] = [[]]
    left = 0
    for name, colour in legend:
        if lines[-1] and left + _entry_width(font, name) > width:
            lines.append([])
            left = 0
        lines[-1].append((left, name, colour))
        left += _entry_width(font, name)
    swatch, step = int(font.size), int(font.size * 1.6)
    canvas = Image.fromarray(_white(len(lines) * step + GAP // 2, width))
    draw = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        top = number * step + (step - swatch) // 2
        for left, name, colour in line:
            box = (left + GAP, top, left + GAP + swatch, top + swatch)
            draw.rectangle(box, fill=tuple(int(v) for v in colour), outline=(0, 0, 0))
            draw.text((box[2] + GAP // 2, top + swatch / 2), name, fill=(0, 0, 0), font=font,
                      anchor='lm')
    return np.asarray(canvas)
