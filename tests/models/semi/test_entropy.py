"""Entropy, its schedule, and exact quantiles."""
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.models.semi import blocks, entropy, masked_quantile, unreliable_share
from tests import reference_u2pl as oracle


def scores(*shape, seed=0, scale=3., dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(shape, generator=generator)).to(dtype)


@pytest.mark.parametrize('shape', [(2, 4, 5, 7), (1, 2, 3, 3), (3, 21, 1, 1)])
def test_entropy_is_that_of_the_oracle(shape):
    logits = scores(*shape)
    before = logits.clone()
    result = entropy(logits)
    assert result.dtype == torch.float32
    np.testing.assert_allclose(result, oracle.entropy(logits), atol=1e-6)
    assert torch.equal(logits, before)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float64])
def test_entropy_of_other_types_is_computed_in_float32(dtype):
    logits = scores(1, 5, 4, 3, dtype=dtype)
    result = entropy(logits)
    assert result.dtype == torch.float32
    np.testing.assert_allclose(result, oracle.entropy(logits.double()), atol=1e-6)


def test_autocast_changes_nothing():
    logits = scores(2, 4, 5, 7)
    with torch.autocast('cpu', torch.bfloat16):
        inside = entropy(logits)
    assert torch.equal(inside, entropy(logits))


def test_closed_forms():
    equal = entropy(torch.full((1, 21, 2, 2), 7.))
    torch.testing.assert_close(equal, torch.full((1, 2, 2), math.log(21)))
    # sure beyond what a probability of 32 bits can say
    sure = torch.zeros(1, 3, 1, 1)
    sure[:, 1] = 300.
    assert entropy(sure).item() == 0
    # p = e / (1 + e) for two classes
    p = 1 / (1 + math.exp(-1))
    two = entropy(torch.tensor([0., 1.]).view(1, 2, 1, 1))
    assert two.item() == pytest.approx(-p * math.log(p) - (1 - p) * math.log(1 - p), abs=1e-7)


def test_blocks_leave_no_row_out(monkeypatch):
    logits = scores(2, 3, 7, 5)
    whole = entropy(logits)
    monkeypatch.setattr(blocks, 'BLOCK_VALUES', 3 * 5 * 2)
    assert torch.equal(entropy(logits), whole)
    assert [rows.start for _, rows in blocks.row_blocks(logits)] == 2 * [0, 2, 4, 6]


def test_no_images():
    assert entropy(torch.zeros(0, 3, 4, 4)).shape == (0, 4, 4)


def test_logits_that_say_nothing_are_refused():
    with pytest.raises(ValueError, match='1 channel.*num_classes=2 and out_channels=2'):
        entropy(torch.zeros(1, 1, 2, 2))
    with pytest.raises(ValueError, match='256 classes.*at most 255'):
        entropy(torch.zeros(1, 256, 1, 1))
    with pytest.raises(ValueError, match=r'torch.int64 of shape \(1, 2, 2\).*\(N, C, H, W\)'):
        entropy(torch.zeros(1, 2, 2, dtype=torch.int64))


def test_unreliable_share_falls_linearly():
    assert [unreliable_share(0.2, progress) for progress in (0., 0.25, 1.)] == [
        0.2, pytest.approx(0.15), 0.]
    assert unreliable_share(0., 0.3) == 0 and unreliable_share(1., 0.) == 1


def test_shares_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r'alpha_0=20 is outside 0..1.*0.2 for 20%'):
        unreliable_share(20, 0.)
    with pytest.raises(ValueError, match=r'progress=1.5 is outside 0..1'):
        unreliable_share(0.2, 1.5)
    with pytest.raises(ValueError, match=r'q=80 is outside 0..1.*0.8 for the 80th'):
        masked_quantile(torch.zeros(2), torch.ones(2, dtype=torch.bool), 80)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.floats(0, 1))
def test_quantile_is_that_of_numpy(data, q):
    # few values make ties, all of float32 try every bit
    value = st.one_of(st.sampled_from([-1.5, -0., 0., 0.25, 3.]),
                      st.floats(-2.**100, 2.**100, width=32))
    values = data.draw(st.lists(value, min_size=1, max_size=30))
    mask = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    values, mask = torch.tensor(values, dtype=torch.float32), torch.tensor(mask)
    result = masked_quantile(values, mask, q)
    assert result.shape == () and result.dtype == torch.float32
    kept = values[mask].double().numpy()
    if not len(kept):
        assert result == math.inf
        return
    expected = np.percentile(kept, 100 * q)
    assert result.item() == pytest.approx(expected, rel=1e-6, abs=1e-6 * np.abs(kept).max())
    # between neighbours, never beyond them
    position = q * (len(kept) - 1)
    around = np.sort(kept)[[math.floor(position), math.ceil(position)]]
    assert around[0] <= result.item() <= around[1]


@pytest.mark.parametrize('q', [0., 0.2, 0.8, 0.99, 1.])
def test_quantile_of_a_map(q):
    values = entropy(scores(2, 5, 33, 17))
    mask = scores(2, 33, 17, seed=1) > 0
    arguments = values.clone(), mask.clone()
    result = masked_quantile(values, mask, q)
    assert result.item() == pytest.approx(oracle.quantile(values, mask, q), rel=1e-6)
    assert torch.equal(values, arguments[0]) and torch.equal(mask, arguments[1])


def test_quantile_where_a_value_stands_exactly_is_that_value():
    values = scores(101)
    ordered = values.sort().values
    mask = torch.ones(101, dtype=torch.bool)
    assert masked_quantile(values, mask, 0.5) == ordered[50]
    assert masked_quantile(values, mask, 1) == ordered[100]


def test_quantile_of_nothing_is_above_all():
    nothing = torch.zeros(1, 4, 4, dtype=torch.bool)
    assert masked_quantile(torch.rand(1, 4, 4), nothing, 0.8) == math.inf
    assert masked_quantile(torch.zeros(0), torch.zeros(0, dtype=torch.bool), 0.8) == math.inf


def test_quantile_of_half_precision():
    values = torch.tensor([0.5, 1., 4.], dtype=torch.float16)
    assert masked_quantile(values, torch.ones(3, dtype=torch.bool), 0.75) == 2.5


def test_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r'shape \(2, 3\), their mask \(3, 2\)'):
        masked_quantile(torch.zeros(2, 3), torch.zeros(3, 2, dtype=torch.bool), 0.5)
