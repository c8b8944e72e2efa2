"""Datasets."""
from .barn import BarnDataset
from .camvid import CamVidDataset
from .cattle import CattleDataset, CattleSegDataset
from .folder import SegFolderDataset
from .transforms import LoadInstanceSegMap
from .voc import VOCSegDataset

__all__ = ['BarnDataset', 'CamVidDataset', 'CattleDataset', 'CattleSegDataset',
           'LoadInstanceSegMap', 'SegFolderDataset', 'VOCSegDataset']
