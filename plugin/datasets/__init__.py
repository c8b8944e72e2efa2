"""Data sets, samplers and transforms that a config names.

``transforms`` prepares single images, ``labels`` reads and writes the files of labelling tools,
``doctor`` checks data, ``splits`` divides it, and ``synthetic_barn`` generates it.
"""
from .barn import BarnDataset
from .camvid import CamVidDataset
from .cattle import CattleDataset, CattleSegDataset
from .folder import SegFolderDataset
from .isbi import ISBIDataset
from .paired_sampler import PairedSampler
from .semi import SemiDataset
from .transforms import LoadInstanceSegMap, PackSemiInputs, RandomGaussianBlur
from .unlabeled import UnlabeledDataset
from .voc import VOCSegDataset

__all__ = ['BarnDataset', 'CamVidDataset', 'CattleDataset', 'CattleSegDataset', 'ISBIDataset',
           'LoadInstanceSegMap', 'PackSemiInputs', 'PairedSampler', 'RandomGaussianBlur',
           'SegFolderDataset', 'SemiDataset', 'UnlabeledDataset', 'VOCSegDataset']
