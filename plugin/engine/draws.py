"""Randomness as a function of where a training is, so that nothing of it has to be saved.

The seed of every image and of every iteration follows from the seed of the run, the process
and a position. A run that is resumed at iteration ``k`` therefore draws what an uninterrupted
one draws from there on, with any number of worker processes and without replaying the data.
"""
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.registry import DATA_SAMPLERS, DATASETS
from torch.utils.data import Dataset, Sampler

from .late_faults import files_explained

# so that image 7 and iteration 7 have different seeds
IMAGE, ITERATION = 0, 1


def seed_everything(*words: int) -> None:
    """Seed Python, NumPy and PyTorch with non-negative integers, all of which count."""
    state = np.random.SeedSequence(words).generate_state(4)
    random.seed(state.tobytes())
    # the transforms of OpenMMLab draw from NumPy's global generator
    np.random.seed(state)  # noqa: NPY002
    torch.manual_seed(int(state[0]) << 31 | int(state[1]) >> 1)


class Draw(int):
    """The index of an image that knows when it is drawn.

    Args:
        index (int): Index in the data set; the draw is this number.
        words (tuple[int, ...]): Seed of the run, process, position in its stream.
    """

    words: tuple

    def __new__(cls, index: int, words: tuple) -> 'Draw':
        draw = super().__new__(cls, index)
        draw.words = words
        return draw

    def __reduce__(self):
        return Draw, (int(self), self.words)


class DrawingSampler(Sampler):
    """Numbers what another sampler draws.

    Args:
        dataset (Dataset): The data set to draw from.
        sampler (dict): Config of the sampler that chooses.
        seed (int, optional): Seed of the run.
    """

    def __init__(self, dataset: Dataset, sampler: dict, seed: int | None = None) -> None:
        self.sampler = DATA_SAMPLERS.build(sampler, default_args=dict(dataset=dataset, seed=seed))
        self.seed = seed or 0
        self.position = 0
        if hasattr(self.sampler, 'skip'):
            # MMEngine asks for this method to learn whether it must load what it skips
            self.skip = self._skip

    def __iter__(self) -> Iterator[Draw]:
        rank = get_rank()
        for index in self.sampler:
            # counted before the yield: the consumer may never ask for the next one
            self.position += 1
            yield Draw(index, (self.seed, rank, IMAGE, self.position))

    def __len__(self) -> int:
        return len(self.sampler)

    def __getattr__(self, name: str) -> Any:
        # set_epoch, dataset and whatever else a batch sampler may ask for
        if name == 'sampler':
            raise AttributeError(name)
        return getattr(self.sampler, name)

    def reseed(self, seed: int) -> None:
        """Take the seed of the run that is resumed; before the first draw."""
        self.seed = seed
        if hasattr(self.sampler, 'seed'):
            self.sampler.seed = seed

    def _skip(self, number: int) -> None:
        """Go to the draw after the first ``number`` ones of this process."""
        self.sampler.skip(number)
        self.position = number


class DrawnDataset(Dataset):
    """Seeds the random transforms of each image from its :class:`Draw`.

    A plain index gives the image as it always was.

    Args:
        dataset (Dataset | dict): The data set or its config.
    """

    def __init__(self, dataset: Dataset | dict) -> None:
        # PyTorch's Dataset does not promise what those of MMEngine have
        self.dataset: Any = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset

    def __getitem__(self, index: int) -> Any:
        if isinstance(index, Draw):
            seed_everything(*index.words)
            index = int(index)
        with files_explained(self.dataset, lambda: [self.dataset.get_data_info(index)['img_path']]):
            return self.dataset[index]

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        # a copy that is being unpickled has no data set yet
        if name == 'dataset':
            raise AttributeError(name)
        return getattr(self.dataset, name)
