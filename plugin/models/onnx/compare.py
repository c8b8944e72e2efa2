"""How far a graph is from its network, and how fast it is."""
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from plugin.utils import UserError


class Difference(NamedTuple):
    """Of two logits.

    Attributes:
        largest (float): Largest absolute difference.
        agreement (float): Share of the pixels that get the same class, from 0 to 1.
    """

    largest: float
    agreement: float


def compare_logits(expected: Tensor, given: Tensor, threshold: float = 0.5) -> Difference:
    """Compare logits, both (N, C, H, W).

    Args:
        expected (Tensor): Of PyTorch.
        given (Tensor): Of the graph.
        threshold (float): Share from which on the single channel of C = 1 is foreground.

    Raises:
        UserError: If the shapes differ or some of the given ones are not finite.
    """
    if expected.shape != given.shape:
        raise UserError(f'the graph answers {tuple(given.shape)} where PyTorch answers '
                        f'{tuple(expected.shape)}: some step of the network is fixed to the size '
                        'of the example; predict with PyTorch')
    if not given.isfinite().all():
        raise UserError('the graph answers numbers that are not finite: they are too large for '
                        'half precision; export without --fp16')
    if expected.shape[1] > 1:
        labels, others = expected.argmax(1), given.argmax(1)
    else:
        labels, others = expected.sigmoid() > threshold, given.sigmoid() > threshold
    return Difference(float((expected - given).abs().max()),
                      float((labels == others).double().mean()))


def median_seconds(function: Callable[[], object], turns: int) -> float:
    """Median time of ``turns`` calls, after one that warms up."""
    function()
    taken = []
    for _ in range(turns):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
