"""An alarm for a teacher that predicts one class almost everywhere."""
from typing import NamedTuple

import torch
from torch import Tensor


class Collapse(NamedTuple):
    """A class and its share of the pseudo-labels, in 0..1."""

    place: int
    share: float


class CollapseAlarm:
    """Watches the mean share of each class among the pseudo-labels.

    The training does not depend on it, so that its sums are in no checkpoint.

    Args:
        limit (float): The share that is too large, in 0..1; 1 never is.
    """

    def __init__(self, limit: float = 0.95) -> None:
        self.limit = limit
        self._sums: Tensor | None = None
        self._said: int | None = None

    def add(self, shares: Tensor) -> None:
        """Add the shares of a step; nothing leaves the device.

        Args:
            shares (Tensor): ``(C, )``; NaN, where there was no pseudo-label, is passed over.
        """
        counted = torch.cat([shares, shares.new_ones(1)]).float()
        counted = torch.where(shares.isnan().any(), torch.zeros_like(counted), counted)
        self._sums = counted if self._sums is None else self._sums + counted

    def check(self) -> Collapse | None:
        """Look at the mean since the last look.

        Returns:
            Collapse | None: The class that takes too much, the first time that this one does.
        """
        if self._sums is None:
            return None
        *sums, count = self._sums.tolist()
        self._sums = None
        if not count:
            return None
        share, place = max((value / count, place) for place, value in enumerate(sums))
        found = place if self.limit <= share and self.limit < 1 else None
        new = found is not None and found != self._said
        self._said = found
        return Collapse(place, share) if new else None
