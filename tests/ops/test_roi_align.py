"""RoIAlign, against an oracle and mmcv's compiled operator."""
import mmcv.ops
import pytest
import torch

from plugin.ops import average, regions
from tests import reference_ops

SCALE = 0.25


def draw(count: int, shape: tuple, seed: int = 0, dtype=torch.float64) -> tuple:
    """Maps of a shape, and regions in, across and beyond their borders."""
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randn(shape, generator=generator, dtype=dtype)
    extent = torch.tensor([shape[3], shape[2]], dtype=dtype) / SCALE
    corner, size = (torch.rand(count, 2, generator=generator, dtype=dtype) for _ in range(2))
    corner, size = (corner * 1.5 - 0.25) * extent, size ** 2 * extent
    size[0] = 0  # nothing
    corner[1], size[1] = -3 * extent, 7 * extent  # all, and much around it
    corner[2] = corner[2].round()
    corner[3] = extent * 2  # outside
    image = torch.randint(0, shape[0], (count, 1), generator=generator).to(dtype)
    return maps, torch.cat([image, corner, corner + size], 1)


def pool(function, maps, rois, *options):
    """Result and gradient of the maps, of a random weighting of the result."""
    leaf = maps.detach().clone().requires_grad_()
    result = function(leaf, rois, *options)
    generator = torch.Generator().manual_seed(9)
    weights = torch.randn(result.shape, generator=generator, dtype=torch.float64)
    (result * weights.to(result)).sum().backward()
    return result.detach(), leaf.grad


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('mode', ['avg', 'max'])
@pytest.mark.parametrize('ratio', [0, 2])
@pytest.mark.parametrize('channels', [2, 9])
def test_equals_a_loop_over_samples(stand_in, channels, ratio, mode, aligned):
    maps, rois = draw(6, (2, channels, 5, 7))
    rois = rois[rois[:, 3] - rois[:, 1] < 60] if mode == 'max' else rois
    options = ((2, 3), SCALE, ratio, mode, aligned)
    result, grad = pool(mmcv.ops.roi_align, maps, rois, *options)
    expected, expected_grad = pool(reference_ops.roi_align, maps, rois, *options)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(grad, expected_grad, rtol=0, atol=1e-9)


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('mode', ['avg', 'max'])
@pytest.mark.parametrize('ratio', [0, 1, 2, 3])
@pytest.mark.parametrize('shape', [(2, 16, 20, 13), (3, 1, 40, 30), (1, 3, 1, 1), (1, 8, 1, 6)])
def test_equals_the_compiled_operator(compiled, stand_in, monkeypatch, shape, ratio, mode, aligned):
    maps, rois = draw(25, shape, seed=1, dtype=torch.float32)
    options = [(bins, SCALE, ratio, mode, aligned) for bins in ((7, 7), (3, 5), (14, 14))]
    ours = [pool(mmcv.ops.roi_align, maps, rois, *option) for option in options]
    monkeypatch.undo()
    for (result, grad), option in zip(ours, options):
        expected, expected_grad = pool(mmcv.ops.roi_align, maps, rois, *option)
        torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)
        # a cell of a map of one cell gets thousands of summands, in another order
        most = float(expected_grad.abs().max())
        torch.testing.assert_close(grad, expected_grad, rtol=3e-5, atol=1e-5 * most)


@pytest.mark.parametrize('ratio', [0, 2])
@pytest.mark.parametrize('channels', [2, 12])
def test_memory_format_and_strides_do_not_matter(stand_in, channels, ratio):
    maps, rois = draw(12, (2, channels, 9, 11), seed=2, dtype=torch.float32)
    options = (4, SCALE, ratio)
    expected, expected_grad = pool(mmcv.ops.roi_align, maps, rois, *options)
    last = maps.to(memory_format=torch.channels_last)
    strided = torch.stack([maps, maps], -1)[..., 0]
    for other in (last, strided):
        assert not other.is_contiguous()
        result, grad = pool(mmcv.ops.roi_align, other, rois.t().contiguous().t(), *options)
        assert torch.equal(result, expected)
        torch.testing.assert_close(grad, expected_grad, rtol=0, atol=1e-6)
    leaf = maps.clone().requires_grad_()
    # a gradient with strides of its own
    mmcv.ops.roi_align(leaf, rois, *options).permute(0, 2, 3, 1)[:, 1:].pow(2).sum().backward()
    dense = maps.clone().requires_grad_()
    mmcv.ops.roi_align(dense, rois, *options)[:, :, 1:].pow(2).sum().backward()
    torch.testing.assert_close(leaf.grad, dense.grad, rtol=0, atol=1e-6)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('mode', ['avg', 'max'])
def test_half_precision_is_computed_in_float32_and_rounded_once(stand_in, mode, dtype):
    maps, rois = draw(12, (2, 12, 9, 11), seed=3, dtype=torch.float32)
    maps, rois = maps.to(dtype), rois.to(dtype)
    result, grad = pool(mmcv.ops.roi_align, maps, rois, 4, SCALE, 2, mode)
    precise, precise_grad = pool(mmcv.ops.roi_align, maps.float(), rois.float(), 4, SCALE, 2, mode)
    assert result.dtype == grad.dtype == dtype
    assert torch.equal(result, precise.to(dtype))
    if mode == 'avg':  # where the maximum lies is kept in the type of the maps, as in mmcv
        # the incoming gradient is rounded as well
        torch.testing.assert_close(grad.float(), precise_grad, rtol=0.02, atol=0.03)


def test_half_precision_is_near_the_compiled_operator(compiled, stand_in, monkeypatch):
    maps, rois = draw(12, (2, 12, 9, 11), seed=3, dtype=torch.float32)
    maps, rois = maps.half(), rois.half()
    result = mmcv.ops.roi_align(maps, rois, 4, SCALE, 2)
    monkeypatch.undo()
    # which rounds coordinates to float16 on the way
    expected = mmcv.ops.roi_align(maps, rois, 4, SCALE, 2)
    torch.testing.assert_close(result, expected, rtol=0, atol=0.1)


def test_autocast_does_not_make_it_coarser(stand_in):
    maps, rois = draw(12, (2, 2, 9, 11), seed=4, dtype=torch.float32)
    expected = mmcv.ops.roi_align(maps, rois, 4, SCALE, 0)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(mmcv.ops.roi_align(maps, rois, 4, SCALE, 0), expected)


def test_the_gradient_is_that_of_differences(stand_in):
    for channels in (2, 9):
        maps, rois = draw(5, (2, channels, 4, 5), seed=5)
        maps.requires_grad_()
        for ratio in (0, 2):
            assert torch.autograd.gradcheck(
                lambda maps: mmcv.ops.roi_align(maps, rois, 3, SCALE, ratio), maps)  # noqa: B023


def test_no_regions(stand_in):
    maps, rois = draw(4, (2, 5, 4, 5), dtype=torch.float32)
    result, grad = pool(mmcv.ops.roi_align, maps, rois[:0], 7, SCALE, 0)
    assert result.shape == (0, 5, 7, 7)
    assert not grad.any()


@pytest.mark.parametrize('ratio', [0, 2])
def test_a_region_that_ends_before_it_starts_is_refused(stand_in, ratio):
    maps, rois = draw(6, (2, 5, 4, 5), dtype=torch.float32)
    rois[4] = torch.tensor([0.0, 5.0, 1.0, 3.0, 2.0])
    with pytest.raises(RuntimeError, match=r'ends before it starts: \[0.0, 5.0, 1.0, 3.0, 2.0\]'):
        mmcv.ops.roi_align(maps, rois, 7, SCALE, ratio)
    rois[4, 3] = float('nan')
    with pytest.raises(RuntimeError, match='ends before it starts'):
        mmcv.ops.roi_align(maps, rois, 7, SCALE, ratio)
    # without alignment it is a cell wide, as it was in the first Mask R-CNN
    rois[4, 3] = 3.0
    assert mmcv.ops.roi_align(maps, rois, 7, SCALE, ratio, 'avg', False).isfinite().all()


@pytest.mark.parametrize('channels', [2, 9])
def test_pieces_make_the_whole(stand_in, monkeypatch, channels):
    maps, rois = draw(20, (2, channels, 9, 11), seed=6)
    expected, expected_grad = pool(mmcv.ops.roi_align, maps, rois, 5, SCALE, 0)
    monkeypatch.setattr(average, 'CPU_NUMBERS', 1)
    monkeypatch.setattr(average, 'CPU_ENTRIES', 1)
    result, grad = pool(mmcv.ops.roi_align, maps, rois, 5, SCALE, 0)
    assert torch.equal(result, expected)
    torch.testing.assert_close(grad, expected_grad, rtol=0, atol=1e-12)


@pytest.mark.parametrize('channels', [2, 9])
@pytest.mark.parametrize('ratio', [0, 1, 2])
@pytest.mark.parametrize('aligned', [True, False])
def test_the_way_of_a_gpu(monkeypatch, channels, ratio, aligned):
    """Which never asks how many samples or cells there are."""
    maps, rois = draw(20, (2, channels, 9, 11), seed=7)
    where = regions.regions_of(rois, maps.shape, (5, 4), SCALE, ratio, aligned)
    results = []
    for on_gpu in (False, True):
        monkeypatch.setattr(average, 'on_cpu', lambda tensor, on_gpu=on_gpu: not on_gpu)
        monkeypatch.setattr(regions, 'on_cpu', lambda tensor, on_gpu=on_gpu: not on_gpu)
        output, grad = maps.new_zeros(20, channels, 5, 4), torch.zeros_like(maps)
        average.take_average(maps, where, output)
        average.spread_average(output.cos(), where, grad)
        results.append((output, grad))
    for ours, theirs in zip(*results):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
