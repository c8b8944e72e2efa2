"""Tiles of large images, and the animals that lie across their seams."""
import tracemalloc

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from plugin.models.postprocess import Detection, Tile, check_tiling, join_tiles, tile_grid


def scene(seed, height, width, number, longest):
    """Numbers of well separated elliptic animals, ``(height, width)``; 0 is the ground."""
    generator = np.random.default_rng(seed)
    labels = np.zeros((height, width), np.int32)
    for _ in range(number):
        axes = generator.integers(3, longest // 2, 2)
        place = generator.integers(0, (width, height))
        animal = cv2.ellipse(np.zeros((height, width), np.uint8), place.tolist(), axes.tolist(),
                             float(generator.uniform(0, 180)), 0, 360, 1, -1)
        if not labels[cv2.dilate(animal, np.ones((5, 5))) > 0].any():
            labels[animal > 0] = labels.max() + 1
    return labels


def seen(labels, tile, score=0.9):
    """What a perfect detector finds in a tile: the visible part of every animal, of class 0."""
    part = labels[tile.top:tile.bottom, tile.left:tile.right]
    return [Detection.from_mask(0, score, part == number, tile.left, tile.top)
            for number in np.unique(part) if number]


def rectangle(left, top, right, bottom, label=0, score=0.9):
    return Detection(label, score, left, top, np.ones((bottom - top, right - left), bool))


def counts_of(animals, shape):
    return sorted(animal.rle(*shape)['counts'] for animal in animals)


# --- one detection ------------------------------------------------------------------------------

@pytest.mark.parametrize('shape', [(1, 1), (1, 9), (9, 1), (7, 5), (33, 20)])
@pytest.mark.parametrize('filled', [0.1, 0.5, 0.95, 1.0])
def test_run_lengths_are_those_of_pycocotools(shape, filled):
    generator = np.random.default_rng(shape[0] * shape[1])
    for _ in range(5):
        mask = generator.random(shape) < filled
        animal = Detection.from_mask(2, 0.5, mask)
        if not mask.any():
            assert animal is None
            continue
        expected = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
        assert animal.rle(*shape) == dict(size=[*shape], counts=expected['counts'].decode())
        assert (animal.whole_mask(*shape) == mask).all()
        assert animal.area == mask.sum()
        assert list(animal.box) == coco_mask.toBbox(expected).tolist()


def test_a_detection_lies_where_its_tile_lies():
    mask = np.zeros((10, 10), bool)
    mask[4:6, 3:8] = True
    animal = Detection.from_mask(1, 0.25, mask, left=100, top=50)
    assert (animal.label, animal.score, animal.box, animal.area) == (1, 0.25, (103, 54, 5, 2), 10)
    assert not np.shares_memory(animal.mask, mask)


# --- where the tiles lie --------------------------------------------------------------------------

def test_tiles_have_the_full_size_and_the_last_one_moves_inwards():
    assert tile_grid(100, 250, 100, 20) == [
        Tile(0, 0, 100, 100), Tile(80, 0, 180, 100), Tile(150, 0, 250, 100)]
    # nothing is left over where tiles fit exactly, and one tile holds a small image
    assert [tile.left for tile in tile_grid(100, 180, 100, 20)] == [0, 80]
    assert tile_grid(31, 17, 100, 20) == [Tile(0, 0, 17, 31)]


@pytest.mark.parametrize(('height', 'width', 'tile', 'overlap'), [
    (97, 131, 40, 7), (40, 41, 40, 39), (1, 1, 2, 1), (200, 39, 40, 1), (123, 77, 50, 30)])
def test_tiles_cover_the_image_and_neighbours_share_the_overlap(height, width, tile, overlap):
    tiles = tile_grid(height, width, tile, overlap)
    assert len(set(tiles)) == len(tiles)
    times = np.zeros((height, width), int)
    for part in tiles:
        times[part.top:part.bottom, part.left:part.right] += 1
        assert part.right - part.left == min(tile, width)
        assert part.bottom - part.top == min(tile, height)
    assert times.min() >= 1
    for name, side in (('left', 'right'), ('top', 'bottom')):
        pairs = sorted({(getattr(part, name), getattr(part, side)) for part in tiles})
        for (_, end), (start, _) in zip(pairs, pairs[1:]):
            assert end - start >= overlap


@pytest.mark.parametrize(('tile', 'overlap', 'message'), [
    (100, 100, 'an overlap of 100 pixels does not fit tiles of 100: give 1 to 99'),
    (100, 0, 'an overlap of 0 pixels does not fit'),
    (100, -3, 'an overlap of -3 pixels does not fit'),
    (1, 0, 'a tile of 1 pixels is too small: give at least 2')])
def test_tiles_that_cannot_overlap_are_refused(tile, overlap, message):
    with pytest.raises(ValueError, match=message):
        check_tiling(tile, overlap)
    with pytest.raises(ValueError, match=message):
        tile_grid(500, 500, tile, overlap)


def test_a_image_without_pixels_has_no_tiles():
    with pytest.raises(ValueError, match='an image of 5x0 pixels has no tiles: it is empty'):
        tile_grid(0, 5, 10, 2)


# --- which detections are one animal --------------------------------------------------------------

@pytest.mark.parametrize(('tile', 'overlap'), [
    (64, 1), (64, 16), (50, 25), (60, 45), (150, 20), (1000, 128)])
@pytest.mark.parametrize('seed', range(4))
def test_joined_animals_are_those_of_the_whole_image(seed, tile, overlap):
    # animals longer than a tile among them, and odd sizes
    labels = scene(seed, 161 + seed, 243 - 7 * seed, 40, 90)
    truth = seen(labels, Tile(0, 0, labels.shape[1], labels.shape[0]))
    assert len(truth) > 10
    tiles = tile_grid(*labels.shape, tile, overlap)
    joined = join_tiles(tiles, [seen(labels, part) for part in tiles])
    assert counts_of(joined, labels.shape) == counts_of(truth, labels.shape)


@pytest.mark.parametrize('seed', range(4))
def test_uncertain_outlines_do_not_change_the_count(seed):
    generator = np.random.default_rng(seed)
    labels = scene(seed + 10, 200, 260, 40, 60)
    tiles = tile_grid(*labels.shape, 96, 32)

    def found(tile):
        # an outline that is off by a pixel, in another direction in every tile
        moved = np.roll(labels, generator.integers(-1, 2, 2), axis=(0, 1))
        # specks have nothing that could agree
        return [part for part in seen(moved, tile) if min(part.mask.shape) > 4]

    joined = join_tiles(tiles, [found(tile) for tile in tiles])
    truth = [animal for animal in seen(labels, Tile(0, 0, 260, 200)) if min(animal.mask.shape) > 4]
    assert len(joined) == len(truth)


def test_an_animal_over_three_tiles_is_one_with_the_highest_score():
    tiles = tile_grid(50, 250, 100, 20)
    found = [[rectangle(50, 10, 100, 30, score=0.6)], [rectangle(80, 10, 180, 30, score=0.8)],
             [rectangle(150, 10, 220, 30, score=0.7)]]
    (animal,) = join_tiles(tiles, found)
    assert (animal.box, animal.score, animal.area) == ((50, 10, 170, 20), 0.8, 170 * 20)
    # the arguments stay as they were
    assert [part.mask.shape for (part,) in found] == [(20, 50), (20, 100), (20, 70)]


def test_animals_come_the_surest_first():
    tiles = tile_grid(50, 180, 100, 20)
    found = [[rectangle(0, 0, 9, 9, score=0.3)],
             [rectangle(150, 0, 160, 9, score=0.9), rectangle(150, 20, 160, 29, score=0.5)]]
    assert [animal.score for animal in join_tiles(tiles, found)] == [0.9, 0.5, 0.3]


def test_duplicates_in_the_overlap_and_fragments_without_a_counterpart():
    tiles = tile_grid(50, 180, 100, 20)
    # seen twice, a fragment whose other half was missed, one of another class
    found = [[rectangle(85, 0, 95, 10), rectangle(70, 20, 100, 30), rectangle(70, 35, 100, 45)],
             [rectangle(85, 0, 95, 10), rectangle(80, 35, 120, 45, label=1)]]
    assert sorted(animal.box for animal in join_tiles(tiles, found)) == [
        (70, 20, 30, 10), (70, 35, 30, 10), (80, 35, 40, 10), (85, 0, 10, 10)]


def test_animals_that_touch_at_a_seam_stay_two():
    tiles = tile_grid(50, 180, 100, 20)
    for seam in (80, 90, 99, 100):
        labels = np.zeros((50, 180), int)
        labels[10:30, 40:seam], labels[10:30, seam:150] = 1, 2
        joined = join_tiles(tiles, [seen(labels, tile) for tile in tiles])
        assert sorted(animal.box for animal in joined) == [
            (40, 10, seam - 40, 20), (seam, 10, 150 - seam, 20)]


def test_a_calf_on_a_cow_at_the_seam_stays_its_own():
    tiles = tile_grid(100, 180, 100, 20)
    # masks of a network overlap: both outlines cover the calf, and the border cuts both
    found = [[rectangle(20, 10, 100, 60), rectangle(70, 20, 100, 40)],
             [rectangle(80, 10, 150, 60), rectangle(80, 20, 120, 40)]]
    assert sorted(animal.box for animal in join_tiles(tiles, found)) == [
        (20, 10, 130, 50), (70, 20, 50, 20)]


def test_two_animals_that_one_tile_sees_whole_are_not_glued_by_another():
    tiles = tile_grid(100, 180, 100, 20)
    # the left tile takes the cut parts of two animals for one
    found = [[rectangle(84, 10, 100, 50)], [rectangle(85, 10, 130, 29), rectangle(85, 31, 130, 50)]]
    assert sorted(animal.box for animal in join_tiles(tiles, found)) == [
        (84, 10, 46, 40), (85, 31, 45, 19)]


def test_two_parts_at_the_border_are_one_animal_if_the_neighbour_shows_it():
    tiles = tile_grid(100, 180, 100, 20)
    labels = np.zeros((100, 180), int)
    labels[10:20, 60:140] = labels[40:50, 60:140] = labels[10:50, 120:140] = 1
    legs = [Detection.from_mask(0, 0.9, labels[rows, :100] == 1, 0, rows.start)
            for rows in (slice(0, 30), slice(30, 60))]
    (animal,) = join_tiles(tiles, [legs, seen(labels, tiles[1])])
    assert (animal.whole_mask(100, 180) == (labels == 1)).all()


@pytest.mark.parametrize(('agreement', 'number'), [(0.3, 1), (0.5, 1), (0.51, 2), (1.0, 2)])
def test_how_much_must_agree(agreement, number):
    tiles = tile_grid(100, 180, 100, 20)
    # in columns 80..99: rows 10..29 and 20..39, half of each in common
    found = [[rectangle(60, 10, 100, 30)], [rectangle(80, 20, 120, 40)]]
    assert len(join_tiles(tiles, found, agreement)) == number


def test_wrong_arguments_are_named():
    tiles = tile_grid(50, 180, 100, 20)
    with pytest.raises(ValueError, match='1 lists of detections for 2 tiles: give one a tile'):
        join_tiles(tiles, [[]])
    for agreement in (0, 1.01):
        with pytest.raises(ValueError, match=f'agreement={agreement} is out of range'):
            join_tiles(tiles, [[], []], agreement)
    assert join_tiles(tiles, [[], []]) == []
    assert join_tiles([], []) == []


def test_a_huge_image_needs_no_mask_of_its_size():
    height, width, radius = 6000, 8000, 80
    square = np.zeros((2 * radius + 1, 2 * radius + 1), np.uint8)
    disc = cv2.circle(square, (radius, radius), radius, 1, -1) > 0
    places = [(column * 300 + 150, row * 290 + 150) for column in range(26) for row in range(20)]
    tiles = tile_grid(height, width, 1024, 128)

    def found(tile):
        parts = []
        for x, y in places:
            left, top = max(tile.left - x + radius, 0), max(tile.top - y + radius, 0)
            crop = disc[top:max(tile.bottom - y + radius, 0), left:max(tile.right - x + radius, 0)]
            parts.append(Detection.from_mask(0, 0.9, crop, x - radius + left, y - radius + top)
                         if crop.size else None)
        return [part for part in parts if part is not None]

    tracemalloc.start()
    joined = join_tiles(tiles, [found(tile) for tile in tiles])
    codes = [animal.rle(height, width) for animal in joined]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sorted(animal.box[:2] for animal in joined) == [(x - radius, y - radius)
                                                           for x, y in places]
    assert {int(coco_mask.area(code)) for code in codes} == {int(disc.sum())}
    assert peak < height * width
