"""What the images of a data set are called in results: their paths below the folder of images."""
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def image_names(dataset: Any) -> Callable[[str], str]:
    """How the images of a data set are named, so that no two share a name.

    Args:
        dataset (Any): A data set of mmseg or mmdet, or one that wraps others.

    Returns:
        callable: Of the path of an image, its path below the folder that holds all images of the
        data set, with ``/``; the last part of any other path.

    Example:
        >>> from types import SimpleNamespace
        >>> from plugin.datasets.image_names import image_names
        >>> barn = SimpleNamespace(data_prefix=dict(img_path='data/barn/images'))
        >>> image_names(barn)('data/barn/images/a/0001.jpg')
        'a/0001.jpg'
    """
    folders = [os.path.abspath(folder) for folder in _folders(dataset)]
    try:
        root = os.path.commonpath(folders)
    except ValueError:  # no folder
        return base_name

    def name(path: str) -> str:
        below = os.path.relpath(path, root)
        return base_name(path) if below.startswith('..') else Path(below).as_posix()

    return name


def base_name(path: str) -> str:
    """The last part of a path, which images in different folders may share."""
    return Path(path).name


def _folders(dataset: Any) -> list[str]:
    """The folders of images of a data set, and of those that it wraps."""
    inner = [*getattr(dataset, 'datasets', ()), *filter(None, [getattr(dataset, 'dataset', None)])]
    prefix = getattr(dataset, 'data_prefix', None) or {}
    own = [prefix[key] for key in ('img_path', 'img') if isinstance(prefix.get(key), str)
           and '://' not in prefix[key]]
    return own + [folder for one in inner for folder in _folders(one)]
