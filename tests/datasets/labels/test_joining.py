"""What was drawn becomes instances: mended, joined, and nothing lost unreported."""
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from plugin.datasets.labels.joining import join_shapes
from plugin.datasets.labels.polygons import mask_to_rle, to_mask
from plugin.datasets.labels.shapes import Shape, box_ring, ellipse_ring, turned
from tests.reference import slow_distance, slow_inside

H, W = 40, 60
few = settings(deadline=None, derandomize=True, max_examples=60)


def join(*shapes):
    """Instances, and what was reported as ``(name, action, reason)``."""
    told = []
    instances = join_shapes([shape._replace(name=shape.name or f'shape {place}')
                             for place, shape in enumerate(shapes, 1)], H, W,
                            lambda *words: told.append(words))
    return instances, told


def box(left, top, right, bottom, **more):
    return Shape('cow', box_ring(left, top, right, bottom), **more)


def area(instance):
    return int(to_mask(instance.segmentation, H, W).sum())


def test_a_good_polygon_keeps_its_points():
    ring = [3.3, 4.25, 20.1, 5, 18, 30.7, 18, 30.7, 3.3, 4.25]
    (instance, ), told = join(Shape('cow', ring))
    assert instance.segmentation == [ring] and told == []
    edge = [0, 0, W, 0, W, H, 0, H]
    assert join(Shape('cow', edge))[0][0].segmentation == [edge]


def test_a_group_is_one_instance():
    instances, told = join(box(2, 2, 10, 10, group=4), box(30, 2, 50, 30),
                           box(12, 2, 20, 10, group=4), box(40, 30, 44, 34, group='4'))
    assert [area(instance) for instance in instances] == [128, 560, 16]
    assert len(instances[0].segmentation) == 2 and told == []


def test_a_group_of_two_labels_is_two_instances():
    calf = Shape('calf', box_ring(12, 2, 20, 10), 4)
    instances, told = join(box(2, 2, 10, 10, group=4), calf,
                           box(30, 30, 35, 35, group=4)._replace(label=' Cow '))
    assert [(instance.label, area(instance)) for instance in instances] == [
        ('cow', 89), ('calf', 64)]
    assert told == [('group 4', 'split', 'its shapes have the labels cow, calf: they are one '
                     'instance each; give them one label or different groups')]


@pytest.mark.parametrize('turn', range(6))
def test_holes_islands_and_parts(turn):
    """Two rings side by side, one with an island in its hole that has a hole again."""
    shapes = [box(2, 2, 38, 38), box(5, 5, 30, 30), box(8, 8, 20, 20), box(10, 10, 12, 12),
              box(42, 2, 58, 20), box(45, 5, 50, 15), box(51, 5, 56, 15)]
    shapes = [shape._replace(group=1, name=f'shape {place}')
              for place, shape in enumerate(shapes)]
    shapes = shapes[turn:] + shapes[:turn]
    (instance, ), told = join(*shapes)
    truth = np.zeros((H, W), np.uint8)
    truth[2:38, 2:38] = 1
    truth[5:30, 5:30] = 0
    truth[8:20, 8:20] = 1
    truth[10:12, 10:12] = 0
    truth[2:20, 42:58] = 1
    truth[5:15, 45:50] = truth[5:15, 51:56] = 0
    assert np.array_equal(to_mask(instance.segmentation, H, W), truth)
    assert isinstance(instance.segmentation['counts'], str)
    assert {(name, action) for name, action, _ in told} == {
        (f'shape {k}', 'note') for k in (1, 3, 5, 6)}
    assert ('shape 3', 'note', 'it lies inside shape 2 of its group: a hole in it') in told


def test_a_hole_in_two_overlapping_parts_is_a_hole():
    (instance, ), _ = join(box(2, 2, 30, 30, group=1), box(8, 8, 50, 32, group=1),
                           box(10, 10, 20, 20, group=1))
    mask = to_mask(instance.segmentation, H, W)
    assert not mask[10:20, 10:20].any() and mask[25, 25] and mask.sum() == 28 * 28 + 42 * 24 \
        - 22 * 22 - 100


def test_the_same_outline_from_another_corner_is_no_hole():
    ring = box_ring(2, 2, 12, 12)
    (instance, ), _ = join(Shape('cow', ring, 1), Shape('cow', ring[2:] + ring[:2], 1))
    assert area(instance) == 100


def test_masks_and_polygons_of_a_group():
    mask = np.zeros((H, W), np.uint8)
    mask[5:10, 5:20] = 1
    (instance, ), told = join(Shape('cow', mask_to_rle(mask), 1), box(30, 20, 40, 30, group=1))
    mask[20:30, 30:40] = 1
    assert np.array_equal(to_mask(instance.segmentation, H, W), mask) and told == []


@pytest.mark.parametrize('outline,reason', [
    ([1, 1, 5, 5], 'it has 2 distinct points, and an outline needs 3'),
    ([], 'it has 0 distinct points'),
    ([1, 1, 5, 5, 1, 1, 5, 5], 'it has 2 distinct points'),
    ([1, 1, 5, 5, 9, 9], 'its outline encloses no area'),
    ([1, 1, 9, 1, 5, 1, 5, 9, 5, 1], 'its outline encloses no area'),
    ([70, 1, 80, 1, 80, 9], 'it reaches x 70..80, y 1..9: outside the image of 60x40'),
    ([W, 1, 80, 1, 80, 9], 'outside the image of 60x40'),
    ([1, 1, math.nan, 5, 9, 1], 'a coordinate is not a number'),
    ([1, 1, math.inf, 5, 9, 1], 'a coordinate is not a number'),
    ([1, 1, -1e12, 5, 9, 1], 'a coordinate is -1e+12, no place in an image'),
    ([1.1, 1.1, 1.2, 1.1, 1.2, 1.2], 'it covers no pixel'),
])
def test_what_is_dropped(outline, reason):
    instances, told = join(Shape('cow', outline))
    assert instances == []
    assert len(told) == 1 and told[0][:2] == ('shape 1', 'dropped') and reason in told[0][2]


def test_duplicates_are_dropped():
    instances, told = join(
        box(2, 2, 9, 9), box(2, 2, 9, 9)._replace(label='COW '), box(2, 2, 9, 9, group=1),
        box(20, 2, 30, 9, group=1), box(2, 2, 9, 9)._replace(label='calf'))
    assert [area(instance) for instance in instances] == [49 + 70, 49]
    assert told == [(f'shape {k}', 'dropped', 'it is drawn twice, point by point')
                    for k in (1, 2)]
    rle = mask_to_rle(np.ones((H, W)))
    assert len(join(Shape('cow', rle), Shape('cow', dict(rle)))[0]) == 1


def test_an_empty_mask_is_dropped():
    assert join(Shape('cow', mask_to_rle(np.zeros((H, W))))) == (
        [], [('shape 1', 'dropped', 'it covers no pixel')])


def test_clipped_to_the_image():
    (instance, ), told = join(box(-10, -20, 10, 20))
    assert area(instance) == 200 and np.array(instance.segmentation).min() == 0
    assert told == [('shape 1', 'mended', 'it reaches x -10..10, y -20..20: clipped to the '
                     'image of 60x40')]
    fork = Shape('cow', [70, 5, 40, 5, 40, 10, 65, 10, 65, 20, 40, 20, 40, 25, 70, 25])
    (instance, ), _ = join(fork)
    assert len(instance.segmentation) == 2 and area(instance) == 200


def test_crossing_outlines_are_mended():
    (instance, ), told = join(Shape('cow', [5, 5, 35, 35, 35, 5, 5, 35]))
    assert len(instance.segmentation) == 2
    assert told == [('shape 1', 'mended', 'its outline crosses or touches itself: 2 parts')]
    keyhole = [5, 5, 35, 5, 35, 35, 20, 35, 20, 25, 25, 25, 25, 15, 15, 15, 15, 25, 20, 25, 20, 35,
               5, 35]
    (instance, ), told = join(Shape('cow', keyhole))
    assert area(instance) == 900 - 100 and '1 part with 1 hole' in told[0][2]


points = st.lists(st.tuples(st.integers(0, W - 5), st.integers(0, H - 5)), min_size=3, max_size=9)


@few
@given(points)
def test_pixels_are_those_of_the_even_odd_rule(corners):
    # no two edges on one line: what runs along itself is a matter of taste
    ring = [value + (place + 1) ** 2 * 0.0137 for place, value in enumerate(sum(corners, ()))]
    instances, told = join(Shape('cow', ring))
    mask = to_mask(instances[0].segmentation, H, W) if instances else np.zeros((H, W))
    assert instances or told[-1][1] == 'dropped'
    for y in range(0, H, 4):
        for x in range(0, W, 4):
            # rasterisers differ along the edge
            if slow_distance(ring, x + 0.5, y + 0.5) > 1:
                assert mask[y, x] == slow_inside(ring, x + 0.5, y + 0.5), (x, y)


numbers = st.one_of(st.floats(-20, 80), st.integers(-5, 65), st.sampled_from(
    [0, H, W, math.nan, math.inf, -math.inf, 1e300, -1e7, 1e-300, 5.5]))
outlines = st.lists(st.tuples(numbers, numbers), max_size=8).map(
    lambda pairs: [value for pair in pairs for value in pair])


@few
@given(st.lists(st.tuples(outlines, st.sampled_from([None, 1, 2, 'a'])), max_size=6))
def test_nothing_is_lost_unreported(drawn):
    """A shape is seen in an instance of its label, or reported as dropped."""
    shapes = [Shape(f'lone {place}' if group is None else f'group {group}', outline, group,
                    f'shape {place}') for place, (outline, group) in enumerate(drawn)]
    instances, told = join(*shapes)
    for instance in instances:
        assert coco_mask.area(mask_to_rle(to_mask(instance.segmentation, H, W))) > 0
    labels = [instance.label for instance in instances]
    assert len(labels) == len(set(labels))
    dropped = {part for names, action, _ in told if action == 'dropped'
               for part in names.split(', ')}
    for shape in shapes:
        assert shape.label in labels or shape.name in dropped
        if shape.label in labels and shape.group is None and not any(
                shape.name == name for name, _, _ in told):
            assert instances[labels.index(shape.label)].segmentation == [shape.outline]


@pytest.mark.parametrize('radius', [0.5, 3, 18, 4000])
def test_an_ellipse_is_no_further_off_than_it_says(radius):
    ring = np.reshape(ellipse_ring(0, 0, radius, radius), (-1, 2))
    assert np.allclose(np.hypot(*ring.T), radius)
    middles = (ring + np.roll(ring, 1, axis=0)) / 2
    assert radius - np.hypot(*middles.T).min() <= 0.05 + 1e-9
    wide = np.reshape(ellipse_ring(7, 9, 2 * radius, radius, math.pi / 2), (-1, 2))
    assert np.allclose(np.ptp(wide, axis=0), (2 * radius, 4 * radius), rtol=0.03)
    assert np.allclose((wide.max(0) + wide.min(0)) / 2, (7, 9), atol=0.05)


def test_turns_are_clockwise_on_the_screen():
    # the right-hand end of a bar goes down, where y is larger
    assert np.allclose(turned([10, 5], 5, 5, math.pi / 2), [5, 10])
    with pytest.raises(ValueError, match='not a number'):
        ellipse_ring(0, 0, math.inf, 1)
