"""Outlines that nobody drew: what they cost is limited, and their pixels are kept."""
import numpy as np
import pytest
import shapely

from plugin.datasets.labels import tangles
from plugin.datasets.labels.joining import join_shapes
from plugin.datasets.labels.polygons import to_mask
from plugin.datasets.labels.shapes import Shape, ellipse_ring
from plugin.datasets.labels.tangles import is_tangled, kind_of

SIDE = 200


def random_ring(number, side=SIDE, seed=0):
    return np.random.default_rng(seed).random((number, 2)) * side


def slow_crossings(points):
    """Pairs of edges with a common point that do not follow each other."""
    number, found = len(points), 0
    edges = [shapely.LineString([points[k], points[(k + 1) % number]]) for k in range(number)]
    for one in range(number):
        for other in range(one + 2, number - (one == 0)):
            found += edges[one].intersects(edges[other])
    return found


def join(points, **more):
    told = []
    shape = Shape('cow', np.asarray(points, float).ravel().tolist(), None, 'shape 1', **more)
    return join_shapes([shape], SIDE, SIDE, lambda *words: told.append(words)), told


@pytest.mark.parametrize('number', [3, 5, 12, 30, 45])
def test_crossings_are_counted(number, monkeypatch):
    points = random_ring(number)
    crossings = slow_crossings(points)
    for limit in (crossings - 1, crossings):
        monkeypatch.setattr(tangles, 'CROSSINGS', limit)
        assert is_tangled(points) is (limit < crossings)
        assert is_tangled(points.repeat(2, axis=0)) is (limit < crossings)


@pytest.mark.parametrize('number', [120, 500, 2000])
def test_the_pixels_of_a_tangle_are_those_of_the_even_odd_rule(number):
    points = random_ring(number)
    (instance, ), told = join(points)
    assert isinstance(instance.segmentation['counts'], str)
    assert np.array_equal(to_mask(instance.segmentation, SIDE, SIDE),
                          to_mask([points.ravel().tolist()], SIDE, SIDE))
    assert [words[:2] for words in told] == [('shape 1', 'mended')]
    assert 'crosses itself more than 500 times: its pixels in the image are taken' in told[0][2]


def test_a_tangle_beyond_the_image_is_clipped_or_dropped():
    (instance, ), _ = join(random_ring(300, 2 * SIDE))
    assert instance.segmentation['size'] == [SIDE, SIDE]
    instances, told = join(random_ring(300, 9e5))
    assert instances == [] and told[0][:2] == ('shape 1', 'dropped')
    assert 'pixels long in an image of 200x200: draw it again' in told[0][2]


def test_what_people_draw_is_no_tangle():
    wobbly = random_ring(40)  # some hundred crossings
    assert kind_of(shapely.Polygon(wobbly)) == 'crossing'
    (instance, ), told = join(wobbly)
    assert isinstance(instance.segmentation, list) and len(instance.segmentation) > 50
    fine = np.reshape(ellipse_ring(100, 100, 90, 60), (-1, 2))
    for points in (fine, fine.repeat(3, axis=0), np.tile(fine, (1, 1))):
        assert kind_of(shapely.Polygon(points)) == 'plain'
    angle = 2 * np.pi * np.arange(5000) / 5000
    circle = np.stack([100 + 90 * np.cos(angle), 100 + 60 * np.sin(angle)], 1)
    assert kind_of(shapely.Polygon(circle)) == 'plain'
    circle[[100, 200]] = circle[[200, 100]]
    assert kind_of(shapely.Polygon(circle)) == 'crossing'


def test_edges_that_run_side_by_side_are_not_all_compared(monkeypatch):
    monkeypatch.setattr(tangles, 'NEAR', 10_000)
    lower = np.stack([np.arange(600) / 4, np.zeros(600)], 1)
    zigzag = np.stack([lower, lower + (150, 150)], 1).reshape(-1, 2)
    assert kind_of(shapely.Polygon(zigzag)) == 'tangled'


def test_a_comb_that_falls_apart_becomes_a_mask(monkeypatch):
    teeth = np.arange(1200)
    up = np.stack([teeth / 7, np.where(teeth % 2, 150, -5)], 1)
    comb = np.concatenate([up, [[172, -20], [0, -20]]])
    (instance, ), told = join(comb)
    assert len(instance.segmentation) == 600 and len(told) == 1
    monkeypatch.setattr('plugin.datasets.labels.shapes.PARTS', 500)
    (masked, ), told = join(comb)
    assert 'falls into too many parts' in told[-1][2]
    difference = to_mask(masked.segmentation, SIDE, SIDE) != to_mask(
        [comb.ravel().tolist()], SIDE, SIDE)
    assert not difference.any()
