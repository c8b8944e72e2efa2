"""Pasted instances: what lies on what, pixel by pixel."""
import numpy as np
import pytest

from plugin.datasets.crowds import CutOut, cut_out, paste, vary


def square(side, colour, label=1):
    return CutOut(np.full((side, side, 3), colour, np.uint8), np.ones((side, side), bool), label)


def slow_paste(image, masks, cuts, places):
    """Colours, instances that are seen in each pixel, and areas, pixel by pixel."""
    image = image.copy()
    seen = {at: set() for at in np.ndindex(image.shape[:2])}
    area = [0] * (len(masks) + len(cuts))
    for number, mask in enumerate(masks):
        for at in zip(*np.nonzero(mask)):
            seen[at].add(number)
            area[number] += 1
    for number, (cut, (x, y)) in enumerate(zip(cuts, places), start=len(masks)):
        height, width = cut.mask.shape
        for row, column in np.ndindex(height, width):
            at = y - height // 2 + row, x - width // 2 + column
            if cut.mask[row, column] and at in seen:
                image[at], seen[at] = cut.pixels[row, column], {number}
                area[number] += 1
    return image, seen, area


@pytest.mark.parametrize('overlapping', [False, True])
@pytest.mark.parametrize('seed', range(5))
def test_against_single_pixels(seed, overlapping):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    masks = rng.random((2, 30, 40)) < (0.6 if overlapping else 0.2)
    if not overlapping:
        masks[1] &= ~masks[0]
    cuts = [CutOut(rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
                   rng.random((height, width)) < 0.7, 0)
            for height, width in rng.integers(4, 25, (6, 2))]
    # some lie outside, in part or as a whole
    places = [(int(x), int(y)) for x, y in rng.integers(-20, 60, (6, 2))]
    before = image.copy(), masks.copy()
    done = paste(image, masks, cuts, places, soften=0)
    drawn, seen, area = slow_paste(image, masks, cuts, places)
    assert (image == before[0]).all() and (masks == before[1]).all()
    assert (done.image == drawn).all()
    for number in range(8):
        own = {at for at in seen if number in seen[at]}
        assert set(zip(*np.nonzero(done.masks[number]))) == own
        assert done.visible[number] == pytest.approx(
            len(own) / area[number] if area[number] else 0)


def test_outlines_that_overlap_lose_pasted_pixels_alone():
    image = np.zeros((40, 60, 3), np.uint8)
    masks = np.zeros((3, 40, 60), np.uint8)
    masks[0, 5:25, 5:25] = 1
    masks[1, 10:30, 10:30] = 1
    masks[2] = 1  # a region to ignore over everything, which is the last one as in COCO files
    same = paste(image, masks, [], [])
    assert (same.masks == masks).all() and same.visible.tolist() == [1, 1, 1]
    # 4 columns of the first one are pasted over
    done = paste(image, masks, [square(20, 200)], [(-1, 15)])
    assert done.masks.sum((1, 2)).tolist() == [400 - 20 * 4, 400, 2400 - 20 * 9, 20 * 9]
    assert not (done.masks[:3] & done.masks[3]).any()


def test_edges_are_blended_within_the_mask():
    image = np.zeros((20, 20, 3), np.uint8)
    done = paste(image, [], [square(8, 200)], [(10, 10)])
    inside = done.masks[0]
    assert (done.image[~inside] == 0).all()
    assert (done.image[9:11, 9:11] == 200).all()
    assert 0 < done.image[6, 10, 0] < 200


def test_a_crowd_without_instances_is_the_image():
    image = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    done = paste(image, [], [], [])
    assert (done.image == image).all() and done.masks.shape == (0, 9, 9)


def test_cut_out_and_varied():
    image = np.random.default_rng(0).integers(0, 200, (20, 30, 3), dtype=np.uint8)
    mask = np.zeros((20, 30), np.uint8)
    mask[4:12, 5:21] = 1
    cut = cut_out(image, mask, 3)
    assert (cut.pixels == image[4:12, 5:21]).all() and cut.mask.all() and cut.label == 3
    assert cut_out(image, np.pad(np.ones((3, 9), np.uint8), ((0, 17), (0, 21))), 3) is None
    rng = np.random.default_rng(1)
    mirrored = set()
    for _ in range(30):
        half = vary(cut, rng, scale=0.5, light=0)
        assert half.mask.shape == (4, 8) and half.mask.all() and half.label == 3
        plain = vary(cut, rng, light=0)
        mirrored.add((plain.pixels == cut.pixels).all())
        assert (plain.pixels == cut.pixels).all() or (plain.pixels == cut.pixels[:, ::-1]).all()
        gain = vary(cut, rng, light=0.2).pixels.mean() / cut.pixels.mean()
        assert 1 / 1.35 < gain < 1.35
    assert mirrored == {True, False}
    assert vary(cut, rng, scale=0.01).mask.shape == (4, 4)
