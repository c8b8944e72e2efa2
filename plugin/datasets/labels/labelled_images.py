"""Labelled images of a set: each image gets the labels that have the best right to it."""
import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from .coco_builder import CocoBuilder
from .image_finder import Match

CURE = 'bring it back, or give its folder by --images'


class LabelledImage(NamedTuple):
    """What a label file says of one image.

    Attributes:
        source (str): The file with the labels, for messages.
        match (Match): Which image they mean.
        read (callable): Reads them into the builder, given the image.
        cure (str): What helps where the image is not there.
    """

    source: str
    match: Match
    read: Callable[[Path], None]
    cure: str = CURE


def read_images(images: Iterable[LabelledImage], builder: CocoBuilder) -> None:
    """Read labels: first those of images found by their whole names, then the others.

    An image that was not found by its whole name is taken if no labels have a better right to
    it, and no others the same.

    Args:
        images (iterable[LabelledImage]): The labels of each image.
        builder (CocoBuilder): Takes images, shapes and what was found wrong.
    """
    weak = []
    order: dict[str, int] = {}
    for place, image in enumerate(images):
        path = image.match.path
        if path is None:
            cure = '' if image.match.is_double else f': {image.cure}'
            builder.report(image.source, 'left out', image.match.fault + cure)
        elif image.match.is_weak:
            weak.append((image, path))
        else:
            image.read(path)
        if path is not None:
            order.setdefault(builder.name_of(path), place)
    claims = Counter(os.path.abspath(path) for _, path in weak)
    for image, path in weak:
        rivals = claims[os.path.abspath(path)]
        if builder.has(path):
            builder.report(image.source, 'left out', 'its image is not there, and image '
                           f'{path.name} has labels of its own: {image.cure}')
        elif rivals > 1:
            builder.report(image.source, 'left out', f'{rivals} labels could be those of image '
                           f'{path.name}, and none is of its whole name: {image.cure}')
        else:
            if image.match.note:
                builder.report(image.source, 'note', image.match.note)
            image.read(path)
    if weak:
        builder.arrange(order)
