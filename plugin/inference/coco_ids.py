"""The ids under which COCO results name their images and classes."""
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import NamedTuple

from plugin.datasets.labels.coco_file import read_coco
from plugin.utils import UserError, first_few


class CocoIds(NamedTuple):
    """Ids of images and classes.

    Attributes:
        images (dict[Path, tuple]): Image id and ``file_name`` of each image.
        categories (list[int]): Category id of each of the C classes.
    """

    images: dict[Path, tuple[int, str]]
    categories: list[int]

    @classmethod
    def running(cls, paths: Sequence[Path], classes: Sequence[str]) -> 'CocoIds':
        """Count images and classes from 1."""
        images = {path: (number, path.as_posix()) for number, path in enumerate(paths, start=1)}
        return cls(images, list(range(1, len(classes) + 1)))

    @classmethod
    def of_file(cls, data: Path, paths: Sequence[Path], classes: Sequence[str]) -> 'CocoIds':
        """Take the ids of a COCO file.

        An image is the one whose ``file_name`` ends its path; the longest if there are several.

        Args:
            data (Path): The COCO file.
            paths (Sequence[Path]): The images.
            classes (Sequence[str]): The C classes of the model.

        Returns:
            CocoIds: The ids.

        Raises:
            FileNotFoundError: If there is no such file.
            UserError: If the file does not know an image or a class, or two
                images have one name in it.
        """
        coco = read_coco(str(data))
        absent = [name for name in classes if name not in coco.categories]
        if absent:
            raise UserError(f'{data} has no category {first_few(absent)}: it has '
                            f'{first_few(list(coco.categories))}; give the file of the classes '
                            'that the model was trained for')
        known = {PurePosixPath(image['file_name']).parts: image for image in coco.images}
        found = {path: _ending(path, known) for path in paths}
        images = {path: image for path, image in found.items() if image is not None}
        strange = [str(path) for path in found if path not in images]
        if strange:
            raise UserError(f'{data} has no image {first_few(strange)}; predict only the '
                            'images of that file, or leave --data out')
        counts = Counter(image['file_name'] for image in images.values())
        twice = [name for name, count in counts.items() if count > 1]
        if twice:
            raise UserError(f'several inputs are {first_few(twice)} of {data}; '
                            'predict one of them only')
        return cls({path: (image['id'], image['file_name']) for path, image in images.items()},
                   [coco.categories[name] for name in classes])


def _ending(path: Path, known: dict[tuple[str, ...], dict]) -> dict | None:
    """The entry whose name is the longest end of a path."""
    # os.path.abspath mends a/../b and, unlike resolve, keeps the names of links
    parts = PurePath(os.path.abspath(path)).parts  # noqa: PTH100
    ends = (known.get(parts[start:]) for start in range(len(parts)))
    return next((image for image in ends if image is not None), None)
