"""A data set that joins a labelled and an unlabelled one."""
from collections.abc import Iterator
from typing import Any

import torch
from mmdet.registry import DATASETS as DET_DATASETS
from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS
from torch import Tensor
from torch.utils.data import Dataset

from plugin.utils import UserError, first_few

from .leaves import leaf_datasets
from .transforms import PackSemiDetInputs, PackSemiInputs


@DET_DATASETS.register_module()
@DATASETS.register_module()
class SemiDataset(Dataset):
    """Labelled images, then unlabelled ones, for :class:`~plugin.datasets.PairedSampler`.

    Serves pixels and instances: MMSegmentation and MMDetection both know it.

    The indices ``0 .. n_l - 1`` are the labelled images, ``n_l .. n_l + n_u - 1`` the
    unlabelled ones. Each source keeps its own pipeline: that of the labelled ends with
    ``PackSegInputs``, that of the unlabelled with ``PackSemiInputs``, which marks each sample; of
    instances these are ``PackDetInputs`` and ``PackSemiDetInputs``.

    A labelled sample of instances says what a person outlined in its picture: ``outlined``, the
    classes (L,), whatever its pipeline pastes or cuts off. A teacher is to find as many.

    The unlabelled source may be a labelled data set of the same classes. If its pipeline loads
    the labels, the pseudo-labels are compared with them; they are never trained on.

    Args:
        labeled (dict | BaseDataset): The labelled data set, or its config.
        unlabeled (dict | BaseDataset): The unlabelled one, e.g. ``UnlabeledDataset``.

    Raises:
        UserError: If a source is empty, does not pack its images as described above, or has other
            classes than the labelled one.
    """

    def __init__(self, labeled: dict | BaseDataset, unlabeled: dict | BaseDataset) -> None:
        self.datasets: tuple[BaseDataset, ...] = tuple(
            DATASETS.build(source) if isinstance(source, dict) else source
            for source in (labeled, unlabeled))
        self.full_init()
        for name, source in zip(('labeled', 'unlabeled'), self.datasets):
            if not len(source):
                raise UserError(f'the {name} source of SemiDataset is empty: give it at least '
                                'one image')
            _check_packing(name, source)
        _check_classes(*self.datasets)

    @property
    def metainfo(self) -> dict:
        """Metadata of the labelled source: the unlabelled one knows no classes."""
        return self.datasets[0].metainfo

    @property
    def sizes(self) -> tuple[int, int]:
        """Numbers of labelled and of unlabelled images, ``(n_l, n_u)``."""
        return len(self.datasets[0]), len(self.datasets[1])

    def full_init(self) -> None:
        """List the images of both sources, unless that is done."""
        for source in self.datasets:
            source.full_init()

    def get_data_info(self, index: int) -> dict:
        """Information of the source on an image: its path and, if it has one, its label."""
        source, index = self._place(index)
        return source.get_data_info(index)

    def __getitem__(self, index: int) -> Any:
        source, place = self._place(index)
        sample = source[place]
        if index < self.sizes[0] and 'gt_instances' in sample['data_samples']:
            sample['data_samples'].outlined = _outlined(source.get_data_info(place))
        return sample

    def __len__(self) -> int:
        return sum(self.sizes)

    def _place(self, index: int) -> tuple[BaseDataset, int]:
        labeled = self.sizes[0]
        if not 0 <= index < len(self):
            raise IndexError(f'image {index} of SemiDataset is outside 0..{len(self) - 1}')
        if index < labeled:
            return self.datasets[0], index
        return self.datasets[1], index - labeled


def _outlined(info: dict) -> Tensor:
    """Classes of the instances that a data set lists of a picture, (L,) int64; no ignored ones."""
    return torch.tensor([one['bbox_label'] for one in info['instances'] if not one['ignore_flag']],
                        dtype=torch.int64)


def _check_packing(name: str, source: BaseDataset) -> None:
    """Raise if a model could not tell the unlabelled images from the labelled ones."""
    wanted = 'PackSemiInputs (of instances: PackSemiDetInputs)' if name == 'unlabeled' else \
        'PackSegInputs (of instances: PackDetInputs)'
    for leaf in leaf_datasets(source):
        is_semi = any(isinstance(step, (PackSemiInputs, PackSemiDetInputs))
                      for step in leaf.pipeline.transforms)
        if is_semi != (name == 'unlabeled'):
            last = type(leaf.pipeline.transforms[-1]).__name__ if leaf.pipeline.transforms \
                else 'nothing'
            raise UserError(f'the pipeline of the {name} source of SemiDataset ends with {last}: '
                            f'end it with {wanted}')


def _check_classes(labeled: BaseDataset, unlabeled: BaseDataset) -> None:
    """Raise for truth of other classes, which would give wrong scores of the pseudo-labels."""
    classes = list(labeled.metainfo.get('classes') or ())
    for others in _class_lists(unlabeled):
        if others and others != classes:
            raise UserError(
                f'the unlabeled source of SemiDataset has the classes ({first_few(others)}), the '
                f'labeled one ({first_few(classes)}): give both the same metainfo, or use '
                'UnlabeledDataset, which needs none')


def _class_lists(source: BaseDataset) -> Iterator[list]:
    for leaf in leaf_datasets(source):
        yield list(leaf.metainfo.get('classes') or ())
