"""Memory bank of a contrastive loss: keys of each class, from which negatives are sampled."""

import torch
from mmengine.dist import all_gather
from torch import Tensor, nn

from plugin.utils import UserError

from .selection import take_pixels

DTYPES = {'float32': torch.float32, 'float16': torch.float16}


class MemoryBank(nn.Module):
    """A ring buffer of keys for each class, the same in all processes and saved in checkpoints.

    Y. Wang et al., `U2PL <https://arxiv.org/abs/2203.03884>`_, equation 17 and algorithm 1. Legend:
    ``C`` classes, ``D`` channels, ``N`` images, ``h, w`` positions, ``P = N * h * w`` pixels.

    The rings lie in one buffer ``keys`` of shape (sum of the capacities + 1, D), whose last row
    takes what is not kept and stays zero. With 21 classes, 256 channels and the defaults that
    is 666 MB, or half of it in half precision.

    All processes hold the same keys, so a wrapper for distributed training need not broadcast
    them in each iteration: leave ``broadcast_buffers=False``, as MMEngine does.

    Args:
        num_classes (int): Number of classes ``C``.
        channels (int): Dimensions ``D`` of a key. Defaults to 256.
        capacity (int): Keys of a class. Defaults to 30000.
        background_capacity (int, optional): Keys of class 0; None is the same as of the others.
            Defaults to 50000.
        dtype (str): ``float32`` or ``float16``. Defaults to ``float32``.
        keys_per_step (int): Most keys of a class that one process adds in a step, which bounds
            what processes send to each other. Defaults to 1024.

    Raises:
        UserError: If a number is below 1, or ``dtype`` is unknown.
    """

    keys: Tensor
    filled: Tensor
    pointer: Tensor
    capacity: Tensor
    start: Tensor

    def __init__(self, num_classes: int, channels: int = 256, *, capacity: int = 30000,
                 background_capacity: int | None = 50000, dtype: str = 'float32',
                 keys_per_step: int = 1024) -> None:
        super().__init__()
        background = capacity if background_capacity is None else background_capacity
        for name, value in dict(num_classes=num_classes, channels=channels, capacity=capacity,
                                background_capacity=background,
                                keys_per_step=keys_per_step).items():
            if value < 1:
                raise UserError(f'{name}={value} leaves a memory bank without keys; use 1 or more')
        if dtype not in DTYPES:
            raise UserError(f'dtype={dtype!r} is none of a memory bank; use one of '
                            f'{", ".join(map(repr, DTYPES))}')
        self.keys_per_step = keys_per_step
        rows = background + capacity * (num_classes - 1)
        capacities = torch.tensor([background] + [capacity] * (num_classes - 1))
        self.register_buffer('keys', torch.zeros(rows + 1, channels, dtype=DTYPES[dtype]))
        self.register_buffer('filled', torch.zeros(num_classes, dtype=torch.int64))
        self.register_buffer('pointer', torch.zeros(num_classes, dtype=torch.int64))
        self.register_buffer('capacity', capacities, persistent=False)
        self.register_buffer('start', capacities.cumsum(0) - capacities, persistent=False)

    @property
    def memory_bytes(self) -> int:
        """Bytes of the keys, on each device and in each checkpoint."""
        return self.keys.numel() * self.keys.element_size()

    @property
    def fill(self) -> Tensor:
        """Share of each class's ring that holds keys, (C,) float32 in 0..1."""
        return self.filled / self.capacity

    @torch.no_grad()
    def enqueue(self, features: Tensor, mask: Tensor) -> None:
        """Add keys of all processes to the rings; the oldest are overwritten.

        Of each class a uniform random sample without replacement of at most ``keys_per_step``
        pixels of a process is added. Features whose length is zero or not finite are left
        out. One collective operation.

        Args:
            features (Tensor): (N, D, h, w) of the teacher, of any length.
            mask (Tensor): (C, P) bool: the pixels whose features are keys of a class.

        Raises:
            UserError: If the features have another number of channels than the keys.
        """
        if features.shape[1] != self.keys.shape[1]:
            raise UserError(f'features of {features.shape[1]} channels do not fit a memory bank '
                            f'with channels={self.keys.shape[1]}; give both the same number')
        keys = all_gather(self._choose(features, mask))
        # class by class, within it process by process
        self._append(keys[0] if len(keys) == 1 else torch.cat(keys, 1))

    def sample(self, num_anchors: int, num_negatives: int) -> Tensor:
        """Rows of ``keys``, uniform over the keys of each class, with replacement.

        Args:
            num_anchors (int): ``M``.
            num_negatives (int): ``K`` keys for each anchor.

        Returns:
            Tensor: (C, M, K) int64; a class without keys gets a row that holds none.
        """
        # the range is much larger than a ring, so that the remainder favours no key
        numbers = torch.randint(2**62, (len(self.filled), num_anchors, num_negatives),
                                device=self.keys.device)
        return (numbers.remainder_(self.filled.clamp_min(1)[:, None, None])
                .add_(self.start[:, None, None]))

    def _choose(self, features: Tensor, mask: Tensor) -> Tensor:
        """Keys (C, keys_per_step, D) of length 1, or 0 where there are no more."""
        # the order is common to the classes: the largest numbers of each are a random sample
        order = torch.rand(mask.shape[1], device=mask.device)
        score, pixels = torch.where(mask, order, -1.).topk(min(self.keys_per_step, mask.shape[1]))
        # reading in the order of memory, all classes at once, is four times as fast
        by_place, slot = pixels.flatten().sort()
        keys = take_pixels(features, by_place).float()
        length = torch.linalg.vector_norm(keys, dim=1, keepdim=True)
        # a NaN key would stay until it is overwritten
        chosen = (score >= 0).flatten()[slot, None] & (length > 0) & length.isfinite()
        keys = keys.div_(length).masked_fill_(~chosen, 0).to(self.keys.dtype)
        # the same size in each process, however few pixels it has
        rows = keys.new_zeros(len(mask), self.keys_per_step, keys.shape[1])
        classes, place = slot // pixels.shape[1], slot % pixels.shape[1]
        rows.flatten(0, 1).index_copy_(0, classes * self.keys_per_step + place, keys)
        return rows

    def _append(self, keys: Tensor) -> None:
        """Append keys (C, L, D), of which those of length 0 are none."""
        present = keys.any(-1)
        place = present.cumsum(1) - 1
        number = present.sum(1)
        capacity, start = self.capacity[:, None], self.start[:, None]
        # of more keys than the ring holds only the last are kept: no row is written twice
        kept = present & (place >= number[:, None] - capacity)
        row = start + (self.pointer[:, None] + place) % capacity
        row = torch.where(kept, row, self.keys.shape[0] - 1)
        self.keys.index_copy_(0, row.flatten(), keys.flatten(0, 1))
        self.keys[-1].zero_()
        self.pointer.add_(number).remainder_(self.capacity)
        self.filled.copy_(torch.minimum(self.filled + number, self.capacity))
