"""A sampler of batches with fixed numbers of labelled and of unlabelled images."""
from collections.abc import Iterator, Sequence

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import DataLoader, Dataset, Sampler

from plugin.utils import UserError

LABELED, UNLABELED = 0, 1


@DATA_SAMPLERS.register_module()
class PairedSampler(Sampler):
    """Samples from both sources of a :class:`~plugin.datasets.SemiDataset`, batch by batch.

    Of each ``batch_size`` consecutive indices the first are labelled, the others unlabelled, in the
    proportion of ``ratio``. Each source is shuffled endlessly by itself: all of its images in a
    random order, then all in another one, whichever source is larger. Each of P processes takes
    every P-th image of both streams, so that together they sample what one process would.

    An index is a function of the seed, the process and the position: skipping to any position is
    free, and a resumed run continues with the same indices as an uninterrupted one.

    Args:
        dataset (SemiDataset): What to sample from.
        batch_size (int): Images of a batch and process, that of ``train_dataloader``.
        ratio (Sequence[int]): Labelled to unlabelled images. Defaults to (1, 1).
        seed (int, optional): The same for all processes. Defaults to None: a random one, which the
            processes share.

    Raises:
        UserError: If the data set has no two sources, or the batch cannot be divided.
    """

    def __init__(self, dataset: Dataset, batch_size: int, ratio: Sequence[int] = (1, 1),
                 seed: int | None = None) -> None:
        sizes = getattr(dataset, 'sizes', None)
        if sizes is None:
            raise UserError(f'PairedSampler samples from a labelled and an unlabelled source, and '
                            f'{type(dataset).__name__} is one: put both into a SemiDataset')
        self.dataset = dataset
        self.sizes = tuple(sizes)
        self.batch_size = batch_size
        self.parts = _parts(batch_size, ratio)
        self.seed = sync_random_seed() if seed is None else seed
        self.rank, self.world_size = get_dist_info()
        self.position = 0
        self._orders: dict[int, tuple[tuple[int, int], np.ndarray]] = {}

    def __iter__(self) -> Iterator[int]:
        while True:
            index = self._index(self.position)
            # before the yield, after which a generator may never be resumed
            self.position += 1
            yield index

    def __len__(self) -> int:
        """Number of images of both sources; the stream itself has no end."""
        return sum(self.sizes)

    def skip(self, number: int) -> None:
        """Skip the first ``number`` indices of this process."""
        self.position = number

    def set_epoch(self, epoch: int) -> None:
        """Nothing to do: the stream has no epochs."""

    def _index(self, position: int) -> int:
        """The index at a position of the stream of this process."""
        batch, slot = divmod(position, self.batch_size)
        source = LABELED if slot < self.parts[LABELED] else UNLABELED
        if source == UNLABELED:
            slot -= self.parts[LABELED]
        # the position in the stream of the source, which the processes share
        common = (batch * self.parts[source] + slot) * self.world_size + self.rank
        turn, place = divmod(common, self.sizes[source])
        return int(self._order(source, turn)[place]) + source * self.sizes[LABELED]

    def _order(self, source: int, turn: int) -> np.ndarray:
        """The order of the images of a source in the ``turn``-th pass over it, (n, )."""
        key = (self.seed, turn)
        if source not in self._orders or self._orders[source][0] != key:
            generator = np.random.default_rng([self.seed, source, turn])
            self._orders[source] = key, generator.permutation(self.sizes[source])
        return self._orders[source][1]


def check_batch_size(dataloader: DataLoader) -> None:
    """Raise if a loader has another batch size than its :class:`PairedSampler`.

    Args:
        dataloader (DataLoader): Any loader; one without such a sampler passes.

    Raises:
        UserError: If the batch sizes differ.
    """
    sampler = getattr(dataloader, 'sampler', None)
    sampler = getattr(sampler, 'sampler', sampler)  # within a DrawingSampler
    if isinstance(sampler, PairedSampler) and dataloader.batch_size != sampler.batch_size:
        raise UserError(
            f'train_dataloader has batch_size={dataloader.batch_size}, its PairedSampler '
            f'batch_size={sampler.batch_size}: set train_dataloader.batch_size and '
            'train_dataloader.sampler.batch_size to the same number')


def _parts(batch_size: int, ratio: Sequence[int]) -> tuple[int, int]:
    """Numbers of labelled and of unlabelled images in a batch."""
    if len(ratio) != 2 or any(not isinstance(part, int) or part < 1 for part in ratio):
        raise UserError(f'ratio={tuple(ratio)} is not (labelled, unlabelled) in whole numbers '
                        'from 1: give (1, 1), or (1, 3) for three unlabelled to each labelled')
    whole = sum(ratio)
    if batch_size < 1 or batch_size % whole:
        below = max(batch_size, 0) // whole * whole
        near = [str(size) for size in (below, below + whole) if size > 0]
        raise UserError(f'batch_size={batch_size} cannot be divided {ratio[0]}:{ratio[1]}: '
                        f'give {" or ".join(near)}')
    return batch_size // whole * ratio[0], batch_size // whole * ratio[1]
