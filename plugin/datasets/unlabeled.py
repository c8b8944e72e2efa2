"""A data set of images without labels."""
import glob
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from mmcv.transforms import LoadAnnotations
from mmdet.registry import DATASETS as DET_DATASETS
from mmengine import fileio
from mmseg.registry import DATASETS

from plugin.utils import UserError, first_few

from .folder import SegFolderDataset
from .labels.image_files import IMAGE_SUFFIXES
from .transforms import LoadInstanceSegMap

LABEL_LOADERS = (LoadAnnotations, LoadInstanceSegMap)


@DET_DATASETS.register_module()
@DATASETS.register_module()
class UnlabeledDataset(SegFolderDataset):
    """Images without labels and classes, from a folder, a pattern or a list.

    The images, all below the folder ``<data_root>/<img_path>``:

    - by default all of the folder and its sub-folders, with any suffix of ``IMAGE_SUFFIXES``, in
      capitals or not. Links are followed; hidden files and folders are left out;
    - with ``pattern`` those that it matches, e.g. ``'cam*/2024-*/*.jpg'``; ``**`` stands for any
      number of folders;
    - with ``ann_file`` those of the list, one a line: a name without suffix (``barn 2/0001``), a
      file (``barn 2/0001.JPG``), or a whole path, which may lie anywhere.

    Images are opened only when they are loaded for training.

    Args:
        ann_file (str): The list, relative to ``data_root``. Defaults to ''.
        pattern (str): The pattern, relative to the folder. Defaults to ''.
        img_suffix (str, optional): Take only images that end like this; names of the list are
            completed with it. Defaults to None: any of ``IMAGE_SUFFIXES``.
        data_prefix (dict): ``img_path``, the folder, relative to ``data_root``.
        **kwargs: ``data_root``, ``pipeline`` and further arguments of mmseg's ``BaseSegDataset``.

    Raises:
        FileNotFoundError: If the folder, the list or an image is missing, or there is none.
        UserError: If labels or classes are asked for, both a list and a pattern are given, or a
            name of the list stands for two images.
    """

    def __init__(self, ann_file: str = '', pattern: str = '', img_suffix: str | None = None,
                 data_prefix: dict | None = None, **kwargs) -> None:
        data_prefix = dict(data_prefix or dict(img_path=''))
        if ann_file and pattern:
            raise UserError(f'ann_file={ann_file} and pattern={pattern} both choose the '
                            'images: give one of them')
        if data_prefix.get('seg_map_path') is not None:
            raise UserError(f'data_prefix names labels in {data_prefix["seg_map_path"]}, and '
                            'UnlabeledDataset reads none: leave seg_map_path out, or use '
                            'SegFolderDataset to measure the pseudo-labels with them')
        self.pattern = pattern
        super().__init__(ann_file=ann_file, img_suffix=img_suffix, data_prefix=data_prefix,
                         **kwargs)
        loaders = [type(step).__name__ for step in self.pipeline.transforms
                   if isinstance(step, LABEL_LOADERS)]
        if loaders:
            raise UserError(f'{loaders[0]} in the pipeline of UnlabeledDataset would read labels, '
                            'and there are none: leave it out')

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> dict:
        """Raise if there are classes, which images without labels do not have."""
        if classes := (metainfo or {}).get('classes'):
            raise UserError(f'metainfo names the classes {first_few(classes)}, and '
                            'images without labels have none: leave metainfo out')
        return dict(metainfo or {})

    def load_data_list(self) -> list[dict]:
        """List the images.

        Returns:
            list[dict]: ``img_path``, ``reduce_zero_label`` (False), ``label_map`` (None) and
            ``seg_fields`` (empty) of each, in the order of the list, or of the names.
        """
        self._check_root()
        folder = self.data_prefix['img_path']
        if self.ann_file:
            paths = self._listed_images(folder)
        elif self.pattern:
            paths = self._matching_images(folder)
        else:
            _refuse_broken_links(folder)
            paths = sorted(self._join(folder, file) for file in self._images(folder))
        return [dict(img_path=path, label_map=None, reduce_zero_label=False, seg_fields=[])
                for path in paths]

    def _cure(self) -> str:
        return ('correct data_root and data_prefix=dict(img_path=...), or see "Unlabelled '
                'images" in data/README.md')

    def _suffixes(self) -> Sequence[str]:
        return (self.img_suffix, ) if self.img_suffix else IMAGE_SUFFIXES

    def _join(self, folder: str, file: str) -> str:
        return fileio.join_path(folder, file, backend_args=self.backend_args)

    def _images(self, folder: str) -> list[str]:
        """Images of a folder, relative to it; hidden ones are left out."""
        images = [file for file in self._files(folder, self._suffixes())
                  if not _is_hidden(Path(file))]
        if not images:
            raise FileNotFoundError(f'folder {folder} has only hidden images: {self._cure()}')
        return images

    def _matching_images(self, folder: str) -> list[str]:
        """Paths that the pattern matches, sorted."""
        found = {os.path.join(folder, file)
                 for file in glob.glob(self.pattern, root_dir=folder or None, recursive=True)
                 if file.lower().endswith(tuple(s.lower() for s in self._suffixes()))}
        if not found:
            raise FileNotFoundError(f'pattern {self.pattern} matches no image in {folder}: '
                                    f'{self._cure()}')
        absent = sorted(path for path in found if not os.path.isfile(path))
        if absent:
            raise FileNotFoundError(f'{first_few(absent)} is no file: bring back what the link '
                                    'leads to, or narrow the pattern')
        return sorted(found)

    def _listed_images(self, folder: str) -> list[str]:
        """Paths of the names in the list, in its order."""
        lines = self._listed_names()
        known = {} if all(map(os.path.isabs, lines)) else self._by_name(folder)
        found = [[line] * os.path.isfile(line) if os.path.isabs(line)
                 else known.get(Path(line).as_posix(), []) for line in lines]
        absent = [line for line, paths in zip(lines, found) if not paths]
        if absent:
            raise FileNotFoundError(
                f'list {self.ann_file} names {first_few(absent)}, not in {folder}: complete the '
                'images or correct the list (one name, file or whole path a line)')
        for line, paths in zip(lines, found):
            if len(paths) > 1:
                raise UserError(f'{line} in {self.ann_file} stands for {first_few(paths)}: '
                                'write it with its suffix')
        return [path for path, in found]

    def _by_name(self, folder: str) -> dict[str, list[str]]:
        """Paths of all images by their names without suffix, and by their whole names."""
        names: dict[str, list[str]] = defaultdict(list)
        files: dict[str, list[str]] = {}
        for file in self._files(folder, self._suffixes()):
            suffix = next(s for s in self._suffixes() if file.lower().endswith(s.lower()))
            path = self._join(folder, file)
            names[Path(file[:-len(suffix)]).as_posix()].append(path)
            files[Path(file).as_posix()] = [path]
        return {**names, **files}


def _refuse_broken_links(folder: str) -> None:
    """Stop at links that lead nowhere, which a listing would pass over in silence."""
    broken = [str(path) for path in Path(folder).rglob('*')
              if path.suffix.lower() in IMAGE_SUFFIXES and not path.exists()
              and not _is_hidden(path.relative_to(folder))]
    if broken:
        raise FileNotFoundError(f'{first_few(sorted(broken))} is a link that leads nowhere: '
                                'bring its image back, or remove the link')


def _is_hidden(path: Path) -> bool:
    return any(part.startswith('.') for part in path.parts)
