"""The data sets inside of wrappers."""
from collections.abc import Iterator

from mmdet.datasets.base_det_dataset import BaseDetDataset
from mmengine.dataset import BaseDataset
from mmseg.datasets import BaseSegDataset


def leaf_datasets(dataset) -> Iterator[BaseDataset]:
    """Yield the data sets of mmseg and mmdet inside of wrappers such as ``ConcatDataset``."""
    if isinstance(dataset, (BaseSegDataset, BaseDetDataset)):
        yield dataset
        return
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    for child in inner:
        if child is not None:
            yield from leaf_datasets(child)
