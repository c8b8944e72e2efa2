"""The data set PASCAL VOC 2012."""
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
