"""Weights that follow how far a training is."""
import math


def ramp_up(progress: float, length: float) -> float:
    """``exp(-5 (1 - t / length)^2)``, and 1 from ``length`` on.

    A. Tarvainen, H. Valpola, `Mean teachers are better role models
    <https://arxiv.org/abs/1703.01780>`_.

    Args:
        progress (float): The share t that is done, 0..1.
        length (float): The share in which the weight rises; 0 or less for none.

    Example:
        >>> ramp_up(0.25, length=0.25), round(ramp_up(0., length=0.25), 4)
        (1.0, 0.0067)
    """
    left = 1 - min(progress / length, 1) if length > 0 else 0
    return math.exp(-5 * left**2)
