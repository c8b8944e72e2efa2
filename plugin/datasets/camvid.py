"""The data set CamVid: road scenes."""
from pathlib import Path

from mmseg.registry import DATASETS

from .folder import SegFolderDataset


@DATASETS.register_module()
class CamVidDataset(SegFolderDataset):
    """CamVid: 11 classes of the road, 255 where nothing is labelled.

    Brostow et al., "Semantic Object Classes in Video: A High-Definition Ground
    Truth Database", PRL 2009; the 11 classes at 480x360 are those of
    Badrinarayanan et al., "SegNet", PAMI 2017.
    """

    METAINFO = dict(
        classes=('sky', 'building', 'pole', 'road', 'pavement', 'tree', 'signsymbol', 'fence',
                 'car', 'pedestrian', 'bicyclist'),
        palette=[[128, 128, 128], [128, 0, 0], [192, 192, 128], [128, 64, 128], [60, 40, 222],
                 [128, 128, 0], [192, 128, 128], [64, 64, 128], [64, 0, 128], [64, 64, 0],
                 [0, 128, 192]])
    ROOT_VARIABLE = 'CAMVID_ROOT'

    def _cure(self) -> str:
        images = Path(self.data_prefix.get('img_path') or '')
        if images.name != 'test' or not images.parent.is_dir():
            return super()._cure()
        part = 'test_dataloader.dataset.data_prefix'
        return ('add the test part, 233 images and their labels (data/README.md), or measure on '
                f'the validation images by --cfg-options {part}.img_path=images/val '
                f'{part}.seg_map_path=labels/val')
