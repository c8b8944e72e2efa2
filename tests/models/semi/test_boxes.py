"""Random boxes, as each method's published code samples them."""
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.models.semi.boxes import sample_boxes

BOXES = ['u2pl', 'cutmix-seg', 'unimatch']
sizes = st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(1, 12))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@settings(max_examples=80, deadline=None)
@given(sizes, st.integers(0, 2**31), st.sampled_from(BOXES))
def test_a_mask_is_one_box_within_the_image(size, seed, kind):
    number, height, width = size
    mask = sample_boxes(kind, number, height, width, generator=seeded(seed))
    assert mask.shape == (number, 1, height, width) and mask.dtype == torch.bool
    for box in mask[:, 0]:
        rows, columns = box.any(1), box.any(0)
        # filled, and without gaps in its rows and columns
        assert torch.equal(box, rows[:, None] & columns)
        assert all((line.int().diff() == 1).sum() + line[0].int() <= 1 for line in (rows, columns))


@pytest.mark.parametrize('kind, low, high', [('u2pl', 0.49, 0.51), ('cutmix-seg', 0.49, 0.51),
                                             ('unimatch', 0.019, 0.4)])
@pytest.mark.parametrize('height, width', [(321, 321), (200, 400)])
def test_boxes_have_the_published_areas(kind, low, high, height, width):
    shares = sample_boxes(kind, 200, height, width, generator=seeded()).float().mean((1, 2, 3))
    assert low <= shares.min() and shares.max() <= high
    # small and large ones occur where the size is free
    assert (shares.max() - shares.min() > 0.3) == (kind == 'unimatch')


def test_boxes_of_u2pl_are_wider_than_half_the_image():
    widths = sample_boxes('u2pl', 2000, 8, 9, generator=seeded()).any(2).sum(2).flatten()
    # numpy's randint(9 / 2 + 1, 9) of the published code
    counts = torch.bincount(widths, minlength=10)
    assert counts[:5].sum() == 0 and counts[9] == 0 and (counts[5:9] > 400).all()


def slow_cps(height, width, uniform) -> torch.Tensor:
    """Three boxes as ``BoxMaskGenerator`` of TorchSemiSeg flips them, pixel by pixel."""
    mask = torch.zeros(height, width, dtype=torch.bool)
    for share, exponent, row, column in uniform:
        area = 0.25 + 0.25 * share
        tall = area ** exponent
        sides = round(height * tall / 3**0.5), round(width * area / tall / 3**0.5)
        top, left = int(row * (height - sides[0] + 1)), int(column * (width - sides[1] + 1))
        for y in range(top, top + sides[0]):
            for x in range(left, left + sides[1]):
                mask[y, x] = not mask[y, x]
    return mask


def test_three_boxes_of_cps_and_what_two_of_them_share_is_outside():
    masks = sample_boxes('cps', 6, 30, 41, generator=seeded(4))
    generator = seeded(4)
    for mask in masks[:, 0]:
        draws = [torch.rand(4, generator=generator, dtype=torch.float64).tolist()
                 for _ in range(3)]
        assert torch.equal(mask, slow_cps(30, 41, draws))
    shares = sample_boxes('cps', 400, 60, 60, generator=seeded()).float().mean((1, 2, 3))
    # 3 * 1/3 * (0.25 ... 0.5) where they do not meet
    assert shares.max() <= 0.52 and 0.2 < shares.mean() < 0.4


def test_boxes_of_cutmix_seg_are_as_often_tall_as_wide():
    mask = sample_boxes('cutmix-seg', 2000, 50, 50, generator=seeded())
    tall = mask.any(3).sum(2) > mask.any(2).sum(2)
    assert 900 < tall.sum() < 1100


@pytest.mark.parametrize('kind', [*BOXES, 'cps'])
def test_boxes_reach_every_pixel(kind):
    assert sample_boxes(kind, 3000, 6, 7, generator=seeded()).any(0).all()


def test_unknown_boxes_and_empty_images_are_refused():
    with pytest.raises(ValueError, match="boxes='round' is unknown: use 'u2pl', 'cutmix-seg'"):
        sample_boxes('round', 1, 4, 4)
    with pytest.raises(ValueError, match='images of 0x4 pixels have no boxes'):
        sample_boxes('u2pl', 1, 4, 0)
