"""What a config names: data sets, samplers, and ``transforms``; and the files that they read.

``labels`` reads what people draw, ``splits`` divides it, ``doctor`` says what is wrong with it,
``preparation`` lays out published sets, ``synthetic_barn`` draws one, ``crowds`` pastes instances
into crowds.
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
