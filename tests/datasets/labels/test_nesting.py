"""Holes and parts, as the slow comparison of all pairs tells them."""
import numpy as np
import pytest
import shapely

from plugin.datasets.labels import nesting
from plugin.datasets.labels.joining import join_shapes
from plugin.datasets.labels.shapes import PolygonPart, Shape, box_ring, ellipse_ring


def part(ring, name):
    return PolygonPart(name, ring, shapely.Polygon(np.reshape(ring, (-1, 2))))


def slow_nest(parts):
    """Depth by all pairs, from the largest on; rings of the holes of each solid polygon."""
    depth, around = [0] * len(parts), [[] for _ in parts]
    order = sorted(range(len(parts)), key=lambda place: -parts[place].polygon.area)
    for rank, place in enumerate(order):
        inner = parts[place].polygon
        around[place] = [other for other in order[:rank] if parts[other].polygon.covers(inner)
                         and not parts[other].polygon.equals(inner)]
        depth[place] = 1 + max((depth[other] for other in around[place]), default=-1)
    solids = [place for place in range(len(parts)) if depth[place] % 2 == 0]
    holes = [[one.ring for one, outer, level in zip(parts, around, depth, strict=True)
              if place in outer and level == depth[place] + 1] for place in solids]
    told = {(parts[place].name, parts[around[place][-1]].name)
            for place in order if depth[place] % 2}
    return [parts[place].name for place in solids], holes, told


def random_rings(rng):
    """Rings around one middle, boxes side by side, and some twice."""
    rings = [ellipse_ring(50, 50, radius, 0.8 * radius)
             for radius in rng.uniform(2, 45, rng.integers(1, 7))]
    for left, top, width, height in rng.integers(1, 60, (rng.integers(0, 8), 4)).tolist():
        rings.append(box_ring(left, top, left + width, top + height))
    rings += [ring[2:] + ring[:2] for ring in rings if rng.random() < 0.2]
    return [rings[place] for place in rng.permutation(len(rings))]


@pytest.mark.parametrize('seed', range(40))
def test_holes_are_those_of_the_slow_comparison(seed):
    parts = [part(ring, f'shape {place}')
             for place, ring in enumerate(random_rings(np.random.default_rng(seed)))]
    told = []
    solids, holes = nesting.nest([[one] for one in parts], lambda *words: told.append(words))
    names, rings, notes = slow_nest(parts)
    assert [one.name for one in solids] == names and holes == rings
    assert {(name, reason.split(' of its group')[0].removeprefix('it lies inside '))
            for name, action, reason in told if action == 'note'} == notes


def test_parts_of_one_shape_are_not_compared(monkeypatch):
    monkeypatch.setattr(nesting, 'WORK', 0)
    parts = [part(box_ring(left, 1, left + 3, 4), 'shape 1') for left in (1, 10, 20)]
    assert nesting.nest([parts, []], print) == (parts, [[], [], []])


@pytest.mark.parametrize('limit, words', [
    ('PARTS', 'it has 30 parts, more than 20: draw it as fewer shapes'),
    ('WORK', 'its 30 parts lie within each other too often to tell the holes: draw it')])
def test_a_group_of_too_many_is_dropped_and_named(limit, words, monkeypatch):
    monkeypatch.setattr(nesting, limit, 20)
    shapes = [Shape('cow', ellipse_ring(50, 50, radius, radius), 1, f'shape {radius}')
              for radius in range(10, 40)]
    told = []
    assert join_shapes(shapes, 100, 100, lambda *one: told.append(one)) == []
    ((names, action, reason), ) = told
    assert action == 'dropped' and reason.startswith(words) and 'shape 39' in names
