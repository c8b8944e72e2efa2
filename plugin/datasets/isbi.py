"""The data set ISBI 2012: neurons under the electron microscope."""
from mmseg.registry import DATASETS

from .folder import SegFolderDataset


@DATASETS.register_module()
class ISBIDataset(SegFolderDataset):
    """ISBI 2012: membranes (0) and the cells between them (1), 30 grey images of 512x512.

    Arganda-Carreras et al., "Crowdsourcing the creation of image segmentation algorithms for
    connectomics", Frontiers in Neuroanatomy 2015; laid out by ``tools/data/prepare_isbi.py``.
    The pixel error is ``1 - PA`` of ``SegMetric``, the IoU of the foreground its ``IoU.cell``, the
    Rand score of the challenge ``VRand`` of ``CellMetric``.
    """

    METAINFO = dict(classes=('membrane', 'cell'), palette=[[40, 40, 40], [240, 228, 66]])
    ROOT_VARIABLE = 'ISBI_ROOT'

    def _cure(self) -> str:
        return (f'make it with tools/data/prepare_isbi.py, or set {self.ROOT_VARIABLE}; see '
                'data/README.md')
