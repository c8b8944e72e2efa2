"""Instances that are cut out of images and pasted into others."""
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

LEAST = 4  # pixels of an instance's side; smaller ones are specks


class CutOut(NamedTuple):
    """An instance without its image.

    Attributes:
        pixels (np.ndarray): uint8 (h, w, channels), its box.
        mask (np.ndarray): bool (h, w).
        label (int): Its class.
    """

    pixels: np.ndarray
    mask: np.ndarray
    label: int


class Pasted(NamedTuple):
    """An image into which instances were pasted.

    Attributes:
        image (np.ndarray): uint8 (H, W, channels).
        masks (np.ndarray): bool (N, H, W), what is visible of each: first those that were there,
            without the pixels that were pasted over, then those that were pasted, each of which
            lies on all before it. Masks that overlapped before still do.
        visible (np.ndarray): (N, ) share of the pixels of each that is visible, of those that lie
            in the image; 0 where none does.
    """

    image: np.ndarray
    masks: np.ndarray
    visible: np.ndarray


def cut_out(image: np.ndarray, mask: np.ndarray, label: int) -> CutOut | None:
    """Cut an instance out of an image.

    Args:
        image (np.ndarray): uint8 (H, W, channels).
        mask (np.ndarray): (H, W), not 0 where the instance is.
        label (int): Its class.

    Returns:
        CutOut, optional: None if a side has fewer than 4 pixels.
    """
    x, y, width, height = cv2.boundingRect((mask != 0).astype(np.uint8))
    if min(width, height) < LEAST:
        return None
    box = slice(y, y + height), slice(x, x + width)
    return CutOut(image[box].copy(), mask[box] != 0, label)


def vary(cut: CutOut, rng: np.random.Generator, *, scale: float = 1.0,
         light: float = 0.2) -> CutOut:
    """Give an instance another size and light, and mirror every second one.

    Args:
        cut (CutOut): The instance.
        rng (np.random.Generator): Chooses.
        scale (float): Of its sides. Neither becomes smaller than 4 pixels.
        light (float): Its brightness changes by a factor of at most 1 + light, and the balance of
            its colours by half of that. Defaults to 0.2.

    Returns:
        CutOut: A new one.
    """
    height, width = (max(LEAST, round(scale * side)) for side in cut.mask.shape)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    pixels = cv2.resize(cut.pixels, (width, height), interpolation=method)
    pixels = pixels.reshape(height, width, cut.pixels.shape[2])  # OpenCV drops one channel
    mask = cv2.resize(cut.mask.astype(np.float32), (width, height), interpolation=method) >= 0.5
    if rng.random() < 0.5:
        pixels, mask = pixels[:, ::-1], mask[:, ::-1]
    gain = (1 + light) ** rng.uniform(-1, 1) * (1 + light / 2) ** rng.uniform(
        -1, 1, pixels.shape[2])
    return CutOut(np.clip(pixels * gain, 0, 255).round().astype(np.uint8), mask.copy(), cut.label)


def paste(image: np.ndarray, masks: np.ndarray | Sequence[np.ndarray], cuts: Sequence[CutOut],
          places: Sequence[tuple[int, int]], soften: float = 0.7) -> Pasted:
    """Paste instances into an image, each over what is there.

    Args:
        image (np.ndarray): uint8 (H, W, channels).
        masks (np.ndarray): (M, H, W), not 0 where the instances are that it shows.
        cuts (Sequence[CutOut]): K instances.
        places (Sequence[tuple[int, int]]): Column and row of the middle of each.
        soften (float): Standard deviation in pixels with which edges are blended. Masks keep
            their sharp edges. Defaults to 0.7; 0 does not blend.

    Returns:
        Pasted: The M instances that were there and the K ones, in this order.
    """
    height, width = image.shape[:2]
    drawn = image.copy()
    # the number of the pasted instance that each pixel shows
    owner = np.full((height, width), -1, np.int32)
    before = np.asarray(masks).reshape(-1, height, width) != 0
    whole = before.sum((1, 2)).tolist()
    for number, (cut, (column, row)) in enumerate(zip(cuts, places, strict=True)):
        high, wide = cut.mask.shape
        top, left = row - high // 2, column - wide // 2
        inside = (slice(max(-top, 0), max(min(high, height - top), 0)),
                  slice(max(-left, 0), max(min(wide, width - left), 0)))
        box = (slice(max(top, 0), max(min(top + high, height), 0)),
               slice(max(left, 0), max(min(left + wide, width), 0)))
        mask = cut.mask[inside]
        whole.append(int(mask.sum()))
        if not mask.any():
            continue
        owner[box][mask] = number
        share = _softened(cut.mask, soften)[inside][..., None]
        drawn[box] = (share * cut.pixels[inside] + (1 - share) * drawn[box]).round()
    shown = np.concatenate([before & (owner < 0), owner == np.arange(len(cuts))[:, None, None]])
    return Pasted(drawn, shown, shown.sum((1, 2)) / np.maximum(whole, 1))


def _softened(mask: np.ndarray, deviation: float) -> np.ndarray:
    """How much an instance covers, 0..1: all of its inside, and nothing beyond its mask."""
    sharp = mask.astype(np.float32)
    if not deviation:
        return sharp
    padded = cv2.copyMakeBorder(sharp, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=0)
    blurred = cv2.GaussianBlur(padded, (5, 5), deviation)[2:-2, 2:-2]
    return np.asarray(blurred * sharp)
