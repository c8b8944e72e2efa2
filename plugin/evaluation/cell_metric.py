"""Scores of cells: those of their pixels, and whether they are apart."""
from collections.abc import Sequence
from typing import Any

from mmseg.registry import METRICS

from .seg_metric import SegMetric
from .v_rand import VRandMetric


@METRICS.register_module()
class CellMetric(SegMetric):
    """The scores of :class:`SegMetric` and of :class:`VRandMetric` together.

    One metric and not two, so that ``val_evaluator`` and ``test_evaluator`` are no lists and
    ``--out`` of MMSegmentation's ``tools/test.py`` finds where to write predictions.

    Args:
        cell_class (int): Id of the cells. Defaults to 1.
        **kwargs: Of :class:`SegMetric`.
    """

    def __init__(self, cell_class: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._rand = VRandMetric(cell_class, collect_device=self.collect_device,
                                 prefix=self.prefix, collect_dir=self.collect_dir)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch, and pair those of its cells."""
        super().process(data_batch, data_samples)
        if not self.format_only:
            self._rand.process(data_batch, data_samples)

    def evaluate(self, size: int) -> dict[str, float]:
        """The scores of both over all processes, in percent."""
        scores = super().evaluate(size)
        return scores if self.format_only else {**scores, **self._rand.evaluate(size)}
