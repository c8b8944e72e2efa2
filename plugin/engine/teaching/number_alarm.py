"""An alarm for a teacher that finds far fewer instances than the labels show, or far more."""
import torch
from torch import Tensor


class NumberAlarm:
    """Watches how many pseudo-instances there are for each labelled one.

    The training does not depend on it, so that its sums are in no checkpoint.

    Args:
        lowest (float): The share that is too small; 0 never is.
        highest (float): The share that is too large.
    """

    def __init__(self, lowest: float = 0.25, highest: float = 4.) -> None:
        self.lowest, self.highest = lowest, highest
        self._sums: Tensor | None = None
        self._said: str | None = None

    def add(self, ratio: Tensor) -> None:
        """Add the ratio of a step, 0-dim; nothing leaves the device. NaN is passed over."""
        counted = torch.stack([ratio, torch.ones_like(ratio)]).float()
        counted = torch.where(ratio.isfinite(), counted, 0)
        self._sums = counted if self._sums is None else self._sums + counted

    def check(self) -> tuple[str, float] | None:
        """Look at the mean since the last look.

        Returns:
            tuple, optional: ``'collapse'`` or ``'flood'`` and the ratio, the first time that it is
            so.
        """
        if self._sums is None:
            return None
        total, count = self._sums.tolist()
        self._sums = None
        if not count:
            return None
        ratio = total / count
        found = 'collapse' if ratio < self.lowest else 'flood' if ratio > self.highest else None
        new = found is not None and found != self._said
        self._said = found
        return (found, ratio) if new and found is not None else None
