"""The data set PASCAL VOC 2012."""
import numpy as np
from mmseg.datasets import PascalVOCDataset
from mmseg.registry import DATASETS

from plugin.utils import UserError

from .folder import SegFolderDataset


@DATASETS.register_module()
class VOCSegDataset(SegFolderDataset):
    """PASCAL VOC 2012: background and 20 classes, 255 on the borders of objects.

    Everingham et al., "The PASCAL Visual Object Classes Challenge: A
    Retrospective", IJCV 2015. Unlike mmseg's ``PascalVOCDataset`` it names what
    is missing, and takes images without labels.

    Args:
        ann_file (str): List of image names, relative to ``data_root``. VOC
            keeps the images of all its tasks in one folder, so it is needed.
        list_count (int, optional): Number of names that the list must hold, for
            lists on which published scores depend. Defaults to None: any.
        **kwargs: Further arguments of ``SegFolderDataset``.

    Raises:
        UserError: If the list holds another number of names.
    """

    METAINFO = PascalVOCDataset.METAINFO
    ROOT_VARIABLE = 'VOC_ROOT'

    def __init__(self, ann_file: str, list_count: int | None = None, **kwargs) -> None:
        self.list_count = list_count
        super().__init__(ann_file=ann_file, **kwargs)

    def _listed_names(self) -> list[str]:
        """Read the names of ``ann_file``, and count them."""
        names = super()._listed_names()
        if self.list_count not in (None, len(names)):
            raise UserError(
                f'list {self.ann_file} holds {len(names)} names, not {self.list_count}: take the '
                'published list (data/README.md), or set list_count=None in the data set to use '
                'another one, whose scores compare with no published ones')
        return names


def voc_palette() -> np.ndarray:
    """The colours of VOC masks, (256, 3) uint8: the bits of an id, dealt out to R, G and B."""
    ids = np.arange(256)[:, None]
    channel = np.arange(3)
    palette = np.zeros((256, 3), dtype=int)
    for bit in range(8):
        palette |= ((ids >> (3 * bit + channel)) & 1) << (7 - bit)
    return palette.astype(np.uint8)
