"""Finds the data sets inside wrappers."""
from collections.abc import Iterator

from mmdet.datasets.base_det_dataset import BaseDetDataset
from mmengine.dataset import BaseDataset
from mmseg.datasets import BaseSegDataset
from torch.utils.data import Dataset


def leaf_datasets(dataset: Dataset) -> Iterator[BaseDataset]:
    """Yield the data sets of mmseg and mmdet inside wrappers such as ``ConcatDataset``."""
    if isinstance(dataset, (BaseSegDataset, BaseDetDataset)):
        yield dataset
        return
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    for child in inner:
        if child is not None:
            yield from leaf_datasets(child)
