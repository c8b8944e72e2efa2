"""Maps whose positions lie on pixels."""
from fractions import Fraction

import pytest
import torch

from plugin.models.layers import resample_aligned
from tests import reference


@pytest.mark.parametrize('step', [Fraction(1, 8), Fraction(4, 3), 0.75, 2, 0.5, 1])
@pytest.mark.parametrize('size', [(1, 1), (5, 4), (19, 30)])
def test_resampling_interpolates_at_multiples_of_the_step(step, size):
    maps = torch.randn(1, 2, 5, 7, dtype=torch.float64)
    result = resample_aligned(maps, step, size)
    expected = torch.tensor([[reference.slow_resample(channel.tolist(), float(step), size)
                              for channel in maps[0]]], dtype=torch.float64)
    torch.testing.assert_close(result, expected)


def test_resampling_is_caffes_interp_where_sizes_fit():
    maps = torch.randn(2, 3, 41, 31)
    torch.testing.assert_close(resample_aligned(maps, Fraction(1, 8), (321, 241)),
                               reference.interp(maps, (321, 241)))
    with pytest.raises(ValueError, match='step=0 is no distance'):
        resample_aligned(maps, 0., (3, 3))
