"""The data set PASCAL VOC 2012."""
import numpy as np
from mmseg.datasets import PascalVOCDataset
from mmseg.registry import DATASETS

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
        **kwargs: Further arguments of ``SegFolderDataset``.
    """

    METAINFO = PascalVOCDataset.METAINFO
    ROOT_VARIABLE = 'VOC_ROOT'

    def __init__(self, ann_file: str, **kwargs) -> None:
        super().__init__(ann_file=ann_file, **kwargs)


def voc_palette() -> np.ndarray:
    """The colours of VOC masks, (256, 3) uint8: the bits of an id, dealt out to R, G and B."""
    ids = np.arange(256)[:, None]
    channel = np.arange(3)
    palette = np.zeros((256, 3), dtype=int)
    for bit in range(8):
        palette |= ((ids >> (3 * bit + channel)) & 1) << (7 - bit)
    return palette.astype(np.uint8)
