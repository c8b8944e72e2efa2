"""The data set of generated barn scenes."""
from mmseg.registry import DATASETS

from .folder import SegFolderDataset
from .synthetic_barn import CLASSES, PALETTE


@DATASETS.register_module()
class BarnDataset(SegFolderDataset):
    """Barn scenes seen from above, made by ``tools/data/make_barn.py``."""

    METAINFO = dict(classes=CLASSES, palette=[list(colour) for colour in PALETTE])
    ROOT_VARIABLE = 'BARN_ROOT'

    def _cure(self) -> str:
        return (f'make it with `python tools/data/make_barn.py data/barn`, '
                f'or set {self.ROOT_VARIABLE}')
