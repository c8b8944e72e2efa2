"""Pasted instances: what lies on what, pixel by pixel."""
import numpy as np
import pytest

from plugin.datasets.crowds import CutOut, cut_out, paste, vary


def square(side, colour, label=1):
    return CutOut(np.full((side, side, 3), colour, np.uint8), np.ones((side, side), bool), label)


def slow_paste(image, masks, cuts, places):
    """Colours and owners of all pixels, one by one."""
    image, owner = image.copy(), np.full(image.shape[:2], -1)
    area = [0] * (len(masks) + len(cuts))
    for number, mask in enumerate(masks):
        for row, column in zip(*np.nonzero(mask)):
            owner[row, column] = number
            area[number] += 1
    for number, (cut, (x, y)) in enumerate(zip(cuts, places), start=len(masks)):
        height, width = cut.mask.shape
        for row in range(height):
            for column in range(width):
                at = y - height // 2 + row, x - width // 2 + column
                if cut.mask[row, column] and 0 <= at[0] < image.shape[0] and (
                        0 <= at[1] < image.shape[1]):
                    image[at], owner[at] = cut.pixels[row, column], number
                    area[number] += 1
    return image, owner, area


@pytest.mark.parametrize('seed', range(5))
def test_against_single_pixels(seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    masks = rng.random((2, 30, 40)) < 0.2
    masks[1] &= ~masks[0]
    cuts = [CutOut(rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
                   rng.random((height, width)) < 0.7, 0)
            for height, width in rng.integers(4, 25, (6, 2))]
    # some lie outside, in part or as a whole
    places = [(int(x), int(y)) for x, y in rng.integers(-20, 60, (6, 2))]
    before = image.copy()
    done = paste(image, masks, cuts, places, soften=0)
    drawn, owner, area = slow_paste(image, masks, cuts, places)
    assert (image == before).all() and (done.image == drawn).all()
    for number in range(8):
        assert (done.masks[number] == (owner == number)).all()
        assert done.visible[number] == pytest.approx(
            (owner == number).sum() / area[number] if area[number] else 0)


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
