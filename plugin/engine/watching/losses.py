"""The losses of a training, looked at now and then."""
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

# steps in a row whose loss is not finite, where a GradScaler leaves such a step out
LOST = 5
# steps in a row that a GradScaler leaves out: by then its scale has shrunk by 2 ** 30
SKIPPED = 30


class Step(NamedTuple):
    """An iteration of a training.

    Attributes:
        number (int): From 1.
        loss (float): Its loss.
        rate (float): Its learning rate.
        files (tuple[str, ...]): Its images.
        steps (int): How many in a row went wrong, from this one on.
    """

    number: int
    loss: float
    rate: float
    files: tuple[str, ...]
    steps: int = 1


class LossWatch:
    """Notes the losses where they are computed, and reads them all at once.

    Nothing is copied from the device before :meth:`read`. The training does not depend on the
    watch, so that it is in no checkpoint.
    """

    def __init__(self) -> None:
        self._losses: list[Tensor] = []
        self._scales: list[Tensor] = []
        self._steps: list[Step] = []
        self._scale: float | None = None
        self._lost: Step | None = None
        self._skipped: Step | None = None
        self._seen, self._largest = 0, 0.

    def add(self, loss: Tensor, number: int, rate: float, files: Sequence[str],
            scale: Tensor | None = None) -> None:
        """Note an iteration.

        Args:
            loss (Tensor): One number, on any device.
            number (int): Of the iteration, from 1.
            rate (float): Its learning rate.
            files (Sequence[str]): Its images.
            scale (Tensor, optional): That of the ``GradScaler`` after the step: smaller than
                before where the step was left out.
        """
        self._losses.append(loss.detach().reshape(()))
        if scale is not None:
            # the scaler changes its tensor in place
            self._scales.append(scale.detach().clone().reshape(()))
        self._steps.append(Step(number, 0., rate, tuple(files)))

    def read(self) -> Step | None:
        """Read what was noted since the last time.

        Returns:
            Step | None: The first of the steps that a training cannot go on from: a loss that is
            not finite; with a scaler only where several in a row are, or are left out.
        """
        if not self._steps:
            return None
        count = len(self._steps)
        numbers = torch.stack([value.float().to(self._losses[0].device)
                               for value in (*self._losses, *self._scales)]).tolist()
        losses, scales, steps = numbers[:count], numbers[count:], self._steps
        self._losses, self._scales, self._steps = [], [], []
        for place, (step, loss) in enumerate(zip(steps, losses, strict=True)):
            step = step._replace(loss=loss)
            self._seen += 1
            self._largest = max(self._largest, abs(loss)) if math.isfinite(loss) else math.inf
            self._lost = _longer(self._lost, step, not math.isfinite(loss))
            if len(scales) == count:
                left_out = self._scale is not None and scales[place] < self._scale
                self._skipped = _longer(self._skipped, step, left_out)
                self._scale = scales[place]
            if self._lost and self._lost.steps >= (LOST if scales else 1):
                return self._lost
            if self._skipped and self._skipped.steps >= SKIPPED:
                return self._skipped
        return None

    def largest(self) -> tuple[int, float]:
        """How many losses were read since the last call, and the largest absolute value."""
        found = self._seen, self._largest
        self._seen, self._largest = 0, 0.
        return found


def files_of(batch: Any) -> list[str]:
    """The image files of a batch, as it comes from the data loader.

    Args:
        batch (Any): Samples of OpenMMLab in lists and dicts of any depth.
    """
    if isinstance(batch, Mapping):
        batch = batch['data_samples'] if 'data_samples' in batch else list(batch.values())
        batch = list(batch.values()) if isinstance(batch, Mapping) else batch
    if isinstance(batch, (list, tuple)):
        return [file for item in batch for file in files_of(item)]
    path = getattr(batch, 'metainfo', {}).get('img_path')
    return [] if path is None else [str(path)]


def _longer(run: Step | None, step: Step, goes_on: bool) -> Step | None:
    """A row of steps with one more, or none where it ends."""
    if not goes_on:
        return None
    return step if run is None else run._replace(steps=run.steps + 1)
