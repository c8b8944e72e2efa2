"""Datasets."""
from .barn import BarnDataset
from .camvid import CamVidDataset
from .folder import SegFolderDataset
from .voc import VOCSegDataset

__all__ = ['BarnDataset', 'CamVidDataset', 'SegFolderDataset', 'VOCSegDataset']
