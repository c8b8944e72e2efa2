"""A data set of any folder of images and folder of label maps."""
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import mmengine
from mmengine import fileio
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from plugin.utils import UserError, first_few

from .class_names import check_class_names, refuse_bare_string
from .labels.image_files import IMAGE_SUFFIXES

# what tools/data/make_partition.py writes
OF_PARTITIONS = ('labeled.txt', 'unlabeled.txt')
LISTS = ('make the two lists with `python tools/data/make_partition.py` (data/README.md has the '
         'command of each data set), or set PARTITIONS, of VOC VOC_SPLITS, to their folder')


class NameFault(NamedTuple):
    """Names without image or label: the kind of fault, the names, and fault and cure in words."""

    kind: str
    names: list[str]
    fault: str
    cure: str


@DATASETS.register_module()
class SegFolderDataset(BaseSegDataset):
    """Images and label maps that share their names, wherever they lie.

    An image is ``<data_root>/<img_path>/<name>.<suffix>`` with any suffix of
    ``IMAGE_SUFFIXES``, in capitals or not, mixed at will; sub-folders belong
    to the name. Its label is ``<data_root>/<seg_map_path>/<name>.png`` with one
    class id a pixel. Without ``ann_file`` the two folders must hold the same
    names; with it, one name a line, only the names in the list count. Without
    ``seg_map_path`` in ``data_prefix`` the images have no labels.

    The classes come from ``metainfo=dict(classes=('ground', 'cow'))``, in the
    order of the ids; ``palette`` may be given with them. Sub-classes that know
    their classes set ``METAINFO``.

    Everything that is missing is an error as soon as the data set is built.

    Args:
        ann_file (str): List of names, relative to ``data_root``. Defaults to
            '': all images of the folder.
        img_suffix (str, optional): Take only images whose name ends like
            this. Defaults to None: any of ``IMAGE_SUFFIXES``.
        **kwargs: Further arguments of mmseg's ``BaseSegDataset``.

    Raises:
        FileNotFoundError: If the root, a folder, the list, an image or a label
            is missing or empty.
        UserError: If the classes are missing or malformed, or two images
            share one name.
    """

    ROOT_VARIABLE = 'FOLDER_ROOT'

    def __init__(self, ann_file: str = '', img_suffix: str | None = None, **kwargs) -> None:
        super().__init__(ann_file=ann_file, img_suffix=img_suffix, **kwargs)

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> dict:
        """Read and check the classes and their palette."""
        refuse_bare_string(metainfo)
        loaded = super()._load_metainfo(metainfo)
        names = loaded.get('classes')
        check_class_names(names, cls.__name__)
        palette = loaded.get('palette')
        if palette and not cls.METAINFO.get('classes') and len(palette) != len(names):
            raise UserError(f'palette has {len(palette)} colours for {len(names)} classes: '
                            'give one [red, green, blue] a class, or leave palette out')
        return loaded

    def load_data_list(self) -> list[dict]:
        """List the images with their labels.

        Returns:
            list[dict]: ``img_path``, ``seg_map_path`` (if there are labels),
            ``label_map``, ``reduce_zero_label`` and ``seg_fields`` of each.
        """
        names, images, labels = self.index_names()
        for fault in self.name_faults(names, images, labels):
            raise FileNotFoundError(f'{fault.fault}: {fault.cure}')
        data_list = []
        for name in names:
            entry = dict(
                img_path=images[name], label_map=self.label_map,
                reduce_zero_label=self.reduce_zero_label, seg_fields=[])
            if labels is not None:
                entry['seg_map_path'] = labels[name]
            data_list.append(entry)
        return data_list

    def index_names(self) -> tuple[list[str], dict[str, str], dict[str, str] | None]:
        """Find images and labels.

        Returns:
            tuple: The names that count; paths of the images by name; paths of the labels by
            name, None if there are none to read.
        """
        self._check_root()
        suffixes = (self.img_suffix, ) if self.img_suffix else IMAGE_SUFFIXES
        images = self._index(self.data_prefix['img_path'], suffixes)
        labels = None
        if self.data_prefix.get('seg_map_path') is not None:
            labels = self._index(self.data_prefix['seg_map_path'], (self.seg_map_suffix, ))
        return self._listed_names() if self.ann_file else sorted(images), images, labels

    def _cure(self) -> str:
        return f'set {self.ROOT_VARIABLE}=/path/to/the/data or see data/README.md'

    def _check_root(self) -> None:
        """Raise if the root is missing or empty."""
        root = self.data_root
        if not root:
            return
        if not fileio.isdir(root, backend_args=self.backend_args):
            raise FileNotFoundError(f'data root {root} does not exist: {self._cure()}')
        if next(iter(fileio.list_dir_or_file(root, backend_args=self.backend_args)), None) is None:
            raise FileNotFoundError(f'data root {root} is empty: {self._cure()}')

    def _files(self, folder: str, suffixes: Sequence[str]) -> Iterator[str]:
        """Yield the files of a folder and its sub-folders with one of the suffixes."""
        if not fileio.isdir(folder, backend_args=self.backend_args):
            raise FileNotFoundError(f'folder {folder} does not exist: {self._cure()}')
        found, others = False, Counter[str]()
        for file in fileio.list_dir_or_file(
                folder, list_dir=False, recursive=True, backend_args=self.backend_args):
            if file.lower().endswith(tuple(suffix.lower() for suffix in suffixes)):
                found = True
                yield file
            others[Path(file).suffix] += 1
        if not found:
            raise FileNotFoundError(
                f'folder {folder} has no file ending in {", ".join(suffixes)}'
                f'{self._other_suffix(others, suffixes) or f": {self._cure()}"}')

    def _other_suffix(self, others: Mapping[str, int], suffixes: Sequence[str]) -> str:
        """What is there instead, and the option that takes it."""
        images = [suffix for suffix in others if suffix.lower() in IMAGE_SUFFIXES]
        if not images:
            return ''
        suffix = max(images, key=lambda one: others[one])
        option = 'seg_map_suffix' if suffixes == (self.seg_map_suffix, ) else 'img_suffix'
        return (f', but {others[suffix]} ending in {suffix}: set {option}={suffix!r} in the data '
                f'set, e.g. train_dataloader.dataset.{option}={suffix}')

    def _index(self, folder: str, suffixes: Sequence[str]) -> dict[str, str]:
        """Map the name of each file, without its suffix, to its path."""
        index: dict[str, str] = {}
        for file in self._files(folder, suffixes):
            suffix = next(s for s in suffixes if file.lower().endswith(s.lower()))
            name = Path(file[:-len(suffix)]).as_posix()
            path = fileio.join_path(folder, file, backend_args=self.backend_args)
            if name in index:
                raise UserError(f'{index[name]} and {path} share the name {name}: '
                                'rename or remove one of them')
            index[name] = path
        return index

    def _listed_names(self) -> list[str]:
        """Read the names of ``ann_file``, one a line."""
        if not fileio.isfile(self.ann_file, backend_args=self.backend_args):
            cure = LISTS if Path(self.ann_file).name in OF_PARTITIONS else self._cure()
            raise FileNotFoundError(f'list {self.ann_file} does not exist: {cure}')
        lines = mmengine.list_from_file(self.ann_file, backend_args=self.backend_args)
        names = [line.strip() for line in lines if line.strip()]
        if not names:
            raise FileNotFoundError(
                f'list {self.ann_file} is empty: write one image name a line, without suffix')
        return names

    def name_faults(self, names: Sequence[str], images: dict[str, str],
                    labels: dict[str, str] | None) -> Iterator[NameFault]:
        """Yield names without image, images without label and the reverse."""
        image_folder = self.data_prefix['img_path']
        absent = [name for name in names if name not in images]
        if absent:
            yield NameFault(
                'picture-missing', absent,
                f'list {self.ann_file} names {first_few(absent)}, not in {image_folder}',
                'complete the images or correct the list (one name a line, without suffix)')
        if labels is None:
            return
        label_folder = self.data_prefix['seg_map_path']
        bare = [name for name in names if name in images and name not in labels]
        if bare:
            yield NameFault(
                'label-missing', bare,
                f'{first_few(bare)} in {image_folder} have no label in {label_folder}',
                f'add <name>{self.seg_map_suffix} or move the images away')
        # with a list unused labels are normal; without one every label needs its image
        orphans = [] if self.ann_file else sorted(set(labels) - set(images))
        if orphans:
            yield NameFault(
                'label-orphan', orphans,
                f'labels {first_few(orphans)} in {label_folder} have no image in '
                f'{image_folder}', 'add the images or move the labels away')
