"""Run lengths of masks as COCO files have them: checked before pycocotools reads them."""
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from plugin.utils import UserError
from plugin.utils.text import brief


def compressed(rle: Mapping[str, Any], height: int, width: int) -> dict:
    """A checked RLE, compressed or not, as pycocotools takes it."""
    check_rle(rle, height, width)
    counts = rle['counts']
    if isinstance(counts, (str, bytes)):
        return dict(size=[height, width], counts=counts)
    return coco_mask.frPyObjects(dict(size=[height, width], counts=list(counts)), height, width)


def without(rle: Mapping[str, Any], holes: Sequence[Mapping[str, Any]]) -> dict:
    """A compressed RLE without the pixels of others of its size."""
    if not holes:
        return dict(rle)
    height, width = rle['size']
    runs = run_lengths(coco_mask.merge(holes)['counts']).tolist()
    # an RLE begins with background: one run more, or less, exchanges the two
    runs = runs[1:] if runs[0] == 0 else [0, *runs]
    rest = coco_mask.frPyObjects(dict(size=[height, width], counts=runs), height, width)
    return coco_mask.merge([rle, rest], intersect=True)


def run_lengths(counts: str | bytes) -> np.ndarray:
    """Decode the run lengths of a compressed RLE, which pycocotools would do unchecked.

    Args:
        counts (str | bytes): Numbers of 5 bits a letter, from the third on as differences to the
            one before the last.

    Returns:
        np.ndarray: (R, ) int64, the runs of background and instance in turn, along the columns.

    Raises:
        UserError: If it is none.
    """
    text = counts if isinstance(counts, bytes) else counts.encode('utf-8', 'replace')
    codes = np.frombuffer(text, np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero(codes & 32 == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    if codes.min(initial=0) < 0 or codes.max(initial=0) > 63 or not len(ends) or (
            ends[-1] < len(codes) - 1) or (lengths := ends - starts + 1).max() > 7:
        raise UserError('the counts of an RLE are damaged: write the labels anew')
    places = np.arange(len(codes)) - np.repeat(starts, lengths)
    values = np.add.reduceat((codes & 31) << (5 * places), starts)
    # the upper bit of the last letter is the sign
    values -= np.where(codes[ends] & 16, 1 << (5 * lengths), 0)
    values[1::2] = values[1::2].cumsum()
    values[2::2] = values[2::2].cumsum()
    return values


def check_rle(rle: Mapping[str, Any], height: int, width: int) -> None:
    """Stop at run lengths that are none, or not those of an image.

    Args:
        rle (Mapping): As COCO files have it, compressed or not.
        height (int): H of the image in pixels.
        width (int): W of the image in pixels.

    Raises:
        UserError: If they do not fit; says why.
    """
    size, counts = rle.get('size'), rle.get('counts')
    size = list(size) if isinstance(size, (list, tuple)) else size
    if size != [height, width]:
        raise UserError(f'an RLE of size {brief(size)} does not fit an image of height {height} '
                        f'and width {width}: write the labels anew for this image')
    if not counts:
        raise UserError('an RLE without counts is no outline: draw it or remove the annotation')
    compressed = isinstance(counts, (str, bytes))
    if not compressed and not (isinstance(counts, (list, tuple)) and all(
            isinstance(run, int) for run in counts)):
        raise UserError('the counts of an RLE are no whole numbers: write the labels anew')
    runs = run_lengths(counts).tolist() if compressed else counts
    if min(runs) < 0 or sum(runs) != height * width:
        raise UserError(f'the counts of an RLE make {sum(runs)} pixels, but the image has '
                        f'{height * width}: write the labels anew for this image')
